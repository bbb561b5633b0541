#include "kernels.h"

#define SLUICE_TEXT_(x) #x
#define SLUICE_TEXT(x) SLUICE_TEXT_(x)

namespace sluice::cpu::SLUICE_ISA {

const KernelSet& kernels() {
  static constexpr Kernel table[] = {
#define OP(name, ...) kernel_##name,
#include "../../../core/ops.def"
#undef OP
  };
  static constexpr KernelSet set{
      SLUICE_TEXT(SLUICE_ISA), table, builtin_gemm, row_gemm, bf16_gemm, all_finite, read_sum};
  return set;
}

}  // namespace sluice::cpu::SLUICE_ISA
