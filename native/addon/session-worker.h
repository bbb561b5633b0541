// A session with a thread of its own that takes runs from a queue and settles their promises on the event
// loop.
#pragma once

#include <napi.h>

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "../program/session.h"

namespace sluice::addon {

class SessionWorker;

struct Run {
  explicit Run(Napi::Env env) : deferred(Napi::Promise::Deferred::New(env)) {}
  // The session outlives its runs. The last owner lets go on the event loop's thread, never on the session's
  // own.
  std::shared_ptr<SessionWorker> owner;
  std::shared_ptr<Executable> executable;
  std::map<int, std::vector<std::byte>> inputs;  // by value id
  Napi::Promise::Deferred deferred;
  Status status;
  RunResult result;
};

class SessionWorker {
 public:
  static std::shared_ptr<SessionWorker> start(Napi::Env env, std::unique_ptr<Backend> backend);
  ~SessionWorker();

  /** For the event loop's thread only, and only while no run is under way. */
  Session& session() { return session_; }
  bool busy() const { return pending_ > 0; }
  bool closed() const { return closed_; }

  void submit(std::unique_ptr<Run> run);
  /** Ends the run under way after its current op, refuses those that wait, joins the thread. */
  void close();
  void settle(Run& run);

 private:
  SessionWorker(Napi::Env env, std::unique_ptr<Backend> backend);
  void work();

  Napi::Env env_;
  Session session_;
  Napi::ThreadSafeFunction settle_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Run>> queue_;       // guarded by mutex_
  bool stopping_ = false;                        // guarded by mutex_
  std::vector<std::unique_ptr<Run>> unsettled_;  // the session's thread, until it is joined
  int pending_ = 0;                              // event loop's thread
  bool closed_ = false;                          // event loop's thread
};

}  // namespace sluice::addon
