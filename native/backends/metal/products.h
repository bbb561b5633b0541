// Matrix products by Metal Performance Shaders, which multiply f32.
#pragma once

#import <Metal/Metal.h>
#import <MetalPerformanceShaders/MetalPerformanceShaders.h>

#include <map>
#include <tuple>

#include "../gpu/device.h"

namespace sluice::metal {

/** Where a tensor lies. */
struct Place {
  id<MTLBuffer> buffer = nil;
  NSUInteger offset = 0;
};

class Products {
 public:
  /** Whether the product is one for the library; else the dialect's kernel takes it. */
  static bool takes(const dialect::Product& product, int64_t batch);
  /** y = a b, or y += a b; biases are the caller's. */
  void encode(id<MTLCommandBuffer> commands, const dialect::Product& product, int64_t batch, Place a, Place b,
              Place y);

 private:
  MPSMatrixMultiplication* kernel_of(id<MTLDevice> gpu, const dialect::Product& product, int64_t batch);

  std::map<std::tuple<int64_t, int64_t, int64_t, int64_t, bool, bool, bool>, MPSMatrixMultiplication*>
      kernels_;
};

}  // namespace sluice::metal
