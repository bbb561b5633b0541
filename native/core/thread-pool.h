// A fixed set of threads that run the pieces of one loop at a time.
//
// A loop is cut into pieces by the caller, from shapes alone. Any thread may take any piece, and each piece
// writes only its own part of the result, so results depend neither on the number of threads nor on timing.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <type_traits>
#include <vector>

namespace sluice {

class ThreadPool {
 public:
  static constexpr size_t kWorkspaceBytes = size_t{6} << 20;

  /** `threads` counts the caller of run(). `on_start` runs once on each of the pool's own threads. Throws
   * what the standard library throws where the system gives no more memory or threads. */
  explicit ThreadPool(int threads, void (*on_start)() = nullptr);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /** With 1 the next loops run on the caller alone, waking nobody; results are the same. */
  void use_threads(int threads) { alone_ = threads <= 1; }

  /** Calls piece(index, workspace) for every index in [0, count); returns when all are done. One caller at a
   * time, never from within a piece. The workspace is the thread's own, kWorkspaceBytes, 64-byte aligned. */
  template <typename Piece>
  void run(int64_t count, Piece&& piece) {
    using Type = std::remove_reference_t<Piece>;
    run_erased(
        count,
        [](void* context, int64_t index, void* workspace) {
          (*static_cast<Type*>(context))(index, workspace);
        },
        const_cast<void*>(static_cast<const void*>(&piece)));
  }

 private:
  using Call = void (*)(void* context, int64_t index, void* workspace);
  void run_erased(int64_t count, Call call, void* context);
  void work(int thread);
  void end();
  void take_pieces(int thread);

  std::vector<std::thread> workers_;
  std::vector<void*> workspaces_;
  std::atomic<bool> stop_{false};
  bool alone_ = false;
  // what a worker reads when a loop begins, in one cache line
  alignas(64) std::atomic<uint32_t> gate_{0};  // of the loop: see thread-pool.cpp
  std::atomic<int64_t> next_{0};
  Call call_ = nullptr;
  void* context_ = nullptr;
  int64_t count_ = 0;
  alignas(64) std::atomic<uint32_t> emptied_{0};  // grows when the last worker leaves a closed loop
};

}  // namespace sluice
