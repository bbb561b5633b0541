// Apple's Metal as far as the Metal module calls it, over the emulator, on any machine: the module's own code
// can so be run and held to the CPU's numbers. It is as strict as Metal's validation: encoders end before
// others begin, what is committed is not added to, and nothing is done before somebody waits for it, which is
// later than on a Mac.
//
// Built without reference counting for gcc's Objective-C runtime; objects live for ever, and what they know
// lies in a table beside them.
#import <Metal/Metal.h>
#import <MetalPerformanceShaders/MetalPerformanceShaders.h>

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "../../../native/backends/emulator/emulator-backend.h"

extern "C" id class_createInstance(Class, std::size_t);

namespace {

using namespace sluice;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "emulated Metal: %s\n", what);
  std::abort();
}

struct Object {
  // a buffer
  std::byte* memory = nullptr;
  NSUInteger length = 0;
  // a function, a pipeline's descriptor, a pipeline
  gpu::Kernel kernel = gpu::Kernel::count;
  NSUInteger most_threads = 0;
  id function = nil;
  // a queue of committed work; a command buffer
  std::vector<id> committed;
  id queue = nil;
  std::vector<std::function<Status()>> work;
  bool is_committed = false, is_done = false;
  id open_encoder = nil;
  Status failure;
  // an encoder
  id commands = nil;
  gpu::Kernel set_kernel = gpu::Kernel::count;
  NSUInteger allowed_threads = 0;
  std::map<NSUInteger, void*> buffers;
  std::map<NSUInteger, std::vector<std::byte>> bytes;
  // an error, a string
  std::string text;
  // a matrix, its descriptor, a product
  NSUInteger rows = 0, columns = 0, count = 1, row_bytes = 0, matrix_bytes = 0, inner = 0;
  float* numbers = nullptr;
  bool turn_left = false, turn_right = false;
  double alpha = 1, beta = 0;
};

Object& of(id object) {
  static std::mutex mutex;
  static std::map<id, std::unique_ptr<Object>> all;
  const std::lock_guard lock(mutex);
  auto& found = all[object];
  if (!found) found = std::make_unique<Object>();
  return *found;
}

/** Memory, aligned to 64 bytes and not zeroed, behind whose end nothing can be read or written. */
std::byte* guarded(NSUInteger length) {
  constexpr NSUInteger page = 4096;
  const NSUInteger room = (length + page - 1) / page * page;
  void* map = mmap(nullptr, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(map != MAP_FAILED && mprotect(static_cast<std::byte*>(map) + room, page, PROT_NONE) == 0,
          "no memory");
  auto* memory = static_cast<std::byte*>(map) + (room - length) / 64 * 64;
  std::memset(memory, 0xff, length);
  return memory;
}

/** One a thread, for the stacks of its threads do not move. */
gpu::Device& emulator_device() {
  static thread_local const std::unique_ptr<gpu::Device> device = [] {
    emulator::Schedule schedule;
    emulator::parse_schedule("shuffled", schedule);
    return make_emulator_device(schedule);
  }();
  return *device;
}

}  // namespace

@implementation NSObject
+ (instancetype)alloc {
  return class_createInstance(self, 0);
}
- (instancetype)init {
  return self;
}
@end

@interface NSAutoreleasePool : NSObject
- (void)drain;
@end
@implementation NSAutoreleasePool
- (void)drain {
}
@end

@implementation NSString
+ (instancetype)stringWithUTF8String:(const char*)text {
  NSString* made = [NSString alloc];
  of(made).text = text;
  return made;
}
- (const char*)UTF8String {
  return of(self).text.c_str();
}
@end

@implementation NSError
- (NSString*)localizedDescription {
  return [NSString stringWithUTF8String:of(self).failure.message().c_str()];
}
@end

@interface EmulatedBuffer : NSObject <MTLBuffer>
@end
@implementation EmulatedBuffer
- (NSUInteger)length {
  return of(self).length;
}
- (void*)contents {
  return of(self).memory;
}
@end

@interface EmulatedFunction : NSObject <MTLFunction>
@end
@implementation EmulatedFunction
@end

@interface EmulatedLibrary : NSObject <MTLLibrary>
@end
@implementation EmulatedLibrary
- (id<MTLFunction>)newFunctionWithName:(NSString*)name {
  for (std::size_t i = 0; i < static_cast<std::size_t>(gpu::Kernel::count); i++) {
    if (of(name).text != gpu::name_of(static_cast<gpu::Kernel>(i))) continue;
    EmulatedFunction* made = [EmulatedFunction alloc];
    of(made).kernel = static_cast<gpu::Kernel>(i);
    return made;
  }
  return nil;
}
@end

