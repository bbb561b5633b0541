// Matrix products by cuBLASLt, which is opened when the first device is.
#pragma once

#include <cuda_runtime.h>

#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "../gpu/device.h"

namespace sluice::cuda {

class Products {
 public:
  Products();
  ~Products();

  /** `cuBLASLt 13.1.1`, or what is missing. */
  const std::string& about() const { return about_; }

  /** False where the product is none of cuBLASLt's: then the dialect's kernel takes it. */
  bool multiply(const dialect::Product& product, const gpu::ProductOperands& operands, cudaStream_t stream,
                Status& status);

 private:
  struct Library;
  struct Plan;
  std::unique_ptr<Library> library_;  // null: not to be had
  std::string about_;
  std::map<std::tuple<int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int>,
           std::unique_ptr<Plan>>
      plans_;
};

}  // namespace sluice::cuda
