// What a device must offer: memory, and ops launched in program order.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "../core/status.h"
#include "../program/program.h"

namespace sluice {

struct Tensor {
  void* data = nullptr;  // null: absent
  DType dtype = DType::f32;
  Shape shape;

  explicit operator bool() const { return data != nullptr; }
  float* f32() const { return static_cast<float*>(data); }
  int32_t* i32() const { return static_cast<int32_t*>(data); }
  int64_t count() const { return shape.count(); }
};

/** One op with its operands in device memory; absent ones have no data. Checked by the decoder. */
struct Launch {
  const Op* op = nullptr;
  const Tensor* inputs = nullptr;
  int input_count = 0;
  const Tensor* outputs = nullptr;
  int output_count = 0;
  void* scratch = nullptr;
  int threads = 1;  // of the program; a program of small ops asks for one though the device has more
  bool independent_rows = false;  // of the program
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual const char* name() const = 0;
  /** After the last launch. */
  virtual void end_threads() {}

  virtual bool supports(const Program& program, const Op& op) const = 0;
  /**
   * Before the first op of a run. The same `launches` (not 0) promise the same ops on the same memory as at
   * an earlier run; a backend that kept those may play them, and sets `played`: then no op is launched.
   */
  virtual Status begin_run(uint64_t launches, bool& played) {
    (void)launches;
    played = false;
    return {};
  }
  /** Returns when the op's effects are visible to the next launch. Never throws. */
  virtual Status launch(const Launch& launch) = 0;
  /** After the last op of a run: what went wrong in ops whose launch could not know it yet. */
  virtual Status end_run(const Program&) { return {}; }

  /** Whether device memory is the host's own, into which any of its threads may write. */
  virtual bool is_host_memory() const { return false; }
  /** Zeroed device memory, 64-byte aligned; null when there is not enough. */
  virtual void* allocate(int64_t bytes) = 0;
  /** Bytes that could be had now. */
  virtual int64_t available() const = 0;
  virtual void release(void* memory, int64_t bytes) = 0;
  virtual void upload(void* device, const void* host, int64_t bytes) = 0;
  virtual void download(void* host, const void* device, int64_t bytes) = 0;
  /** Whether all elements are finite (f32 and bf16; others are). */
  virtual bool all_finite(const Tensor& tensor) = 0;
  /** Waits for the effects of what was launched: for timing one op. */
  virtual Status finish() { return {}; }
};

}  // namespace sluice