@implementation MTLCompileOptions
- (BOOL)fastMathEnabled {
  return NO;
}
- (void)setFastMathEnabled:(BOOL)enabled {
  require(!enabled, "kernels must not be compiled with fast mathematics");
}
@end

@implementation MTLComputePipelineDescriptor
- (id<MTLFunction>)computeFunction {
  return of(self).function;
}
- (void)setComputeFunction:(id<MTLFunction>)function {
  of(self).function = function;
}
- (NSUInteger)maxTotalThreadsPerThreadgroup {
  return of(self).most_threads;
}
- (void)setMaxTotalThreadsPerThreadgroup:(NSUInteger)threads {
  of(self).most_threads = threads;
}
@end

@interface EmulatedPipeline : NSObject <MTLComputePipelineState>
@end
@implementation EmulatedPipeline
- (NSUInteger)threadExecutionWidth {
  return 32;
}
@end

@interface EmulatedEncoder : NSObject <MTLComputeCommandEncoder, MTLBlitCommandEncoder>
@end
@implementation EmulatedEncoder
- (void)endEncoding {
  Object& commands = of(of(self).commands);
  require(commands.open_encoder == self, "an encoder ends that is not open");
  commands.open_encoder = nil;
}
- (void)setComputePipelineState:(id<MTLComputePipelineState>)state {
  require(of(of(self).commands).open_encoder == self, "an ended encoder is used");
  of(self).set_kernel = of(state).kernel;
  of(self).allowed_threads = of(state).most_threads;
  of(self).buffers.clear();  // a real encoder keeps them, which no launch may count on
  of(self).bytes.clear();
}
- (void)setBytes:(const void*)bytes length:(NSUInteger)length atIndex:(NSUInteger)index {
  const auto* first = static_cast<const std::byte*>(bytes);
  require(length > 0 && length <= 4096, "setBytes takes up to 4 KB");
  of(self).bytes[index] = {first, first + length};
}
- (void)setBuffer:(id<MTLBuffer>)buffer offset:(NSUInteger)offset atIndex:(NSUInteger)index {
  require(buffer != nil && offset < buffer.length && offset % 2 == 0, "a buffer is not there, or shorter");
  of(self).buffers[index] = static_cast<std::byte*>(buffer.contents) + offset;
}
- (void)dispatchThreadgroups:(MTLSize)groups threadsPerThreadgroup:(MTLSize)threads {
  Object& encoder = of(self);
  require(of(encoder.commands).open_encoder == self, "an ended encoder is used");
  require(encoder.bytes.size() == 1 && encoder.bytes.begin()->first == encoder.buffers.size(),
          "numbers do not follow the buffers");
  require(groups.width && groups.height && groups.depth == 1 && threads.height == 1 && threads.depth == 1,
          "a launch has no groups, or more dimensions than it may have");
  require(threads.width <= encoder.allowed_threads, "a group has more threads than its pipeline allows");
  std::vector<void*> buffers;
  for (const auto& [index, buffer] : encoder.buffers) {
    require(index == buffers.size(), "buffers are numbered with a gap");
    buffers.push_back(buffer);
  }
  const gpu::Grid grid{static_cast<int64_t>(groups.width), static_cast<int64_t>(groups.height),
                       static_cast<int>(threads.width)};
  of(encoder.commands)
      .work.push_back([kernel = encoder.set_kernel, grid, buffers, numbers = encoder.bytes.begin()->second] {
        return emulator_device().launch(kernel, grid, buffers, numbers.data(), numbers.size());
      });
}
- (void)copyFromBuffer:(id<MTLBuffer>)source
          sourceOffset:(NSUInteger)sourceOffset
              toBuffer:(id<MTLBuffer>)target
     destinationOffset:(NSUInteger)targetOffset
                  size:(NSUInteger)size {
  require(sourceOffset + size <= source.length && targetOffset + size <= target.length, "a copy is too long");
  auto* from = static_cast<std::byte*>(source.contents) + sourceOffset;
  auto* to = static_cast<std::byte*>(target.contents) + targetOffset;
  of(of(self).commands).work.push_back([=] {
    std::memcpy(to, from, size);
    return Status();
  });
}
@end

