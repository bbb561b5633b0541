#include "bpe.h"

#include <string>
#include <vector>

#include "../text/bpe-trainer.h"

namespace sluice::addon {

namespace {

class TrainWorker : public Napi::AsyncWorker {
 public:
  TrainWorker(Napi::Env env, text::BpeOptions options, std::vector<uint32_t> letters,
              std::vector<uint32_t> numbers, std::vector<std::string> texts)
      : Napi::AsyncWorker(env, "sluice.trainBpe"),
        deferred_(Napi::Promise::Deferred::New(env)),
        options_(std::move(options)),
        letters_(std::move(letters)),
        numbers_(std::move(numbers)),
        texts_(std::move(texts)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override {
    const text::CharClasses classes(letters_, numbers_);
    result_ = text::train_bpe(texts_, classes, options_);
  }

  void OnOK() override {
    const Napi::Env env = Env();
    Napi::Array vocab = Napi::Array::New(env, result_.vocab.size());
    for (uint32_t i = 0; i < result_.vocab.size(); ++i)
      vocab.Set(i, Napi::String::New(env, result_.vocab[i]));
    Napi::Array merges = Napi::Array::New(env, result_.merges.size());
    for (uint32_t i = 0; i < result_.merges.size(); ++i) {
      Napi::Array pair = Napi::Array::New(env, 2);
      pair.Set(0u, Napi::Number::New(env, result_.merges[i].first));
      pair.Set(1u, Napi::Number::New(env, result_.merges[i].second));
      merges.Set(i, pair);
    }
    Napi::Object result = Napi::Object::New(env);
    result.Set("vocab", vocab);
    result.Set("merges", merges);
    deferred_.Resolve(result);
  }

  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  Napi::Promise::Deferred deferred_;
  text::BpeOptions options_;
  std::vector<uint32_t> letters_;
  std::vector<uint32_t> numbers_;
  std::vector<std::string> texts_;
  text::BpeResult result_;
};

std::vector<std::string> strings(Napi::Value value, const char* name) {
  if (!value.IsArray())
    throw Napi::TypeError::New(value.Env(),
                               std::string("trainBpe: ") + name + " must be an array of strings");
  const Napi::Array array = value.As<Napi::Array>();
  std::vector<std::string> result;
  result.reserve(array.Length());
  for (uint32_t i = 0; i < array.Length(); ++i) {
    const Napi::Value item = array.Get(i);
    if (!item.IsString())
      throw Napi::TypeError::New(value.Env(),
                                 std::string("trainBpe: ") + name + " must be an array of strings");
    result.push_back(item.As<Napi::String>().Utf8Value());
  }
  return result;
}

double number(const Napi::Object& options, const char* name) {
  const Napi::Value value = options.Get(name);
  if (!value.IsNumber() || !(value.As<Napi::Number>().DoubleValue() >= 0)) {
    throw Napi::TypeError::New(options.Env(),
                               std::string("trainBpe: options.") + name + " must be a number of at least 0");
  }
  return value.As<Napi::Number>().DoubleValue();
}

std::vector<uint32_t> ranges(const Napi::Object& options, const char* name) {
  const Napi::Value value = options.Get(name);
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint32_array) {
    throw Napi::TypeError::New(options.Env(),
                               std::string("trainBpe: options.") + name + " must be a Uint32Array of ranges");
  }
  const Napi::Uint32Array array = value.As<Napi::Uint32Array>();
  return {array.Data(), array.Data() + array.ElementLength()};
}

}  // namespace

Napi::Value TrainBpe(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 2 || !info[0].IsObject()) {
    throw Napi::TypeError::New(env, "trainBpe: expected (options, texts)");
  }
  const Napi::Object given = info[0].As<Napi::Object>();
  text::BpeOptions options;
  options.vocab_size = static_cast<uint32_t>(number(given, "vocabSize"));
  options.min_frequency = static_cast<uint64_t>(number(given, "minFrequency"));
  options.threads = static_cast<int>(number(given, "threads"));
  options.special_tokens = strings(given.Get("specialTokens"), "options.specialTokens");
  auto* worker = new TrainWorker(env, std::move(options), ranges(given, "letters"), ranges(given, "numbers"),
                                 strings(info[1], "texts"));
  worker->Queue();
  return worker->promise();
}

}  // namespace sluice::addon
