// What the addon exports; src/engine is its only loader.
#include <napi.h>

#include <functional>

#include "../backends/cpu/cpu-backend.h"
#include "../backends/emulator/emulator-backend.h"
#include "../backends/gpu/device.h"
#include "../backends/open-module.h"
#include "../core/op-table.h"
#include "bpe.h"
#include "compare-products.h"
#include "session-wrap.h"

namespace sluice::addon {
namespace {

Napi::Value version(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), SLUICE_VERSION); }

Napi::Value op_names(const Napi::CallbackInfo& info) {
  Napi::Array names = Napi::Array::New(info.Env());
  for (const OpRow& row : op_table()) names.Set(names.Length(), row.name);
  return names;
}

Napi::Value cpu(const Napi::CallbackInfo& info) {
  const CpuInfo cpu = cpu_info();
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("isa", cpu.isa);
  result.Set("cores", cpu.cores);
  result.Set("matmul", cpu.matmul);
  result.Set("matmulVersion", cpu.matmul_version);
  return result;
}

/** Measures off the event loop. */
class MeasureWorker final : public Napi::AsyncWorker {
 public:
  MeasureWorker(Napi::Env env, std::function<double()> measure)
      : Napi::AsyncWorker(env, "sluice.measure"),
        deferred_(Napi::Promise::Deferred::New(env)),
        measure_(std::move(measure)) {}
  Napi::Promise promise() const { return deferred_.Promise(); }

 private:
  void Execute() override { rate_ = measure_(); }
  void OnOK() override { deferred_.Resolve(Napi::Number::New(Env(), rate_)); }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

  Napi::Promise::Deferred deferred_;
  std::function<double()> measure_;
  double rate_ = 0;
};

struct MeasureOptions {
  Napi::Object object;
  int threads;
  double seconds;
};

MeasureOptions measure_options(const Napi::CallbackInfo& info, const std::string& name) {
  const Napi::Env env = info.Env();
  if (info.Length() < 1 || !info[0].IsObject()) {
    throw Napi::TypeError::New(env, name + ": expected an object with threads and seconds");
  }
  const Napi::Object options = info[0].As<Napi::Object>();
  const Napi::Value threads = options.Get("threads"), seconds = options.Get("seconds");
  const double count = threads.IsNumber() ? threads.As<Napi::Number>().DoubleValue() : 0;
  const double time = seconds.IsNumber() ? seconds.As<Napi::Number>().DoubleValue() : -1;
  if (!(count >= 1 && count <= 1024))
    throw Napi::RangeError::New(env, name + ": threads must lie in 1 .. 1024");
  if (!(time >= 0 && time <= 60)) throw Napi::RangeError::New(env, name + ": seconds must lie in 0 .. 60");
  return {options, static_cast<int>(count), time};
}

Napi::Value measured(Napi::Env env, std::function<double()> measure) {
  auto* worker = new MeasureWorker(env, std::move(measure));
  worker->Queue();
  return worker->promise();
}

Napi::Value peak(const Napi::CallbackInfo& info) {
  const auto [options, threads, seconds] = measure_options(info, "measurePeak");
  const Napi::Value dtype = options.Get("dtype");
  DType type = DType::f32;
  if (!dtype.IsString() || !parse_dtype(dtype.As<Napi::String>().Utf8Value(), type) ||
      (type != DType::f32 && type != DType::bf16)) {
    throw Napi::TypeError::New(info.Env(), "measurePeak: dtype must be f32 or bf16");
  }
  return measured(info.Env(), [type, threads = threads, seconds = seconds] {
    return measure_peak(type, threads, seconds);
  });
}

Napi::Value read_rate(const Napi::CallbackInfo& info) {
  const auto [options, threads, seconds] = measure_options(info, "measureRead");
  const Napi::Value given = options.Get("bytes");
  const double bytes = given.IsNumber() ? given.As<Napi::Number>().DoubleValue() : 0;
  if (!(bytes >= 1 && bytes <= 0x1p40))
    throw Napi::RangeError::New(info.Env(), "measureRead: bytes must lie in 1 .. 2^40");
  return measured(info.Env(), [threads = threads, seconds = seconds, bytes = static_cast<int64_t>(bytes)] {
    return measure_read(threads, seconds, bytes);
  });
}

