// The JavaScript classes Session and Program: argument checks and conversion, nothing else.
#pragma once

#include <napi.h>

#include "session-worker.h"

namespace sluice::addon {

void throw_if_failed(Napi::Env env, const Status& status);

class SessionWrap : public Napi::ObjectWrap<SessionWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit SessionWrap(const Napi::CallbackInfo& info);

 private:
  /** The session for a call that reads or changes it; throws when closed or while a run is under way. */
  Session& idle_session(Napi::Env env);
  SessionWorker& open_worker(Napi::Env env);

  void set_state(const Napi::CallbackInfo& info);
  Napi::Value get_state(const Napi::CallbackInfo& info);
  Napi::Value states(const Napi::CallbackInfo& info);
  void read_weights(const Napi::CallbackInfo& info);
  void drop_state(const Napi::CallbackInfo& info);
  Napi::Value load(const Napi::CallbackInfo& info);
  Napi::Value bytes(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  std::shared_ptr<SessionWorker> worker_;
};

class ProgramWrap : public Napi::ObjectWrap<ProgramWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  /** Takes an External<Loaded>; made by Session.load only. */
  explicit ProgramWrap(const Napi::CallbackInfo& info);

  struct Loaded {
    std::shared_ptr<SessionWorker> worker;  // first: its session outlives the executable
    std::shared_ptr<Executable> executable;
  };

 private:
  Napi::Value run(const Napi::CallbackInfo& info);
  Napi::Value profile(const Napi::CallbackInfo& info);
  void set_profiling(const Napi::CallbackInfo& info);
  void set_check_finite(const Napi::CallbackInfo& info);

  Loaded loaded_;
};

/** What the addon keeps per environment. */
struct AddonData {
  Napi::FunctionReference program_class;
  std::vector<std::weak_ptr<SessionWorker>> sessions;

  /** Before process.exit() takes the libraries down under running threads; Node runs no cleanup hooks then.
   */
  void close_sessions();
};

}  // namespace sluice::addon
