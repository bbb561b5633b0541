#include "thread-pool.h"

#include <cstdlib>
#include <new>

namespace sluice {
namespace {

// The gate: how many workers are inside the loop, whether it still lets workers in, and the loop's number. A
// worker that sleeps through a loop misses only its share: nobody waits for a thread that has not come in.
constexpr uint32_t kInside = 0xfff, kOpen = 0x1000, kLoop = 0x2000;

constexpr uint32_t loop_of(uint32_t gate) { return gate / kLoop; }

// Long enough to bridge the serial part between two ops, short enough not to burn a core between two steps.
constexpr int kSpins = 4000;

inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/** Whether `condition` comes true while spinning. */
template <typename Condition>
bool comes_true(Condition condition) {
  for (int i = 0; i < kSpins; i++) {
    if (condition()) return true;
    relax();
  }
  return false;
}

/** Waits until `value` differs from `old`: spins, then sleeps. */
void wait_for_change(std::atomic<uint32_t>& value, uint32_t old) {
  const auto has_changed = [&] { return value.load(std::memory_order_acquire) != old; };
  if (comes_true(has_changed)) return;
  while (!has_changed()) value.wait(old, std::memory_order_acquire);
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
  gate_.fetch_add(kLoop, std::memory_order_release);
  gate_.notify_all();
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
  const uint32_t loop = loop_of(gate_.load(std::memory_order_relaxed)) + 1;
  gate_.store(loop * kLoop | kOpen, std::memory_order_release);  // nobody is inside
  gate_.notify_all();
  take_pieces(0);
  gate_.fetch_and(~kOpen, std::memory_order_acq_rel);
  const auto is_empty = [this] { return (gate_.load(std::memory_order_acquire) & kInside) == 0; };
  if (comes_true(is_empty)) return;
  for (;;) {
    const uint32_t emptied = emptied_.load(std::memory_order_acquire);
    if (is_empty()) return;
    emptied_.wait(emptied, std::memory_order_acquire);
  }
}

void ThreadPool::work(int thread) {
  for (uint32_t seen = 0;;) {
    uint32_t gate = gate_.load(std::memory_order_acquire);
    if (stop_) return;
    if (!(gate & kOpen) || loop_of(gate) == seen) {
      wait_for_change(gate_, gate);
      continue;
    }
    if (!gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acq_rel)) continue;
    seen = loop_of(gate);
    take_pieces(thread);
    const uint32_t left = gate_.fetch_sub(1, std::memory_order_acq_rel) - 1;
    if ((left & (kOpen | kInside)) != 0) continue;
    emptied_.fetch_add(1, std::memory_order_release);
    emptied_.notify_one();
  }
}

void ThreadPool::take_pieces(int thread) {
  for (int64_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < count_;) {
    call_(context_, i, workspaces_[thread]);
  }
}

}  // namespace sluice
