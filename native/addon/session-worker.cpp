#include "session-worker.h"

#include <new>

namespace sluice::addon {
namespace {

/** Node calls this when the environment ends (process exit, end of a worker thread) before the session was
 * closed. */
void close_at_exit(void* worker) { static_cast<SessionWorker*>(worker)->close(); }

void free_bytes(Napi::Env, void*, std::vector<std::byte>* bytes) { delete bytes; }

/** On the event loop's thread; without an environment when that is being torn down. */
void settle_next(Napi::Env env, Napi::Function, Run* finished) {
  std::unique_ptr<Run> run(finished);
  if (env != nullptr) run->owner->settle(*run);
}

Napi::ArrayBuffer to_array_buffer(Napi::Env env, std::vector<std::byte> bytes) {
  if (bytes.empty()) return Napi::ArrayBuffer::New(env, 0);
  auto* owned = new std::vector<std::byte>(std::move(bytes));
  return Napi::ArrayBuffer::New(env, owned->data(), owned->size(), free_bytes, owned);
}

}  // namespace

std::shared_ptr<SessionWorker> SessionWorker::start(Napi::Env env, std::unique_ptr<Backend> backend) {
  return std::shared_ptr<SessionWorker>(new SessionWorker(env, std::move(backend)));
}

SessionWorker::SessionWorker(Napi::Env env, std::unique_ptr<Backend> backend)
    : env_(env), session_(std::move(backend)) {
  settle_ = Napi::ThreadSafeFunction::New(env, Napi::Function(), "sluice.run", 0, 1);
  settle_.Unref(env);  // only a run under way keeps the process alive
  try {
    thread_ = std::thread([this] { work(); });
  } catch (...) {
    settle_.Release();
    throw;
  }
  napi_add_env_cleanup_hook(env, close_at_exit, this);
}

SessionWorker::~SessionWorker() { close(); }

void SessionWorker::submit(std::unique_ptr<Run> run) {
  if (pending_++ == 0) settle_.Ref(env_);
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(run));
  }
  wake_.notify_one();
}

void SessionWorker::close() {
  if (closed_) return;
  closed_ = true;
  napi_remove_env_cleanup_hook(env_, close_at_exit, this);
  session_.stop();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
  session_.clear();  // now, not when the collector comes to it
  settle_.Release();
  // letting go of these may end this very object, so it comes last
  const auto unsettled = std::move(unsettled_);
}

void SessionWorker::work() {
  for (;;) {
    std::unique_ptr<Run> run;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      run = std::move(queue_.front());
      queue_.pop_front();
    }
    try {
      run->status = session_.run(*run->executable, run->inputs, run->result);
    } catch (const std::bad_alloc&) {
      run->status = Status::error("out of memory");
    } catch (const std::exception& error) {
      run->status = Status::error(error.what());
    }
    Run* finished = run.release();
    if (settle_.NonBlockingCall(finished, settle_next) != napi_ok) unsettled_.emplace_back(finished);
  }
}

void SessionWorker::settle(Run& run) {
  const Napi::HandleScope scope(env_);
  if (--pending_ == 0 && !closed_) settle_.Unref(env_);
  if (!run.status.ok()) {
    run.deferred.Reject(Napi::Error::New(env_, run.status.message()).Value());
    return;
  }
  Napi::Object outputs = Napi::Object::New(env_);
  for (size_t i = 0; i < run.result.outputs.size(); i++) {
    outputs.Set(run.executable->program().outputs[i].first,
                to_array_buffer(env_, std::move(run.result.outputs[i])));
  }
  Napi::Object result = Napi::Object::New(env_);
  result.Set("outputs", outputs);
  result.Set("seconds", run.result.seconds);
  run.deferred.Resolve(result);
}

}  // namespace sluice::addon
