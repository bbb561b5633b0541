#include "open-module.h"

#include <dlfcn.h>

#include <charconv>
#include <filesystem>

namespace sluice {
namespace {

struct Opened {
  const GpuModule* module = nullptr;
  std::string problem;

  /** `title` for messages; `absence` is why there may be no file, and what to do. */
  Opened(const std::string& kind, const std::string& title, const char* absence) {
    Dl_info addon{};
    if (!dladdr(reinterpret_cast<const void*>(&gpu_module), &addon)) {
      problem = "the addon does not know where it lies";
      return;
    }
    const auto path = std::filesystem::path(addon.dli_fname).parent_path() / ("sluice-" + kind + ".so");
    if (std::error_code error; !std::filesystem::exists(path, error)) {
      problem = absence;
      return;
    }
    void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
      problem = "the " + title + " module does not load: " + dlerror();
      return;
    }
    const auto entry =
        reinterpret_cast<GpuModuleEntry>(dlsym(handle, ("sluice_" + kind + "_module").c_str()));
    if (entry && std::string(entry()->build) == SLUICE_LAYOUTS) {
      module = entry();
    } else {
      problem = "the " + title + " module is of another build than the addon: call ./run --setup";
      dlclose(handle);
    }
  }
};

constexpr const char* kNoCuda =
    "the CUDA module is not built: install the CUDA toolkit, which has nvcc, and call ./run --setup";
#if defined(__APPLE__)
constexpr const char* kNoMetal =
    "the Metal module is not built: install Xcode or its command line tools, and call ./run --setup";
#else
constexpr const char* kNoMetal = "Metal is only on Apple machines";
#endif

const Opened& opened(std::string_view kind) {
  if (kind == "metal") {
    static const Opened metal("metal", "Metal", kNoMetal);
    return metal;
  }
  static const Opened cuda("cuda", "CUDA", kNoCuda);
  return cuda;
}

}  // namespace

std::optional<GpuName> parse_gpu(std::string_view device) {
  if (device == "metal") return GpuName{"metal"};
  if (device == "cuda") return GpuName{"cuda"};
  constexpr std::string_view prefix = "cuda:";
  int number = -1;
  if (!device.starts_with(prefix)) return {};
  const char* end = device.data() + device.size();
  const auto read = std::from_chars(device.data() + prefix.size(), end, number);
  if (read.ec != std::errc() || read.ptr != end || number < 0) return {};
  return GpuName{"cuda", number};
}

const GpuModule* gpu_module(std::string_view kind, std::string& problem) {
  problem = opened(kind).problem;
  return opened(kind).module;
}

}  // namespace sluice
