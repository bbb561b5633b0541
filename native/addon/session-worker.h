// A session with a thread of its own that takes runs from a queue and settles their promises on the event loop.
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

struct Run {
  explicit Run(Napi::Env env) : deferred(Napi::Promise::Deferred::New(env)) {}
  std::shared_ptr<Executable> executable;
  std::map<int, std::vector<std::byte>> inputs;  // by value id
  Napi::Promise::Deferred deferred;
  Status status;
  RunResult result;
};

class SessionWorker : public std::enable_shared_from_this<SessionWorker> {
 public:
  static std::shared_ptr<SessionWorker> start(Napi::Env env, int threads);
  ~SessionWorker();

  /** For the event loop's thread only, and only while no run is under way. */
  Session& session() { return session_; }
  bool busy() const { return pending_ > 0; }
  bool closed() const { return closed_; }

  void submit(std::unique_ptr<Run> run);
  /** Ends the run under way after its current op, refuses those that wait, joins the thread. */
  void close();

 private:
  SessionWorker(Napi::Env env, int threads);
  void work();
  void settle(std::unique_ptr<Run> run);

  Napi::Env env_;
  Session session_;
  Napi::ThreadSafeFunction settle_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Run>> queue_, finished_;  // guarded by mutex_
  bool stopping_ = false;                              // guarded by mutex_
  int pending_ = 0;                                    // event loop's thread
  bool closed_ = false;                                // event loop's thread
};

}  // namespace sluice::addon
