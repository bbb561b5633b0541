// A saved program with what goes in and what must come out: program.txt, given.safetensors (`input NAME`,
// `state NAME`) and wanted.safetensors (`output NAME`, `state NAME`; its metadata says `tolerance`, 0: the
// same bits).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "../program/session.h"
#include "safetensors.h"

namespace sluice::runner {

class Case {
 public:
  /** `device` and `threads` as make_backend takes them. */
  Status open(const std::string& folder, const std::string& device, int threads);
  /** One run; `seconds` is what it took inside the engine. */
  Status run(double& seconds);
  /**
   * Compares outputs and states of the last run with wanted.safetensors. `error` is the largest difference
   * over the largest wanted number (at least 1) of its tensor, infinite where sizes, NaN or infinities
   * differ.
   */
  Status compare(double& error, double& tolerance);

  void set_profiling(bool on) { executable_->set_profiling(on); }
  /** Seconds by kind of op in one run, the mean since profiling was switched on. */
  std::map<std::string, double> profile();
  /** States and arena. */
  int64_t planned_bytes() const { return session_->state_bytes() + session_->arena_bytes(); }
  /** What has gone from the device's free memory since it was opened. */
  int64_t taken_bytes() const { return free_bytes_ - session_->available_bytes(); }

 private:
  Status fill(const Safetensors& given);
  Status held(const std::string& name, StoredTensor& out);

  std::string folder_;
  std::unique_ptr<Session> session_;
  int64_t free_bytes_ = 0;
  std::shared_ptr<Executable> executable_;
  std::map<int, std::vector<std::byte>> inputs_;
  RunResult result_;
};

}  // namespace sluice::runner