@interface EmulatedCommands : NSObject <MTLCommandBuffer>
@end
@implementation EmulatedCommands
- (id<MTLDevice>)device {
  return MTLCreateSystemDefaultDevice();
}
- (MTLCommandBufferStatus)status {
  require(of(self).is_done, "the status is asked for before the end");
  return of(self).failure.ok() ? MTLCommandBufferStatusCompleted : MTLCommandBufferStatusError;
}
- (NSError*)error {
  NSError* made = [NSError alloc];
  of(made).failure = of(self).failure;
  return made;
}
- (EmulatedEncoder*)encoder {
  require(!of(self).is_committed && of(self).open_encoder == nil, "an encoder begins while another is open");
  EmulatedEncoder* made = [EmulatedEncoder alloc];
  of(made).commands = self;
  of(self).open_encoder = made;
  return made;
}
- (id<MTLComputeCommandEncoder>)computeCommandEncoder {
  return [self encoder];
}
- (id<MTLBlitCommandEncoder>)blitCommandEncoder {
  return [self encoder];
}
- (void)commit {
  require(!of(self).is_committed && of(self).open_encoder == nil, "a commit while an encoder is open");
  of(self).is_committed = true;
  of(of(self).queue).committed.push_back(self);
}
- (void)waitUntilCompleted {
  require(of(self).is_committed, "a wait for what was not committed");
  for (id each : of(of(self).queue).committed) {
    for (const auto& work : of(each).work) {
      Status status = work();
      if (!status.ok() && of(each).failure.ok()) of(each).failure = status;
    }
    of(each).work.clear();
    of(each).is_done = true;
    if (each == self) break;
  }
  require(of(self).is_done, "the queue lost a command buffer");
  std::erase_if(of(of(self).queue).committed, [](id each) { return of(each).is_done; });
}
@end

@interface EmulatedQueue : NSObject <MTLCommandQueue>
@end
@implementation EmulatedQueue
- (id<MTLCommandBuffer>)commandBuffer {
  EmulatedCommands* made = [EmulatedCommands alloc];
  of(made).queue = self;
  return made;
}
@end

@interface EmulatedGpu : NSObject <MTLDevice>
@end
@implementation EmulatedGpu
- (NSString*)name {
  return [NSString stringWithUTF8String:"emulated Metal"];
}
- (uint64_t)recommendedMaxWorkingSetSize {
  return uint64_t{4} << 30;
}
- (NSUInteger)currentAllocatedSize {
  return 0;
}
- (NSUInteger)maxBufferLength {
  return NSUInteger{2} << 30;
}
- (BOOL)supportsFamily:(MTLGPUFamily)family {
  return family == MTLGPUFamilyApple6;
}
- (id<MTLCommandQueue>)newCommandQueue {
  return [EmulatedQueue alloc];
}
- (id<MTLBuffer>)newBufferWithLength:(NSUInteger)length options:(MTLResourceOptions)options {
  require(options == MTLResourceStorageModeShared, "memory that the CPU does not see");
  EmulatedBuffer* made = [EmulatedBuffer alloc];
  of(made).memory = guarded(length);
  of(made).length = length;
  return made;
}
- (id<MTLLibrary>)newLibraryWithSource:(NSString*)source
                               options:(MTLCompileOptions*)options
                                 error:(NSError**)error {
  require(of(source).text.find("kernel void name(") != std::string::npos && options,
          "the source is not there");
  (void)error;
  return [EmulatedLibrary alloc];
}
- (id<MTLComputePipelineState>)
    newComputePipelineStateWithDescriptor:(MTLComputePipelineDescriptor*)descriptor
                                  options:(MTLPipelineOption)options
                               reflection:(MTLAutoreleasedComputePipelineReflection*)reflection
                                    error:(NSError**)error {
  (void)options, (void)reflection, (void)error;
  EmulatedPipeline* made = [EmulatedPipeline alloc];
  of(made).kernel = of(descriptor.computeFunction).kernel;
  of(made).most_threads = descriptor.maxTotalThreadsPerThreadgroup;
  return made;
}
@end

id<MTLDevice> MTLCreateSystemDefaultDevice(void) {
  static EmulatedGpu* gpu = [EmulatedGpu alloc];
  return gpu;
}

