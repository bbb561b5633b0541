// The library behind matrix products: oneDNN, else a BLAS, else the built-in kernels. Chosen when the addon
// is built, and once more at run time by ENGINE_MATMUL=builtin.
#pragma once

#include <string>

#include "gemm.h"

namespace sluice::cpu {

struct ProductLibrary {
  const char* name;  // onednn | openblas | builtin
  std::string version;
  Gemm gemm;
  void (*on_thread_start)();  // null: nothing to prepare. Also for the thread that calls ThreadPool::run
};

/** `builtin` serves where the library is absent, and the shapes that it leaves out. */
ProductLibrary product_library(Gemm builtin);

}  // namespace sluice::cpu