/** {devices: [{name, title, memoryBytes, products}], problems: {cuda, metal}}: why there is none, or null. */
Napi::Value gpus(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Array list = Napi::Array::New(env);
  Napi::Object problems = Napi::Object::New(env);
  for (const std::string kind : kGpuKinds) {
    std::string problem;
    const GpuModule* module = gpu_module(kind, problem);
    const auto found = module ? module->devices(problem) : std::vector<GpuInfo>();
    for (std::size_t i = 0; i < found.size(); i++) {
      Napi::Object device = Napi::Object::New(env);
      device.Set("name", kind == "metal" ? kind : kind + ":" + std::to_string(i));
      device.Set("title", found[i].title);
      device.Set("memoryBytes", static_cast<double>(found[i].memory_bytes));
      device.Set("products", found[i].products);
      list.Set(list.Length(), device);
    }
    problems.Set(kind, found.empty() ? Napi::Value(Napi::String::New(env, problem)) : env.Null());
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("devices", list);
  result.Set("problems", problems);
  return result;
}

/** {bytesPerSecond, f32Flops, bf16Flops} of `cuda:1` or `metal`, measured now. Blocks: a listing waits for it
 * anyway.
 */
Napi::Value gpu_rates(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  std::string problem = "which GPU?";
  const auto gpu = parse_gpu(info[0].IsString() ? info[0].As<Napi::String>().Utf8Value() : "");
  const GpuModule* module = gpu ? gpu_module(gpu->kind, problem) : nullptr;
  if (!module) throw Napi::Error::New(env, "gpuRates: " + problem);
  GpuRates rates;
  throw_if_failed(env, module->measure(gpu->number, rates));
  Napi::Object result = Napi::Object::New(env);
  result.Set("bytesPerSecond", rates.bytes_per_second);
  result.Set("f32Flops", rates.f32_flops);
  result.Set("bf16Flops", rates.bf16_flops);
  return result;
}

/** {known, run, bankConflicts}: names of the dialect's kernels, all and those that the emulator has run in
 * this process, and how often their accesses of 16 bytes met in a bank of group memory. */
Napi::Value emulated(const Napi::CallbackInfo& info) {
  const std::vector<bool> ran = emulated_kernels();
  Napi::Array known = Napi::Array::New(info.Env()), run = Napi::Array::New(info.Env());
  for (std::size_t i = 0; i < ran.size(); i++) {
    const char* name = gpu::name_of(static_cast<gpu::Kernel>(i));
    known.Set(known.Length(), name);
    if (ran[i]) run.Set(run.Length(), name);
  }
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("known", known);
  result.Set("run", run);
  result.Set("bankConflicts", static_cast<double>(emulator::bank_conflicts()));
  return result;
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  auto* data = new AddonData;
  data->program_class = Napi::Persistent(ProgramWrap::define(env));
  env.SetInstanceData(data);
  const Napi::Object process = env.Global().Get("process").As<Napi::Object>();
  const auto at_exit = [](const Napi::CallbackInfo& info) {
    info.Env().GetInstanceData<AddonData>()->close_sessions();
  };
  process.Get("on").As<Napi::Function>().Call(
      process, {Napi::String::New(env, "exit"), Napi::Function::New(env, at_exit, "closeSessions")});
  exports.Set("version", Napi::Function::New(env, version, "version"));
  exports.Set("opNames", Napi::Function::New(env, op_names, "opNames"));
  exports.Set("info", Napi::Function::New(env, cpu, "info"));
  exports.Set("gpus", Napi::Function::New(env, gpus, "gpus"));
  exports.Set("gpuRates", Napi::Function::New(env, gpu_rates, "gpuRates"));
  exports.Set("emulatedKernels", Napi::Function::New(env, emulated, "emulatedKernels"));
  exports.Set("Session", SessionWrap::define(env));
  exports.Set("measurePeak", Napi::Function::New(env, peak, "measurePeak"));
  exports.Set("measureRead", Napi::Function::New(env, read_rate, "measureRead"));
  exports.Set("compareProducts", Napi::Function::New(env, CompareProducts, "compareProducts"));
  exports.Set("trainBpe", Napi::Function::New(env, TrainBpe, "trainBpe"));
  return exports;
}

}  // namespace
}  // namespace sluice::addon

static Napi::Object initialize_module(Napi::Env env, Napi::Object exports) {
  return sluice::addon::initialize(env, exports);
}

NODE_API_MODULE(sluice, initialize_module)