@implementation MPSMatrixDescriptor
+ (instancetype)matrixDescriptorWithRows:(NSUInteger)rows
                                 columns:(NSUInteger)columns
                                matrices:(NSUInteger)matrices
                                rowBytes:(NSUInteger)rowBytes
                             matrixBytes:(NSUInteger)matrixBytes
                                dataType:(MPSDataType)dataType {
  require(dataType == MPSDataTypeFloat32 && rowBytes % 4 == 0 && rowBytes >= 4 * columns,
          "a matrix has short rows");
  require(matrices == 1 || (matrixBytes % rowBytes == 0 && matrixBytes >= rows * rowBytes),
          "matrices overlap");
  MPSMatrixDescriptor* made = [MPSMatrixDescriptor alloc];
  Object& object = of(made);
  object.rows = rows, object.columns = columns, object.count = matrices;
  object.row_bytes = rowBytes, object.matrix_bytes = matrixBytes;
  return made;
}
@end

@implementation MPSMatrix
- (instancetype)initWithBuffer:(id<MTLBuffer>)buffer
                        offset:(NSUInteger)offset
                    descriptor:(MPSMatrixDescriptor*)descriptor {
  const Object& shape = of(descriptor);
  require(offset + (shape.count - 1) * shape.matrix_bytes + shape.rows * shape.row_bytes <= buffer.length,
          "a matrix is larger than its buffer");
  Object& object = of(self);
  object.rows = shape.rows, object.columns = shape.columns, object.count = shape.count;
  object.row_bytes = shape.row_bytes, object.matrix_bytes = shape.matrix_bytes;
  object.numbers = reinterpret_cast<float*>(static_cast<std::byte*>(buffer.contents) + offset);
  return self;
}
@end

@implementation MPSMatrixMultiplication
- (NSUInteger)batchSize {
  return of(self).count;
}
- (void)setBatchSize:(NSUInteger)batchSize {
  of(self).count = batchSize;
}
- (instancetype)initWithDevice:(id<MTLDevice>)device
                 transposeLeft:(BOOL)transposeLeft
                transposeRight:(BOOL)transposeRight
                    resultRows:(NSUInteger)resultRows
                 resultColumns:(NSUInteger)resultColumns
               interiorColumns:(NSUInteger)interiorColumns
                         alpha:(double)alpha
                          beta:(double)beta {
  (void)device;
  Object& object = of(self);
  object.turn_left = transposeLeft, object.turn_right = transposeRight;
  object.rows = resultRows, object.columns = resultColumns, object.inner = interiorColumns;
  object.alpha = alpha, object.beta = beta;
  return self;
}
- (void)encodeToCommandBuffer:(id<MTLCommandBuffer>)commandBuffer
                   leftMatrix:(MPSMatrix*)leftMatrix
                  rightMatrix:(MPSMatrix*)rightMatrix
                 resultMatrix:(MPSMatrix*)resultMatrix {
  require(!of(commandBuffer).is_committed && of(commandBuffer).open_encoder == nil,
          "a product begins while an encoder is open");
  const Object &product = of(self), &left = of(leftMatrix), &right = of(rightMatrix),
               &result = of(resultMatrix);
  const auto is = [](const Object& matrix, bool turned, NSUInteger rows, NSUInteger columns) {
    return matrix.rows == (turned ? columns : rows) && matrix.columns == (turned ? rows : columns);
  };
  require(is(left, product.turn_left, product.rows, product.inner) &&
              is(right, product.turn_right, product.inner, product.columns) &&
              is(result, false, product.rows, product.columns) && product.count <= left.count &&
              product.count <= right.count && product.count <= result.count,
          "matrices do not fit each other");
  of(commandBuffer).work.push_back([&product, &left, &right, &result] {
    const auto at = [](const Object& matrix, NSUInteger number, NSUInteger row, NSUInteger column) -> float& {
      return matrix.numbers[(number * matrix.matrix_bytes + row * matrix.row_bytes) / 4 + column];
    };
    for (NSUInteger number = 0; number < product.count; number++) {
      for (NSUInteger i = 0; i < product.rows; i++) {
        for (NSUInteger j = 0; j < product.columns; j++) {
          float sum = 0;
          for (NSUInteger l = 0; l < product.inner; l++) {
            sum += (product.turn_left ? at(left, number, l, i) : at(left, number, i, l)) *
                   (product.turn_right ? at(right, number, j, l) : at(right, number, l, j));
          }
          float& y = at(result, number, i, j);
          y = static_cast<float>(product.alpha) * sum +
              (product.beta == 0 ? 0.0f : static_cast<float>(product.beta) * y);
        }
      }
    }
    return Status();
  });
}
@end
