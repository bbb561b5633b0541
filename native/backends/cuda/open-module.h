// Finds and opens the CUDA module beside the addon. The only file of this folder that is part of the addon.
#pragma once

#include <string>

#include "module.h"

namespace sluice {

/** The module, opened at the first call; null, and `problem` says why, where it cannot be used. */
const CudaModule* cuda_module(std::string& problem);

}  // namespace sluice
