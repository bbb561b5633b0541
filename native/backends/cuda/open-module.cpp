#include "open-module.h"

#include <dlfcn.h>

#include <filesystem>

namespace sluice {
namespace {

struct Opened {
  const CudaModule* module = nullptr;
  std::string problem;

  Opened() {
    Dl_info addon{};
    if (!dladdr(reinterpret_cast<const void*>(&cuda_module), &addon)) {
      problem = "the addon does not know where it lies";
      return;
    }
    const auto path = std::filesystem::path(addon.dli_fname).parent_path() / "sluice-cuda.so";
    if (std::error_code error; !std::filesystem::exists(path, error)) {
      problem =
          "the CUDA module is not built: install the CUDA toolkit, which has nvcc, and call ./run --setup";
      return;
    }
    void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
      problem = std::string("the CUDA module does not load: ") + dlerror();
      return;
    }
    const auto entry = reinterpret_cast<CudaModuleEntry>(dlsym(handle, kCudaModuleSymbol));
    if (entry && std::string(entry()->build) == SLUICE_LAYOUTS) {
      module = entry();
    } else {
      problem = "the CUDA module is of another build than the addon: call ./run --setup";
      dlclose(handle);
    }
  }
};

}  // namespace

const CudaModule* cuda_module(std::string& problem) {
  static const Opened opened;
  problem = opened.problem;
  return opened.module;
}

}  // namespace sluice
