#include "session-wrap.h"

#include <thread>

#include "../backends/make-backend.h"
#include "../program/read-weights.h"

namespace sluice::addon {
namespace {

std::string text_of(const Napi::CallbackInfo& info, size_t i, const char* what) {
  if (i >= info.Length() || !info[i].IsString()) {
    throw Napi::TypeError::New(info.Env(), std::string(what) + " must be a string");
  }
  return info[i].As<Napi::String>().Utf8Value();
}

Shape shape_of(const Napi::CallbackInfo& info, size_t i) {
  if (i >= info.Length() || !info[i].IsArray())
    throw Napi::TypeError::New(info.Env(), "shape must be an array");
  const Napi::Array dims = info[i].As<Napi::Array>();
  if (dims.Length() > Shape::kMaxRank)
    throw Napi::TypeError::New(info.Env(), "a shape has at most 8 dimensions");
  Shape shape;
  int64_t count = 1;
  for (uint32_t axis = 0; axis < dims.Length(); axis++) {
    const Napi::Value dim = dims.Get(axis);
    const double size = dim.IsNumber() ? dim.As<Napi::Number>().DoubleValue() : -1;
    if (!(size >= 0 && size <= 1e12 && size == static_cast<double>(static_cast<int64_t>(size))) ||
        __builtin_mul_overflow(count, static_cast<int64_t>(size), &count) || count > int64_t{1} << 40) {
      throw Napi::TypeError::New(info.Env(), "shape must hold whole numbers of at least 0");
    }
    shape.push(static_cast<int64_t>(size));
  }
  return shape;
}

struct View {
  const void* data = nullptr;
  size_t bytes = 0;
};

/** The bytes of a typed array, DataView or ArrayBuffer. */
View view_of(const Napi::Value& value, const std::string& what) {
  if (value.IsTypedArray()) {
    const Napi::TypedArray array = value.As<Napi::TypedArray>();
    return {static_cast<const char*>(array.ArrayBuffer().Data()) + array.ByteOffset(), array.ByteLength()};
  }
  if (value.IsDataView()) {
    const Napi::DataView view = value.As<Napi::DataView>();
    return {view.Data(), view.ByteLength()};
  }
  if (value.IsArrayBuffer()) {
    Napi::ArrayBuffer buffer = value.As<Napi::ArrayBuffer>();
    return {buffer.Data(), buffer.ByteLength()};
  }
  throw Napi::TypeError::New(value.Env(), what + " must be a typed array");
}

void check_size(Napi::Env env, const View& view, int64_t bytes, const std::string& what) {
  if (static_cast<int64_t>(view.bytes) == bytes) return;
  throw Napi::RangeError::New(
      env, what + " has " + std::to_string(view.bytes) + " bytes, expected " + std::to_string(bytes));
}

Napi::Array to_array(Napi::Env env, const Shape& shape) {
  Napi::Array dims = Napi::Array::New(env, shape.rank);
  for (int i = 0; i < shape.rank; i++) dims.Set(i, Napi::Number::New(env, static_cast<double>(shape[i])));
  return dims;
}

StoredTensor stored_tensor(const Napi::Object& part) {
  StoredTensor tensor;
  tensor.descriptor = part.Get("descriptor").ToNumber().Int32Value();
  tensor.file = part.Get("file").ToString().Utf8Value();
  tensor.start = part.Get("start").ToNumber().Int64Value();
  const std::string type = part.Get("dtype").ToString().Utf8Value();
  if (type == "F64")
    tensor.type = StoredType::f64;
  else if (type == "F32")
    tensor.type = StoredType::f32;
  else if (type == "F16")
    tensor.type = StoredType::f16;
  else if (type == "BF16")
    tensor.type = StoredType::bf16;
  else
    throw Napi::TypeError::New(part.Env(), "weights are F64, F32, F16 or BF16, not " + type);
  return tensor;
}

FileWeight file_weight(const Napi::Object& given) {
  FileWeight weight;
  const std::string held = given.Get("held").ToString().Utf8Value();
  if (held == "f32")
    weight.held = HeldAs::f32;
  else if (held == "bf16")
    weight.held = HeldAs::bf16;
  else if (held == "int8")
    weight.held = HeldAs::int8;
  else if (held == "nf4")
    weight.held = HeldAs::nf4;
  else
    throw Napi::TypeError::New(given.Env(), "weights are held as f32, bf16, int8 or nf4, not " + held);
  weight.state = given.Get("state").ToString().Utf8Value();
  if (given.Has("scales")) weight.scales = given.Get("scales").ToString().Utf8Value();
  weight.rows = given.Get("rows").ToNumber().Int64Value();
  weight.columns = given.Get("columns").ToNumber().Int64Value();
  weight.transposed = given.Get("transposed").ToBoolean();
  const Napi::Array parts = given.Get("parts").As<Napi::Array>();
  for (uint32_t i = 0; i < parts.Length(); i++)
    weight.parts.push_back(stored_tensor(parts.Get(i).As<Napi::Object>()));
  return weight;
}

}  // namespace

void throw_if_failed(Napi::Env env, const Status& status) {
  if (!status.ok()) throw Napi::Error::New(env, status.message());
}

Napi::Function SessionWrap::define(Napi::Env env) {
  return DefineClass(
      env, "Session",
      {InstanceMethod<&SessionWrap::set_state>("setState"),
       InstanceMethod<&SessionWrap::get_state>("getState"), InstanceMethod<&SessionWrap::states>("states"),
       InstanceMethod<&SessionWrap::read_weights>("readWeights"),
       InstanceMethod<&SessionWrap::drop_state>("dropState"), InstanceMethod<&SessionWrap::load>("load"),
       InstanceMethod<&SessionWrap::bytes>("bytes"), InstanceMethod<&SessionWrap::close>("close")});
}

SessionWrap::SessionWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<SessionWrap>(info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 1 || !info[0].IsObject()) throw Napi::TypeError::New(env, "expected {device, threads}");
  const Napi::Object options = info[0].As<Napi::Object>();
  const Napi::Value device = options.Get("device"), threads = options.Get("threads");
  const std::string name = device.IsString() ? device.As<Napi::String>().Utf8Value() : "";
  const double count = threads.IsNumber() ? threads.As<Napi::Number>().DoubleValue() : 0;
  if (!(count >= 1 && count <= 1024)) throw Napi::RangeError::New(env, "threads must lie in 1 .. 1024");
  try {
    std::unique_ptr<Backend> backend;
    throw_if_failed(env, make_backend(name, static_cast<int>(count), backend));
    worker_ = SessionWorker::start(env, std::move(backend));
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& error) {  // no memory, or no more threads
    throw Napi::Error::New(env, "the system does not give " + std::to_string(static_cast<int>(count)) +
                                    " threads: " + error.what());
  }
  auto& sessions = env.GetInstanceData<AddonData>()->sessions;
  std::erase_if(sessions, [](const auto& session) { return session.expired(); });
  sessions.push_back(worker_);
}

