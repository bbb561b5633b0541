// What the addon exports; src/engine is its only loader.
#include <napi.h>

#include "../backends/cpu/cpu-backend.h"
#include "../core/op-table.h"
#include "bpe.h"
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

class PeakWorker final : public Napi::AsyncWorker {
 public:
  PeakWorker(Napi::Env env, DType dtype, int threads, double seconds)
      : Napi::AsyncWorker(env, "sluice.measurePeak"),
        deferred_(Napi::Promise::Deferred::New(env)),
        dtype_(dtype),
        threads_(threads),
        seconds_(seconds) {}
  Napi::Promise promise() const { return deferred_.Promise(); }

 private:
  void Execute() override { rate_ = measure_peak(dtype_, threads_, seconds_); }
  void OnOK() override { deferred_.Resolve(Napi::Number::New(Env(), rate_)); }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

  Napi::Promise::Deferred deferred_;
  DType dtype_;
  int threads_;
  double seconds_, rate_ = 0;
};

Napi::Value peak(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 1 || !info[0].IsObject()) {
    throw Napi::TypeError::New(env, "measurePeak: expected {dtype, threads, seconds}");
  }
  const Napi::Object options = info[0].As<Napi::Object>();
  const Napi::Value dtype = options.Get("dtype"), threads = options.Get("threads"),
                    seconds = options.Get("seconds");
  DType type = DType::f32;
  if (!dtype.IsString() || !parse_dtype(dtype.As<Napi::String>().Utf8Value(), type) ||
      (type != DType::f32 && type != DType::bf16)) {
    throw Napi::TypeError::New(env, "measurePeak: dtype must be f32 or bf16");
  }
  const double count = threads.IsNumber() ? threads.As<Napi::Number>().DoubleValue() : 0;
  const double time = seconds.IsNumber() ? seconds.As<Napi::Number>().DoubleValue() : -1;
  if (!(count >= 1 && count <= 1024))
    throw Napi::RangeError::New(env, "measurePeak: threads must lie in 1 .. 1024");
  if (!(time >= 0 && time <= 60))
    throw Napi::RangeError::New(env, "measurePeak: seconds must lie in 0 .. 60");
  auto* worker = new PeakWorker(env, type, static_cast<int>(count), time);
  worker->Queue();
  return worker->promise();
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
  exports.Set("Session", SessionWrap::define(env));
  exports.Set("measurePeak", Napi::Function::New(env, peak, "measurePeak"));
  exports.Set("trainBpe", Napi::Function::New(env, TrainBpe, "trainBpe"));
  return exports;
}

}  // namespace
}  // namespace sluice::addon

static Napi::Object initialize_module(Napi::Env env, Napi::Object exports) {
  return sluice::addon::initialize(env, exports);
}

NODE_API_MODULE(sluice, initialize_module)
