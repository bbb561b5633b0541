// Between the files that nvcc compiles and those of the host's compiler.
#pragma once

namespace sluice::cuda {

/** For cudaLaunchKernel; the order is that of gpu/kernels.def. */
const void* kernel_address(int number);

}  // namespace sluice::cuda