void AddonData::close_sessions() {
  for (const auto& session : sessions) {
    if (const auto open = session.lock()) open->close();
  }
}

SessionWorker& SessionWrap::open_worker(Napi::Env env) {
  if (worker_->closed()) throw Napi::Error::New(env, "the session is closed");
  return *worker_;
}

Session& SessionWrap::idle_session(Napi::Env env) {
  if (open_worker(env).busy()) {
    throw Napi::Error::New(env, "a run is under way: await it before reading or changing states");
  }
  return worker_->session();
}

void SessionWrap::set_state(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Session& session = idle_session(env);
  const std::string name = text_of(info, 0, "name");
  DType dtype = DType::f32;
  if (!parse_dtype(text_of(info, 1, "dtype"), dtype))
    throw Napi::TypeError::New(env, "dtype must be f32, bf16, i32 or u8");
  const Shape shape = shape_of(info, 2);
  View view;
  if (info.Length() > 3 && !info[3].IsNull() && !info[3].IsUndefined()) {
    view = view_of(info[3], "data of state \"" + name + "\"");
    check_size(env, view, shape.count() * size_of(dtype), "state \"" + name + "\"");
    if (view.bytes == 0) view.data = nullptr;
  }
  throw_if_failed(env, session.set_state(name, dtype, shape, view.data));
}

Napi::Value SessionWrap::get_state(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Session& session = idle_session(env);
  const std::string name = text_of(info, 0, "name");
  const State* state = session.state(name);
  if (!state) throw Napi::Error::New(env, "there is no state \"" + name + "\"");
  Napi::ArrayBuffer data = Napi::ArrayBuffer::New(env, static_cast<size_t>(state->bytes()));
  if (state->bytes()) session.read_state(*state, data.Data());
  Napi::Object result = Napi::Object::New(env);
  result.Set("dtype", name_of(state->dtype));
  result.Set("shape", to_array(env, state->shape));
  result.Set("data", data);
  return result;
}

Napi::Value SessionWrap::states(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Array list = Napi::Array::New(env);
  open_worker(env);
  for (const auto& [name, state] : worker_->session().states()) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", name);
    entry.Set("dtype", name_of(state.dtype));
    entry.Set("shape", to_array(env, state.shape));
    entry.Set("bytes", Napi::Number::New(env, static_cast<double>(state.bytes())));
    list.Set(list.Length(), entry);
  }
  return list;
}

void SessionWrap::read_weights(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Session& session = idle_session(env);
  if (info.Length() < 2 || !info[0].IsArray() || !info[1].IsNumber())
    throw Napi::TypeError::New(env, "expected weights and a number of threads");
  const Napi::Array list = info[0].As<Napi::Array>();
  std::vector<FileWeight> weights;
  for (uint32_t i = 0; i < list.Length(); i++) weights.push_back(file_weight(list.Get(i).As<Napi::Object>()));
  throw_if_failed(env, sluice::read_weights(session, weights, info[1].As<Napi::Number>().Int32Value()));
}

