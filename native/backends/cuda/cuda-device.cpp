#include "cuda-device.h"

#include <algorithm>
#include <cstring>

#include "../gpu/call.h"
#include "../gpu/kernels/elementwise.h"
#include "kernels.h"

namespace sluice::cuda {
namespace {

constexpr int64_t kStageBytes = int64_t{4} << 20;

}  // namespace

Status checked(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return {};
  cudaGetLastError();  // it would be told again by the next call
  return Status::error(std::string("CUDA: ") + what + " (" + cudaGetErrorString(error) + ")");
}

Status CudaDevice::open() {
  SLUICE_TRY(checked(cudaSetDevice(number_), "the device cannot be used"));
  SLUICE_TRY(checked(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "no stream"));
  for (Stage& stage : stages_) {
    SLUICE_TRY(checked(cudaHostAlloc(&stage.memory, kStageBytes, cudaHostAllocDefault), "no pinned memory"));
    SLUICE_TRY(checked(cudaEventCreateWithFlags(&stage.done, cudaEventDisableTiming), "no event"));
  }
  products_ = std::make_unique<Products>();
  return {};
}

CudaDevice::~CudaDevice() {
  use();
  if (stream_) cudaStreamSynchronize(stream_);
  for (cudaGraphExec_t recording : recordings_) {
    if (recording) cudaGraphExecDestroy(recording);
  }
  products_.reset();
  for (Stage& stage : stages_) {
    if (stage.done) cudaEventDestroy(stage.done);
    if (stage.memory) cudaFreeHost(stage.memory);
  }
  if (stream_) cudaStreamDestroy(stream_);
}

Status CudaDevice::launch(gpu::Kernel kernel, gpu::Grid grid, std::span<void* const> buffers,
                          const void* numbers, std::size_t) {
  constexpr int64_t kMostX = INT32_MAX, kMostY = 65535;
  if (grid.x > kMostX || grid.y > kMostY)
    return Status::error(std::string(gpu::name_of(kernel)) +
                         " would need more groups than a launch may have");
  void* pointers[16];
  void* arguments[17];
  for (std::size_t i = 0; i < buffers.size(); i++) {
    pointers[i] = buffers[i];
    arguments[i] = &pointers[i];
  }
  arguments[buffers.size()] = const_cast<void*>(numbers);
  use();
  SLUICE_TRY(allow(kernel, grid.group_bytes));
  return checked(cudaLaunchKernel(kernel_address(static_cast<int>(kernel)),
                                  dim3(static_cast<unsigned>(grid.x), static_cast<unsigned>(grid.y)),
                                  dim3(static_cast<unsigned>(grid.threads)), arguments,
                                  static_cast<std::size_t>(grid.group_bytes), stream_),
                 gpu::name_of(kernel));
}

Status CudaDevice::allow(gpu::Kernel kernel, int group_bytes) {
  int& allowed = allowed_[static_cast<std::size_t>(kernel)];
  if (group_bytes <= allowed) return {};
  allowed = group_bytes;
  return checked(cudaFuncSetAttribute(kernel_address(static_cast<int>(kernel)),
                                      cudaFuncAttributeMaxDynamicSharedMemorySize, group_bytes),
                 gpu::name_of(kernel));
}

/** A bias is f32, and cuBLASLt wants it of the result's kind. */
bool CudaDevice::multiply(const dialect::Product& product, const gpu::ProductOperands& operands,
                          Status& status) {
  use();
  if (!product.has_bias || !product.y_bf16)
    return products_->multiply(product, operands, operands.bias, stream_, status);
  void* const narrow = products_->bias_room(product.n);
  if (!narrow) return false;
  const dialect::Unary rounding{product.n, dialect::unary_copy, 0, 0, 0, 1};
  void* const buffers[] = {const_cast<float*>(operands.bias), narrow};
  status = launch(gpu::Kernel::unary, gpu::some_each(product.n), buffers, &rounding, sizeof rounding);
  return !status.ok() || products_->multiply(product, operands, narrow, stream_, status);
}

Status CudaDevice::copy(void* to, const void* from, int64_t bytes) {
  use();
  return checked(
      cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToDevice, stream_),
      "a copy");
}

Status CudaDevice::begin_recording() {
  use();
  return checked(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal),
                 "recording does not begin");
}

Status CudaDevice::end_recording(int& recording) {
  use();
  cudaGraph_t graph = nullptr;
  SLUICE_TRY(checked(cudaStreamEndCapture(stream_, &graph), "recording fails"));
  cudaGraphExec_t made = nullptr;
  const Status status = checked(cudaGraphInstantiate(&made, graph, 0), "the recording cannot be played");
  cudaGraphDestroy(graph);
  if (!status.ok()) return status;
  recording = static_cast<int>(recordings_.size());
  recordings_.push_back(made);
  return {};
}

Status CudaDevice::play(int recording) {
  use();
  return checked(cudaGraphLaunch(recordings_[static_cast<std::size_t>(recording)], stream_),
                 "a recorded run");
}

void CudaDevice::forget(int recording) {
  use();
  cudaStreamSynchronize(stream_);
  cudaGraphExec_t& held = recordings_[static_cast<std::size_t>(recording)];
  if (held) cudaGraphExecDestroy(held);
  held = nullptr;
}

Status CudaDevice::wait() {
  use();
  keep(checked(cudaStreamSynchronize(stream_), "a run"));
  return std::exchange(failure_, Status());
}

void* CudaDevice::allocate(int64_t bytes) {
  use();
  void* memory = nullptr;
  if (!checked(cudaMalloc(&memory, static_cast<std::size_t>(bytes)), "").ok()) return nullptr;
  keep(
      checked(cudaMemsetAsync(memory, 0, static_cast<std::size_t>(bytes), stream_), "memory is not cleared"));
  return memory;
}

void CudaDevice::release(void* memory) {
  use();
  cudaFree(memory);  // without waiting for the stream: that would break a recording of another thread
}

int64_t CudaDevice::available() const {
  use();
  std::size_t free = 0, total = 0;
  return cudaMemGetInfo(&free, &total) == cudaSuccess ? static_cast<int64_t>(free) : 0;
}

void CudaDevice::upload(void* device, const void* host, int64_t bytes) {
  use();
  for (int64_t at = 0; at < bytes; at += kStageBytes) {
    Stage& stage = stages_[next_stage_ ^= 1];
    const auto some = static_cast<std::size_t>(std::min(kStageBytes, bytes - at));
    keep(checked(cudaEventSynchronize(stage.done), "an upload"));
    std::memcpy(stage.memory, static_cast<const std::byte*>(host) + at, some);
    keep(checked(cudaMemcpyAsync(static_cast<std::byte*>(device) + at, stage.memory, some,
                                 cudaMemcpyHostToDevice, stream_),
                 "an upload"));
    keep(checked(cudaEventRecord(stage.done, stream_), "an upload"));
  }
}

void CudaDevice::download(void* host, const void* device, int64_t bytes) {
  use();
  keep(
      checked(cudaMemcpyAsync(host, device, static_cast<std::size_t>(bytes), cudaMemcpyDeviceToHost, stream_),
              "a download"));
  keep(checked(cudaStreamSynchronize(stream_), "a download"));
}

}  // namespace sluice::cuda
