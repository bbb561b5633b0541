#include "make-backend.h"

#include <string>

#include "cpu/cpu-backend.h"
#include "emulator/emulator-backend.h"
#include "open-module.h"

namespace sluice {
namespace {

Status make_gpu_backend(GpuName gpu, std::unique_ptr<Backend>& backend) {
  std::string problem;
  const GpuModule* module = gpu_module(gpu.kind, problem);
  if (!module) return Status::error(problem);
  const auto devices = module->devices(problem);
  const std::string kind = gpu.kind;
  if (devices.empty()) return Status::error(problem.empty() ? "there is no device for " + kind : problem);
  if (gpu.number >= static_cast<int>(devices.size()))
    return Status::error("there is no " + kind + ":" + std::to_string(gpu.number) + ", but " +
                         std::to_string(devices.size()) + " from " + kind + ":0");
  return module->open(gpu.number, backend);
}

}  // namespace

Status make_backend(std::string_view device, int threads, std::unique_ptr<Backend>& backend) {
  constexpr std::string_view emulated = "emulator:";
  emulator::Schedule schedule;
  if (device == "cpu") {
    backend = make_cpu_backend(threads);
  } else if (const auto gpu = parse_gpu(device)) {
    return make_gpu_backend(*gpu, backend);
  } else if (device.starts_with(emulated) && parse_schedule(device.substr(emulated.size()), schedule)) {
    backend = make_emulator_backend(schedule);
  } else {
    return Status::error("device '" + std::string(device) +
                         "' is none that Sluice knows (cpu, cuda, cuda:N, metal)");
  }
  return {};
}

}  // namespace sluice
