#include "compare-products.h"

#include "../backends/cpu/compare-products.h"

namespace sluice::addon {
namespace {

class CompareWorker final : public Napi::AsyncWorker {
 public:
  CompareWorker(Napi::Env env, const ProductQuestion& question)
      : Napi::AsyncWorker(env, "sluice.compareProducts"),
        deferred_(Napi::Promise::Deferred::New(env)),
        question_(question) {}
  Napi::Promise promise() const { return deferred_.Promise(); }

 private:
  void Execute() override {
    const Status status = compare_products(question_, found_);
    if (!status.ok()) SetError(status.message());
  }

  void OnOK() override {
    Napi::Array list = Napi::Array::New(Env(), found_.size());
    for (uint32_t i = 0; i < found_.size(); i++) {
      const ProductTimes& times = found_[i];
      Napi::Array wall = Napi::Array::New(Env()), cpu = Napi::Array::New(Env());
      for (uint32_t turn = 0; turn < times.turns.size(); turn++) {
        wall.Set(turn, times.turns[turn].wall);
        cpu.Set(turn, times.turns[turn].cpu);
      }
      Napi::Object entry = Napi::Object::New(Env());
      entry.Set("name", times.name);
      entry.Set("difference", times.difference);
      entry.Set("wall", wall);
      entry.Set("cpu", cpu);
      list.Set(i, entry);
    }
    deferred_.Resolve(list);
  }

  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

  Napi::Promise::Deferred deferred_;
  ProductQuestion question_;
  std::vector<ProductTimes> found_;
};

double number(const Napi::Object& options, const char* name, double least, double most) {
  const Napi::Value value = options.Get(name);
  const double given = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : least - 1;
  if (given >= least && given <= most) return given;
  throw Napi::RangeError::New(options.Env(),
                              format("compareProducts: %s must be a number in %g .. %g", name, least, most));
}

bool flag(const Napi::Object& options, const char* name) {
  const Napi::Value value = options.Get(name);
  if (value.IsBoolean()) return value.As<Napi::Boolean>();
  throw Napi::TypeError::New(options.Env(), format("compareProducts: %s must be true or false", name));
}

DType dtype(const Napi::Object& options, const char* name) {
  const Napi::Value value = options.Get(name);
  DType type = DType::i32;
  if (value.IsString()) parse_dtype(value.As<Napi::String>().Utf8Value(), type);
  if (type == DType::f32 || type == DType::bf16) return type;
  throw Napi::TypeError::New(options.Env(), format("compareProducts: %s must be f32 or bf16", name));
}

}  // namespace

Napi::Value CompareProducts(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 1 || !info[0].IsObject())
    throw Napi::TypeError::New(env, "compareProducts: expected an object");
  const Napi::Object options = info[0].As<Napi::Object>();
  constexpr double kWidest = 1 << 20;
  ProductQuestion question;
  question.m = static_cast<int64_t>(number(options, "rows", 1, kWidest));
  question.n = static_cast<int64_t>(number(options, "columns", 1, kWidest));
  question.k = static_cast<int64_t>(number(options, "depth", 1, kWidest));
  question.trans_a = flag(options, "transA"), question.trans_b = flag(options, "transB");
  question.operands = dtype(options, "operands"), question.result = dtype(options, "result");
  if (question.operands == DType::f32 && question.result != DType::f32)
    throw Napi::TypeError::New(env, "compareProducts: the result of f32 operands is f32");
  question.threads = static_cast<int>(number(options, "threads", 1, 1024));
  question.turns = static_cast<int>(number(options, "turns", 1, 1000));
  question.seconds = number(options, "seconds", 0, 60);
  auto* worker = new CompareWorker(env, question);
  worker->Queue();
  return worker->promise();
}

}  // namespace sluice::addon
