#include "make-backend.h"

#include <charconv>
#include <string>

#include "cpu/cpu-backend.h"
#include "cuda/open-module.h"
#include "emulator/emulator-backend.h"

namespace sluice {
namespace {

/** `cuda` is 0, `cuda:N` is N; -1: neither. */
int cuda_number(std::string_view device) {
  if (device == "cuda") return 0;
  constexpr std::string_view prefix = "cuda:";
  int number = -1;
  if (!device.starts_with(prefix)) return -1;
  const char* end = device.data() + device.size();
  const auto read = std::from_chars(device.data() + prefix.size(), end, number);
  return read.ec == std::errc() && read.ptr == end && number >= 0 ? number : -1;
}

Status make_cuda_backend(int number, std::unique_ptr<Backend>& backend) {
  std::string problem;
  const CudaModule* module = cuda_module(problem);
  if (!module) return Status::error(problem);
  const auto devices = module->devices(problem);
  if (devices.empty()) return Status::error(problem.empty() ? "there is no CUDA device" : problem);
  if (number >= static_cast<int>(devices.size()))
    return Status::error("there is no cuda:" + std::to_string(number) + ", but " +
                         std::to_string(devices.size()) + " from cuda:0");
  return module->open(number, backend);
}

}  // namespace

Status make_backend(std::string_view device, int threads, std::unique_ptr<Backend>& backend) {
  constexpr std::string_view emulated = "emulator:";
  emulator::Schedule schedule;
  if (device == "cpu") {
    backend = make_cpu_backend(threads);
  } else if (const int number = cuda_number(device); number >= 0) {
    return make_cuda_backend(number, backend);
  } else if (device.starts_with(emulated) && parse_schedule(device.substr(emulated.size()), schedule)) {
    backend = make_emulator_backend(schedule);
  } else {
    return Status::error("device '" + std::string(device) +
                         "' is none that Sluice knows (cpu, cuda, cuda:N)");
  }
  return {};
}

}  // namespace sluice
