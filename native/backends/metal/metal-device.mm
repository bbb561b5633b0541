#include "metal-device.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "../gpu/call.h"
#include "../gpu/kernels/elementwise.h"
#include "kernel-source.h"

namespace sluice::metal {
namespace {

constexpr int kMostThreads = 256;  // of a group
/** What one command buffer may hold: the GPU starts early, and no buffer runs so long that the system ends
 * it. */
constexpr int kMostEncoded = 32;

}  // namespace

Status failed(const char* what, NSError* error) {
  const char* why = error ? error.localizedDescription.UTF8String : nullptr;
  return Status::error(std::string("Metal: ") + what + " (" + (why ? why : "no reason is given") + ")");
}

id<MTLDevice> MetalDevice::find(std::string& problem) {
  id<MTLDevice> gpu = MTLCreateSystemDefaultDevice();
  // these families have shuffles between the threads of a subgroup
  if ([gpu supportsFamily:MTLGPUFamilyApple6] || [gpu supportsFamily:MTLGPUFamilyMac2]) return gpu;
  problem = gpu ? "the GPU lacks what the kernels need, which an M1 and newer have"
                : "this system has no GPU for Metal";
  return nil;
}

Status MetalDevice::open() {
  @autoreleasepool {
    std::string problem;
    gpu_ = find(problem);
    if (!gpu_) return Status::error(problem);
    MTLCompileOptions* options = [[MTLCompileOptions alloc] init];
    // infinities and NaN must behave; newer systems have a finer setting, and keep this one
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
    options.fastMathEnabled = NO;
#pragma clang diagnostic pop
    NSError* error = nil;
    library_ = [gpu_ newLibraryWithSource:[NSString stringWithUTF8String:kKernelSource]
                                  options:options
                                    error:&error];
    if (!library_) return failed("the kernels do not compile", error);
    queue_ = [gpu_ newCommandQueue];
    nothing_ = [gpu_ newBufferWithLength:64 options:MTLResourceStorageModeShared];
    if (!queue_ || !nothing_) return Status::error("Metal: the GPU gives no command queue");
    return {};
  }
}

MetalDevice::~MetalDevice() { finish(); }

Status MetalDevice::launch(gpu::Kernel kernel, gpu::Grid grid, std::span<void* const> buffers,
                           const void* numbers, std::size_t bytes) {
  const auto* first = static_cast<const std::byte*>(numbers);
  Launch launch{kernel, grid, {buffers.begin(), buffers.end()}, {first, first + bytes}};
  return do_or_keep([this, launch = std::move(launch)] { return encode(launch); });
}

bool MetalDevice::multiply(const dialect::Product& product, const gpu::ProductOperands& operands,
                           Status& status) {
  const bool adds_bias = product.has_bias != 0;
  if (!Products::takes(product, operands.batch)) return false;
  if (adds_bias && (product.accumulate || operands.batch != 1 || product.y_row != product.n)) return false;
  dialect::Product sum = product;
  if (adds_bias) {  // into every row of y, to which the product is then added
    dialect::Binary numbers{};
    numbers.count = product.m * product.n;
    numbers.code = dialect::binary_maximum;  // of the bias and itself
    numbers.rank = 2;
    numbers.dims[0] = product.m, numbers.dims[1] = product.n;
    numbers.a_stride[1] = numbers.b_stride[1] = 1;
    auto* bias = const_cast<float*>(operands.bias);
    void* const buffers[] = {bias, bias, operands.y};
    status = launch(gpu::Kernel::binary, gpu::some_each(numbers.count), buffers, &numbers, sizeof numbers);
    if (!status.ok()) return true;
    sum.accumulate = 1;
  }
  status = do_or_keep([this, sum, operands] { return encode(sum, operands); });
  return true;
}

Status MetalDevice::encode(const Launch& launch) {
  @autoreleasepool {
    const auto& [kernel, grid, buffers, numbers] = launch;
    if (grid.x > UINT32_MAX || grid.y > UINT32_MAX || grid.threads > kMostThreads)
      return Status::error(std::string(gpu::name_of(kernel)) +
                           " would need more threads than a launch may have");
    id<MTLComputePipelineState> pipeline = nil;
    SLUICE_TRY(pipeline_of(kernel, pipeline));
    id<MTLCommandBuffer> to = commands();
    if (!launches_) launches_ = [to computeCommandEncoder];
    [launches_ setComputePipelineState:pipeline];
    NSUInteger index = 0;
    for (void* pointer : buffers) {
      const Place place = pointer ? place_of(pointer) : Place{nothing_, 0};
      if (!place.buffer)
        return Status::error(std::string(gpu::name_of(kernel)) + ": an operand lies in no buffer");
      [launches_ setBuffer:place.buffer offset:place.offset atIndex:index++];
    }
    [launches_ setBytes:numbers.data() length:numbers.size() atIndex:index];
    [launches_
         dispatchThreadgroups:MTLSizeMake(static_cast<NSUInteger>(grid.x), static_cast<NSUInteger>(grid.y), 1)
        threadsPerThreadgroup:MTLSizeMake(static_cast<NSUInteger>(grid.threads), 1, 1)];
    count_encoded();
    return {};
  }
}

Status MetalDevice::encode(const dialect::Product& product, const gpu::ProductOperands& operands) {
  @autoreleasepool {
    const Place a = place_of(operands.a), b = place_of(operands.b), y = place_of(operands.y);
    if (!a.buffer || !b.buffer || !y.buffer) return Status::error("a product's operand lies in no buffer");
    id<MTLCommandBuffer> to = commands();
    end_launches();
    products_.encode(to, product, operands.batch, a, b, y);
    count_encoded();
    return {};
  }
}

Status MetalDevice::pipeline_of(gpu::Kernel kernel, id<MTLComputePipelineState> __strong& pipeline) {
  id<MTLComputePipelineState> __strong& made = pipelines_[static_cast<std::size_t>(kernel)];
  if (!made) {
    const char* name = gpu::name_of(kernel);
    MTLComputePipelineDescriptor* descriptor = [[MTLComputePipelineDescriptor alloc] init];
    descriptor.computeFunction = [library_ newFunctionWithName:[NSString stringWithUTF8String:name]];
    if (!descriptor.computeFunction) return Status::error(std::string("Metal: there is no kernel ") + name);
    descriptor.maxTotalThreadsPerThreadgroup =
        kMostThreads;  // else a kernel of many registers may allow fewer
    NSError* error = nil;
    made = [gpu_ newComputePipelineStateWithDescriptor:descriptor
                                               options:MTLPipelineOptionNone
                                            reflection:nil
                                                 error:&error];
    if (!made) return failed(name, error);
    if (made.threadExecutionWidth % 32 != 0)
      return Status::error("Metal: the GPU runs fewer than 32 threads together, which reductions count on");
  }
  pipeline = made;
  return {};
}

Place MetalDevice::place_of(const void* pointer) const {
  const auto address = reinterpret_cast<uintptr_t>(pointer);
  const std::lock_guard lock(held_mutex_);
  auto after = held_.upper_bound(address);
  if (after == held_.begin()) return {};
  const auto& [first, buffer] = *--after;
  const NSUInteger offset = address - first;
  return offset < buffer.length ? Place{buffer, offset} : Place{};
}

Status MetalDevice::do_or_keep(Work work) {
  if (!recording_) return work();
  recordings_.back().push_back(std::move(work));
  return {};
}

Status MetalDevice::begin_recording() {
  recording_ = true;
  recordings_.emplace_back();
  return {};
}

Status MetalDevice::end_recording(int& recording) {
  recording_ = false;
  recording = static_cast<int>(recordings_.size()) - 1;
  return {};
}

Status MetalDevice::play(int recording) {
  for (const Work& work : recordings_[static_cast<std::size_t>(recording)]) SLUICE_TRY(work());
  return {};
}

void MetalDevice::forget(int recording) { recordings_[static_cast<std::size_t>(recording)].clear(); }

id<MTLCommandBuffer> MetalDevice::commands() {
  if (!commands_) commands_ = [queue_ commandBuffer];
  return commands_;
}

void MetalDevice::end_launches() {
  [launches_ endEncoding];
  launches_ = nil;
}

void MetalDevice::count_encoded() {
  if (++encoded_ >= kMostEncoded) commit();
}

void MetalDevice::commit() {
  if (!commands_) return;
  end_launches();
  [commands_ commit];
  committed_.push_back(commands_);
  commands_ = nil;
  encoded_ = 0;
}

void MetalDevice::finish() {
  @autoreleasepool {
    commit();
    for (id<MTLCommandBuffer> done : committed_) {
      [done waitUntilCompleted];
      if (done.status == MTLCommandBufferStatusError && failure_.ok()) failure_ = failed("a run", done.error);
    }
    committed_.clear();
  }
}

Status MetalDevice::wait() {
  finish();
  return std::exchange(failure_, Status());
}

void* MetalDevice::allocate(int64_t bytes) {
  @autoreleasepool {
    // a tensor of no elements may lie behind the last byte that was asked for
    const NSUInteger length = static_cast<NSUInteger>(bytes) + 64;
    if (bytes > available() || length > gpu_.maxBufferLength) return nullptr;
    id<MTLBuffer> buffer = [gpu_ newBufferWithLength:length options:MTLResourceStorageModeShared];
    if (!buffer) return nullptr;
    void* memory = buffer.contents;
    std::memset(memory, 0, length);
    const std::lock_guard lock(held_mutex_);
    held_[reinterpret_cast<uintptr_t>(memory)] = buffer;
    return memory;
  }
}

void MetalDevice::release(void* memory) {
  // command buffers keep what they use; to commit here would cut in on the thread that encodes
  const std::lock_guard lock(held_mutex_);
  held_.erase(reinterpret_cast<uintptr_t>(memory));
}

int64_t MetalDevice::available() const {
  const auto limit = static_cast<int64_t>(gpu_.recommendedMaxWorkingSetSize);
  return std::max<int64_t>(0, limit - static_cast<int64_t>(gpu_.currentAllocatedSize));
}

void MetalDevice::upload(void* device, const void* host, int64_t bytes) {
  finish();
  std::memcpy(device, host, static_cast<std::size_t>(bytes));
}

Status MetalDevice::copy(void* to, const void* from, int64_t bytes) {
  @autoreleasepool {
    const Place source = place_of(from), target = place_of(to);
    if (!source.buffer || !target.buffer) return Status::error("a copy lies in no buffer");
    id<MTLCommandBuffer> queued = commands();
    end_launches();
    id<MTLBlitCommandEncoder> encoder = [queued blitCommandEncoder];
    [encoder copyFromBuffer:source.buffer
               sourceOffset:source.offset
                   toBuffer:target.buffer
          destinationOffset:target.offset
                       size:static_cast<NSUInteger>(bytes)];
    [encoder endEncoding];
    count_encoded();
    return {};
  }
}

void MetalDevice::download(void* host, const void* device, int64_t bytes) {
  finish();
  std::memcpy(host, device, static_cast<std::size_t>(bytes));
}

}  // namespace sluice::metal
