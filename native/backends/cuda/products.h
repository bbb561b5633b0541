// Matrix products by cuBLASLt, which is opened when the first device is and stays open.
#pragma once

#include <cuda_runtime.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../gpu/device.h"

namespace sluice::cuda {

/** Of one device, the thread's current one whenever a function is called. */
class Products {
 public:
  Products();
  ~Products();

  /** `cuBLASLt 13.1.1`, or what is missing. Asks no device. */
  static std::string about();

  /**
   * False where the product is none of cuBLASLt's: then a kernel of the dialect takes it. `bias` is of the
   * result's kind.
   */
  bool multiply(const dialect::Product& product, const gpu::ProductOperands& operands, const void* bias,
                cudaStream_t stream, Status& status);

  /** Room for `columns` of a bias in bf16 until the next product, or null. */
  void* bias_room(int64_t columns) const;

 private:
  struct Library;
  struct Plan;
  static const Library& library();

  void* handle_ = nullptr;  // null: cuBLASLt is not to be had, or not on this device
  void* workspace_ = nullptr;
  std::map<std::vector<int64_t>, std::unique_ptr<Plan>> plans_;
};

}  // namespace sluice::cuda
