// The dialect's kernels as CUDA, by number.
#include "../gpu/kernels/kernels.h"
#include "kernels.h"

namespace sluice::cuda {

const void* kernel_address(int number) {
  static const void* const addresses[] = {
#define KERNEL_ENTRY(name) reinterpret_cast<const void*>(&dialect::name),
#include "../gpu/kernels.def"
#undef KERNEL_ENTRY
  };
  return addresses[number];
}

}  // namespace sluice::cuda
