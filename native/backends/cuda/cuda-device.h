// One NVIDIA GPU as the GPU backend sees it.
#pragma once

#include <cuda_runtime.h>

#include <vector>

#include "products.h"

namespace sluice::cuda {

/** `CUDA: what (why)` as a failed status; ok for cudaSuccess. */
Status checked(cudaError_t error, const char* what);

class CudaDevice : public gpu::Device {
 public:
  explicit CudaDevice(int number) : number_(number), name_("cuda:" + std::to_string(number)) {}
  ~CudaDevice() override;
  /** Makes stream and staging memory. */
  Status open();

  const char* name() const override { return name_.c_str(); }
  bool has_matrix_units() const override { return true; }

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
  /** Pinned memory that the next upload is copied to while the one before is still on its way. */
  struct Stage {
    void* memory = nullptr;
    cudaEvent_t done = nullptr;
  };

  /** Lets a kernel's groups have this much memory; without it 48 KiB are the most. */
  Status allow(gpu::Kernel kernel, int group_bytes);
  void use() const { cudaSetDevice(number_); }  // of the calling thread: sessions move between threads
  void keep(Status status) {
    if (!status.ok() && failure_.ok()) failure_ = std::move(status);
  }

  int number_;
  std::string name_;
  cudaStream_t stream_ = nullptr;
  std::unique_ptr<Products> products_;
  Stage stages_[2];
  int next_stage_ = 0;
  std::vector<cudaGraphExec_t> recordings_;
  std::vector<int> allowed_ = std::vector<int>(static_cast<std::size_t>(gpu::Kernel::count), 48 * 1024);
  Status failure_;  // of an upload or download, told by wait()
};

}  // namespace sluice::cuda
