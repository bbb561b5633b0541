// oneDNN's matmul primitive as the f32 product of one thread: generated for one shape, and faster than its
// gemm function where that packs too much for what it multiplies.
#pragma once

#include "gemm.h"

namespace sluice::cpu {

/** False where oneDNN has no blocked kernel for the shape: then nothing was done. Which of both follows from
 * the call's sizes alone, so that the same product has the same bits in any process. */
bool onednn_matmul(const GemmCall& call, void* workspace);

}  // namespace sluice::cpu
