// One Apple GPU as the GPU backend sees it. For Objective-C++ with automatic reference counting.
//
// Buffers lie in memory that CPU and GPU share, so a tensor's place is the host's own pointer, from which the
// buffer and the offset in it are found at each launch.
#pragma once

#import <Metal/Metal.h>

#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "products.h"

namespace sluice::metal {

/** `Metal: what (why)` as a failed status. */
Status failed(const char* what, NSError* error);

class MetalDevice : public gpu::Device {
 public:
  ~MetalDevice() override;
  /** The system's GPU, if it has what the kernels need; else nil, and `problem`. */
  static id<MTLDevice> find(std::string& problem);
  /** Compiles the kernels for the system's GPU. */
  Status open();

  const char* name() const override { return "metal"; }

  Status launch(gpu::Kernel kernel, gpu::Grid grid, std::span<void* const> buffers, const void* numbers,
                std::size_t bytes) override;
  bool multiply(const dialect::Product& product, const gpu::ProductOperands& operands,
                Status& status) override;

  Status begin_recording() override;
  Status end_recording(int& recording) override;
  Status play(int recording) override;
  void forget(int recording) override;
  Status wait() override;

  void* allocate(int64_t bytes) override;
  void release(void* memory) override;
  int64_t available() const override;
  void upload(void* device, const void* host, int64_t bytes) override;
  Status copy(void* to, const void* from, int64_t bytes) override;
  void download(void* host, const void* device, int64_t bytes) override;

 private:
  struct Launch {
    gpu::Kernel kernel;
    gpu::Grid grid;
    std::vector<void*> buffers;
    std::vector<std::byte> numbers;
  };
  using Work = std::function<Status()>;

  /** Does it now, or keeps it where a recording is under way. */
  Status do_or_keep(Work work);
  Status encode(const Launch& launch);
  Status encode(const dialect::Product& product, const gpu::ProductOperands& operands);
  Status pipeline_of(gpu::Kernel kernel, id<MTLComputePipelineState> __strong& pipeline);
  /** The buffer that a pointer lies in; without one where it is none of ours. */
  Place place_of(const void* pointer) const;

  /** What is encoded next goes here. */
  id<MTLCommandBuffer> commands();
  /** Ends the encoder of launches: others, such as those of products, cannot begin before. */
  void end_launches();
  /** Counts what was just encoded, and gives it to the GPU where it is enough. */
  void count_encoded();
  void commit();
  /** Waits for all of it, and keeps what went wrong. */
  void finish();

  id<MTLDevice> gpu_ = nil;
  id<MTLCommandQueue> queue_ = nil;
  id<MTLLibrary> library_ = nil;
  id<MTLComputePipelineState> pipelines_[static_cast<std::size_t>(gpu::Kernel::count)] = {};
  id<MTLBuffer> nothing_ = nil;              // stands for absent operands
  std::map<uintptr_t, id<MTLBuffer>> held_;  // by the address of its first byte
  mutable std::mutex held_mutex_;            // memory is released on any thread
  Products products_;

  id<MTLCommandBuffer> commands_ = nil;
  id<MTLComputeCommandEncoder> launches_ = nil;  // runs them one after the other
  int encoded_ = 0;                              // in commands_
  std::vector<id<MTLCommandBuffer>> committed_;  // since the last wait
  Status failure_;

  bool recording_ = false;
  std::vector<std::vector<Work>> recordings_;
};

}  // namespace sluice::metal
