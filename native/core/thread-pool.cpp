#include "thread-pool.h"

#include <cstdlib>
#include <new>

namespace sluice {
namespace {

// Long enough to bridge the serial part between two ops, short enough not to burn a core between two steps.
constexpr int kSpins = 4000;

inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/** Waits until `value` differs from `old`: spins, then sleeps. */
void wait_for_change(std::atomic<uint32_t>& value, uint32_t old) {
  for (int i = 0; i < kSpins; i++) {
    if (value.load(std::memory_order_acquire) != old) return;
    relax();
  }
  while (value.load(std::memory_order_acquire) == old) value.wait(old, std::memory_order_acquire);
}

}  // namespace

ThreadPool::ThreadPool(int threads, void (*on_start)()) {
  try {
    workspaces_.reserve(static_cast<size_t>(threads));
    for (int i = 0; i < threads; i++) {
      workspaces_.push_back(std::aligned_alloc(64, kWorkspaceBytes));
      if (!workspaces_.back()) throw std::bad_alloc();
    }
    for (int i = 1; i < threads; i++) {
      workers_.emplace_back([this, i, on_start] {
        if (on_start) on_start();
        work(i);
      });
    }
  } catch (...) {
    end();  // those that did start
    throw;
  }
}

ThreadPool::~ThreadPool() { end(); }

void ThreadPool::end() {
  stop_ = true;
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  for (std::thread& worker : workers_) worker.join();
  for (void* workspace : workspaces_) std::free(workspace);
}

void ThreadPool::run_erased(int64_t count, Call call, void* context) {
  if (count <= 1 || alone_ || workers_.empty()) {
    for (int64_t i = 0; i < count; i++) call(context, i, workspaces_[0]);
    return;
  }
  call_ = call;
  context_ = context;
  count_ = count;
  next_.store(0, std::memory_order_relaxed);
  busy_.store(static_cast<uint32_t>(workers_.size()), std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_release);
  generation_.notify_all();
  take_pieces(0);
  for (uint32_t busy; (busy = busy_.load(std::memory_order_acquire)) != 0;) wait_for_change(busy_, busy);
}

void ThreadPool::work(int thread) {
  for (uint32_t seen = 0;;) {
    wait_for_change(generation_, seen);
    seen++;  // the pool never runs ahead: a new loop starts only after every worker finished the last
    if (stop_) return;
    take_pieces(thread);
    if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) busy_.notify_one();
  }
}

void ThreadPool::take_pieces(int thread) {
  for (int64_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < count_;) {
    call_(context_, i, workspaces_[thread]);
  }
}

}  // namespace sluice
