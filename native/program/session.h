// Named states and one arena on one backend, and the programs that run over them.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "../backends/backend.h"
#include "../core/status.h"
#include "program.h"

namespace sluice {

/** Device memory with its owner. */
class Buffer {
 public:
  Buffer() = default;
  Buffer(Backend& backend, int64_t bytes)
      : backend_(&backend), data_(backend.allocate(bytes)), bytes_(bytes) {}
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Buffer() {
    if (data_) backend_->release(data_, bytes_);
  }
  void* data() const { return data_; }
  int64_t bytes() const { return bytes_; }

 private:
  void swap(Buffer& other) {
    std::swap(backend_, other.backend_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
  }
  Backend* backend_ = nullptr;
  void* data_ = nullptr;
  int64_t bytes_ = 0;
};

struct State {
  DType dtype = DType::f32;
  Shape shape;
  Buffer buffer;
  int64_t bytes() const { return shape.count() * size_of(dtype); }
};

struct OpTime {
  int64_t calls = 0;
  double seconds = 0;
};

class Session;

/** A loaded program with its operands resolved to memory. */
class Executable {
 public:
  const Program& program() const { return program_; }
  void set_profiling(bool on) { profiling_ = on; }
  void set_check_finite(bool on) { check_finite_ = on; }
  std::vector<OpTime> profile();

 private:
  friend class Session;
  struct Bound {
    std::vector<Tensor> inputs, outputs;
    void* scratch = nullptr;
  };

  Program program_;
  Buffer constants_, inputs_;
  std::vector<int64_t> place_;  // of each constant and input value in its buffer
  std::vector<Bound> bound_;
  std::vector<Tensor> tensors_;  // by value id
  uint64_t bound_version_ = 0;
  uint64_t bound_number_ = 0;  // of this binding among all of the session
  std::atomic<bool> profiling_{false}, check_finite_{false};
  std::mutex times_mutex_;
  std::vector<OpTime> times_;
};

struct RunResult {
  std::vector<std::vector<std::byte>> outputs;  // in the order of the program's outputs
  double seconds = 0;
};

/** Not thread-safe: states and runs are used by one caller at a time; stop() may come from anywhere. */
class Session {
 public:
  explicit Session(std::unique_ptr<Backend> backend) : backend_(std::move(backend)) {}

  Status set_state(const std::string& name, DType dtype, const Shape& shape, const void* data);
  Status drop_state(const std::string& name);
  const State* state(const std::string& name) const;
  const std::map<std::string, State>& states() const { return states_; }
  void read_state(const State& state, void* to) {
    backend_->download(to, state.buffer.data(), state.bytes());
  }

  /** Bytes [offset, offset + bytes) of a state. */
  void write_state(const State& state, int64_t offset, const void* from, int64_t bytes) {
    backend_->upload(static_cast<std::byte*>(state.buffer.data()) + offset, from, bytes);
  }
  bool is_host_memory() const { return backend_->is_host_memory(); }
  /** The state itself, to be written by any thread; null where its memory is not the host's. */
  std::byte* host_memory(const State& state) const {
    return is_host_memory() ? static_cast<std::byte*>(state.buffer.data()) : nullptr;
  }

  Status load(std::string_view text, std::shared_ptr<Executable>& out);
  /** `inputs` by value id, each of its value's size. */
  Status run(Executable& executable, const std::map<int, std::vector<std::byte>>& inputs, RunResult& result);
  /** Ends the current run after the op it is at, and every later one at once. */
  void stop() { stopped_ = true; }

  /** Gives back states, arena, the memory of loaded programs and the device's threads; no run may follow. */
  void clear();

  int64_t state_bytes() const;
  int64_t arena_bytes() const { return arena_wish_; }
  /** Of the device, that could be had now. */
  int64_t available_bytes() const { return backend_->available(); }

 private:
  Status bind(Executable& executable);
  /** What the op made, and the states it changed. */
  Status check_finite_results(const Op& op, const Executable::Bound& bound);

  std::unique_ptr<Backend> backend_;  // first: outlives the buffers
  std::map<std::string, State> states_;
  std::vector<std::weak_ptr<Executable>> loaded_;
  Buffer arena_;
  std::atomic<int64_t> arena_wish_{0};  // of the largest program loaded
  uint64_t version_ = 1;                // grows whenever memory moves
  uint64_t bindings_ = 0;
  std::atomic<bool> stopped_{false};
};

}  // namespace sluice