void SessionWrap::drop_state(const Napi::CallbackInfo& info) {
  Session& session = idle_session(info.Env());
  throw_if_failed(info.Env(), session.drop_state(text_of(info, 0, "name")));
}

Napi::Value SessionWrap::load(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  SessionWorker& worker = open_worker(env);
  ProgramWrap::Loaded loaded{worker_, nullptr};
  const std::string text = text_of(info, 0, "program");
  Status status;
  try {
    status = worker.session().load(text, loaded.executable);
  } catch (const std::bad_alloc&) {
    status = Status::error("out of memory while loading a program");
  }
  throw_if_failed(env, status);
  return env.GetInstanceData<AddonData>()->program_class.New(
      {Napi::External<ProgramWrap::Loaded>::New(env, &loaded)});
}

Napi::Value SessionWrap::bytes(const Napi::CallbackInfo& info) {
  Session& session = open_worker(info.Env()).session();
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("states", Napi::Number::New(info.Env(), static_cast<double>(session.state_bytes())));
  result.Set("arena", Napi::Number::New(info.Env(), static_cast<double>(session.arena_bytes())));
  result.Set("available", Napi::Number::New(info.Env(), static_cast<double>(session.available_bytes())));
  return result;
}

void SessionWrap::close(const Napi::CallbackInfo&) { worker_->close(); }

Napi::Function ProgramWrap::define(Napi::Env env) {
  return DefineClass(
      env, "Program",
      {InstanceMethod<&ProgramWrap::run>("run"), InstanceMethod<&ProgramWrap::profile>("profile"),
       InstanceMethod<&ProgramWrap::set_profiling>("setProfiling"),
       InstanceMethod<&ProgramWrap::set_check_finite>("setCheckFinite")});
}

ProgramWrap::ProgramWrap(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ProgramWrap>(info) {
  if (info.Length() < 1 || !info[0].IsExternal()) {
    throw Napi::TypeError::New(info.Env(), "a Program comes from Session.load");
  }
  loaded_ = *info[0].As<Napi::External<Loaded>>().Data();
}

/** Copies the inputs, so that the caller may change them at once; wrong ones throw here. */
Napi::Value ProgramWrap::run(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (loaded_.worker->closed()) throw Napi::Error::New(env, "the session is closed");
  auto run = std::make_unique<Run>(env);
  run->owner = loaded_.worker;
  run->executable = loaded_.executable;
  const Napi::Object given =
      info.Length() && info[0].IsObject() ? info[0].As<Napi::Object>() : Napi::Object::New(env);
  const std::vector<sluice::Value>& values = loaded_.executable->program().values;
  for (size_t id = 0; id < values.size(); id++) {
    const sluice::Value& value = values[id];
    if (value.place != Place::input) continue;
    if (!given.Has(value.name)) throw Napi::Error::New(env, "input \"" + value.name + "\" is missing");
    const View view = view_of(given.Get(value.name), "input \"" + value.name + "\"");
    check_size(env, view, value.byte_count(),
               "input \"" + value.name + "\" " + name_of(value.dtype) + value.shape.text());
    const std::byte* data = static_cast<const std::byte*>(view.data);
    run->inputs.emplace(static_cast<int>(id), std::vector<std::byte>(data, data + view.bytes));
  }
  const Napi::Array names = given.GetPropertyNames();
  for (uint32_t i = 0; names.Length() != run->inputs.size() && i < names.Length(); i++) {
    const std::string name = names.Get(i).As<Napi::String>().Utf8Value();
    bool known = false;
    for (const auto& [id, bytes] : run->inputs) known |= values[id].name == name;
    if (!known) throw Napi::Error::New(env, "the program has no input \"" + name + "\"");
  }
  const Napi::Promise promise = run->deferred.Promise();
  loaded_.worker->submit(std::move(run));
  return promise;
}

Napi::Value ProgramWrap::profile(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::vector<Op>& ops = loaded_.executable->program().ops;
  const std::vector<OpTime> times = loaded_.executable->profile();
  Napi::Array list = Napi::Array::New(env, ops.size());
  for (size_t i = 0; i < ops.size(); i++) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("index", static_cast<double>(i));
    entry.Set("op", row_of(ops[i].kind).name);
    entry.Set("scope", ops[i].scope);
    entry.Set("calls", static_cast<double>(times[i].calls));
    entry.Set("seconds", times[i].seconds);
    list.Set(static_cast<uint32_t>(i), entry);
  }
  return list;
}

void ProgramWrap::set_profiling(const Napi::CallbackInfo& info) {
  loaded_.executable->set_profiling(info.Length() && info[0].ToBoolean());
}

void ProgramWrap::set_check_finite(const Napi::CallbackInfo& info) {
  loaded_.executable->set_check_finite(info.Length() && info[0].ToBoolean());
}

}  // namespace sluice::addon
