// What a GPU must do for the backend: memory, launches of the dialect's kernels, and, if it has a library for
// them, matrix products. CUDA, Metal and the emulator implement it.
#pragma once

#include <cstdint>
#include <span>

#include "../../core/status.h"
#include "../backend.h"
#include "kernels/matmul.h"

namespace sluice::gpu {

enum class Kernel {
#define KERNEL_ENTRY(name) name,
#include "kernels.def"
#undef KERNEL_ENTRY
  count
};

const char* name_of(Kernel kernel);

/** Groups in x and y; every group has `threads`, a multiple of 32, and `group_bytes` of SIZED_GROUP_MEMORY.
 */
struct Grid {
  int64_t x = 1, y = 1;
  int threads = 256;
  int group_bytes = 0;
};

/** A thread for each of `count`. */
inline Grid one_each(int64_t count, int threads = 256) {
  return {(count + threads - 1) / threads, 1, threads};
}

/** A thread for every SOME of `count`. */
inline Grid some_each(int64_t count, int threads = 256) {
  return one_each((count + SOME - 1) / SOME, threads);
}

struct ProductOperands {
  const void *a, *b;
  const float* bias = nullptr;
  const int32_t* offsets = nullptr;
  const float* scales = nullptr;
  void* y;
  int64_t batch = 1;
};

class Device {
 public:
  virtual ~Device() = default;
  virtual const char* name() const = 0;

  /** Queues a kernel: its buffers in order, then its numbers. */
  virtual Status launch(Kernel kernel, Grid grid, std::span<void* const> buffers, const void* numbers,
                        std::size_t bytes) = 0;
  /** Whether it runs the kernels that need matrix-units.h. */
  virtual bool has_matrix_units() const { return false; }
  /** A product by a library, or false where the device has none for it: the dialect's is taken then. */
  virtual bool multiply(const dialect::Product&, const ProductOperands&, Status&) { return false; }

  /** Between the two, launches and products are kept instead of run; the number names them. */
  virtual Status begin_recording() = 0;
  virtual Status end_recording(int& recording) = 0;
  virtual Status play(int recording) = 0;
  virtual void forget(int recording) = 0;

  /** Waits for all that was queued, and says what went wrong in it. */
  virtual Status wait() = 0;

  /** Zeroed; null where there is not enough. */
  virtual void* allocate(int64_t bytes) = 0;
  /** Of memory that no queued work uses; on any thread, also while another one launches or records. */
  virtual void release(void* memory) = 0;
  virtual int64_t available() const = 0;
  /** Queued; `host` may change as soon as it returns. */
  virtual void upload(void* device, const void* host, int64_t bytes) = 0;
  /** Queued. */
  virtual Status copy(void* to, const void* from, int64_t bytes) = 0;
  /** Waits for what was queued. */
  virtual void download(void* host, const void* device, int64_t bytes) = 0;
};

}  // namespace sluice::gpu
