#include "session.h"

#include <array>
#include <chrono>

#include "decode.h"

namespace sluice {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

int64_t aligned(int64_t bytes) { return (bytes + 63) / 64 * 64; }

std::string described(DType dtype, const Shape& shape) { return name_of(dtype) + shape.text(); }

Status out_of_memory(const Backend& backend, const std::string& what, int64_t bytes) {
  return Status::error("out of memory: " + what + " needs " + std::to_string(bytes) + " bytes, " +
                       std::to_string(backend.available()) + " are free");
}

}  // namespace

std::vector<OpTime> Executable::profile() {
  const std::lock_guard lock(times_mutex_);
  return times_;
}

Status Session::set_state(const std::string& name, DType dtype, const Shape& shape, const void* data) {
  const auto found = states_.find(name);
  if (found == states_.end() || found->second.dtype != dtype || !(found->second.shape == shape)) {
    State state{dtype, shape, {}};
    state.buffer = Buffer(*backend_, std::max<int64_t>(1, state.bytes()));
    if (!state.buffer.data()) return out_of_memory(*backend_, "state \"" + name + "\"", state.bytes());
    states_.insert_or_assign(name, std::move(state));
    version_++;
  } else if (!data) {
    static constexpr std::array<std::byte, 1 << 16> zeros{};
    const int64_t bytes = found->second.bytes(), most = static_cast<int64_t>(zeros.size());
    for (int64_t at = 0; at < bytes; at += most) {
      std::byte* to = static_cast<std::byte*>(found->second.buffer.data()) + at;
      backend_->upload(to, zeros.data(), std::min(most, bytes - at));
    }
  }
  const State& state = states_[name];
  if (data) backend_->upload(state.buffer.data(), data, state.bytes());
  return {};
}

Status Session::drop_state(const std::string& name) {
  if (!states_.erase(name)) return Status::error("there is no state \"" + name + "\"");
  version_++;
  return {};
}

const State* Session::state(const std::string& name) const {
  const auto found = states_.find(name);
  return found == states_.end() ? nullptr : &found->second;
}

int64_t Session::state_bytes() const {
  int64_t bytes = 0;
  for (const auto& [name, state] : states_) bytes += state.bytes();
  return bytes;
}

Status Session::load(std::string_view text, std::shared_ptr<Executable>& out) {
  auto loaded = std::make_shared<Executable>();
  Program& program = loaded->program_;
  if (Status status = decode(text, program); !status.ok()) return status;
  int64_t constant_bytes = 0, input_bytes = 0;
  for (const Value& value : program.values) {
    int64_t& bytes = value.place == Place::constant ? constant_bytes : input_bytes;
    loaded->place_.push_back(bytes);
    if (value.place == Place::constant || value.place == Place::input) bytes += aligned(value.byte_count());
    if (value.place != Place::state) continue;
    const State* held = state(value.name);
    if (held && (held->dtype != value.dtype || !(held->shape == value.shape))) {
      return Status::error("line " + std::to_string(value.line) + ": state \"" + value.name + "\" is " +
                           described(held->dtype, held->shape) + " in the session, the program says " +
                           described(value.dtype, value.shape));
    }
  }
  for (const Op& op : program.ops) {
    if (!backend_->supports(program, op)) {
      return Status::error("line " + std::to_string(op.line) + ": " + op.title() + " is not supported on " +
                           backend_->name());
    }
  }
  loaded->constants_ = Buffer(*backend_, std::max<int64_t>(64, constant_bytes));
  loaded->inputs_ = Buffer(*backend_, std::max<int64_t>(64, input_bytes));
  if (!loaded->constants_.data() || !loaded->inputs_.data()) {
    return out_of_memory(*backend_, "inputs and constants", constant_bytes + input_bytes);
  }
  for (size_t i = 0; i < program.values.size(); i++) {
    const Value& value = program.values[i];
    if (value.place != Place::constant || value.bytes.empty()) continue;
    backend_->upload(static_cast<std::byte*>(loaded->constants_.data()) + loaded->place_[i],
                     value.bytes.data(), value.byte_count());
  }
  loaded->times_.resize(program.ops.size());
  arena_wish_ = std::max(arena_wish_.load(), program.arena_bytes);
  std::erase_if(loaded_, [](const auto& held) { return held.expired(); });
  loaded_.push_back(loaded);
  out = std::move(loaded);
  return {};
}

void Session::clear() {
  for (const auto& held : loaded_) {
    const auto executable = held.lock();
    if (!executable) continue;
    executable->constants_ = Buffer();
    executable->inputs_ = Buffer();
  }
  states_.clear();
  arena_ = Buffer();
  backend_->end_threads();
}

/** Resolves every operand to memory, anew when states or the arena moved. */
Status Session::bind(Executable& executable) {
  const int64_t own = executable.program_.arena_bytes, wish = std::max(own, arena_wish_.load());
  if (!arena_.data() || arena_.bytes() < wish) {
    version_++;
    for (const int64_t bytes : {wish, own}) {
      arena_ = Buffer();  // the old one first: both need not exist at once
      arena_ = Buffer(*backend_, std::max<int64_t>(64, bytes));
      arena_wish_ = bytes;  // what other programs wish for may be more than there is
      if (arena_.data()) break;
    }
    if (!arena_.data()) {
      arena_wish_ = 0;
      return out_of_memory(*backend_, "the arena", own);
    }
  }
  if (executable.bound_version_ == version_) return {};
  const Program& program = executable.program_;
  std::vector<Tensor>& tensors = executable.tensors_;
  tensors.assign(program.values.size(), {});
  for (size_t i = 0; i < tensors.size(); i++) {
    const Value& value = program.values[i];
    tensors[i] = {nullptr, value.dtype, value.shape};
    std::byte* base = static_cast<std::byte*>(arena_.data()) + value.offset;
    if (value.place == Place::constant) {
      base = static_cast<std::byte*>(executable.constants_.data()) + executable.place_[i];
    } else if (value.place == Place::input) {
      base = static_cast<std::byte*>(executable.inputs_.data()) + executable.place_[i];
    } else if (value.place == Place::alias) {
      base = static_cast<std::byte*>(tensors[value.root].data);
    } else if (value.place == Place::state) {
      const State* held = state(value.name);
      if (!held) return Status::error("state \"" + value.name + "\" was never set");
      if (held->dtype != value.dtype || !(held->shape == value.shape)) {
        return Status::error("state \"" + value.name + "\" is " + described(held->dtype, held->shape) +
                             ", the program was made for " + described(value.dtype, value.shape));
      }
      base = static_cast<std::byte*>(held->buffer.data());
    }
    tensors[i].data = base;
  }
  const auto operands = [&](const std::vector<int>& ids, size_t least) {
    std::vector<Tensor> list;
    for (int id : ids) list.push_back(id < 0 ? Tensor{} : tensors[id]);
    if (list.size() < least) list.resize(least);
    return list;
  };
  executable.bound_.clear();
  for (const Op& op : program.ops) {
    Executable::Bound bound{operands(op.inputs, 1), operands(op.outputs, 1), nullptr};
    if (op.scratch_bytes) bound.scratch = static_cast<std::byte*>(arena_.data()) + op.scratch_offset;
    executable.bound_.push_back(std::move(bound));
  }
  executable.bound_version_ = version_;
  executable.bound_number_ = ++bindings_;
  return {};
}

Status Session::run(Executable& executable, const std::map<int, std::vector<std::byte>>& inputs,
                    RunResult& result) {
  const auto start = Clock::now();
  if (Status status = bind(executable); !status.ok()) return status;
  for (const auto& [id, bytes] : inputs) {
    backend_->upload(executable.tensors_[id].data, bytes.data(), static_cast<int64_t>(bytes.size()));
  }
  const Program& program = executable.program_;
  const bool profiling = executable.profiling_, check_finite = executable.check_finite_;
  std::vector<OpTime> times(profiling ? program.ops.size() : 0);
  bool played = false;
  const bool watched = profiling || check_finite;  // op by op, then
  const uint64_t launches = watched ? 0 : executable.bound_number_;
  if (Status status = backend_->begin_run(launches, played); !status.ok()) return status;
  for (size_t i = 0; i < program.ops.size() && !played; i++) {
    if (stopped_) return Status::error("the session was closed during the run");
    const Op& op = program.ops[i];
    const Executable::Bound& bound = executable.bound_[i];
    const auto begin = profiling ? Clock::now() : Clock::time_point();
    const Launch launch{&op,
                        bound.inputs.data(),
                        static_cast<int>(op.inputs.size()),
                        bound.outputs.data(),
                        static_cast<int>(op.outputs.size()),
                        bound.scratch,
                        program.threads,
                        program.independent_rows};
    if (Status status = backend_->launch(launch); !status.ok()) {
      return Status::error(op.title() + " (line " + std::to_string(op.line) + ", " + backend_->name() +
                           "): " + status.message());
    }
    if (profiling) {
      if (Status status = backend_->finish(); !status.ok()) return status;
      times[i] = {1, seconds_since(begin)};
    }
    if (check_finite) {
      if (Status status = check_finite_results(op, bound); !status.ok()) return status;
    }
  }
  if (Status status = backend_->end_run(program); !status.ok()) return status;
  for (const auto& [name, id] : program.outputs) {
    std::vector<std::byte> bytes(static_cast<size_t>(program.values[id].byte_count()));
    backend_->download(bytes.data(), executable.tensors_[id].data, static_cast<int64_t>(bytes.size()));
    result.outputs.push_back(std::move(bytes));
  }
  result.seconds = seconds_since(start);
  if (profiling) {
    const std::lock_guard lock(executable.times_mutex_);
    for (size_t i = 0; i < times.size(); i++) {
      executable.times_[i].calls += times[i].calls;
      executable.times_[i].seconds += times[i].seconds;
    }
  }
  return {};
}

Status Session::check_finite_results(const Op& op, const Executable::Bound& bound) {
  const OpRow& row = row_of(op.kind);
  const auto check = [&](const char* kind, const std::string& name, const Tensor& tensor) {
    if (!tensor || backend_->all_finite(tensor)) return Status();
    return Status::error(op.title() + " (line " + std::to_string(op.line) + "): " + kind + " " + name + " " +
                         tensor.shape.text() + " is not finite");
  };
  for (size_t i = 0; i < op.outputs.size(); i++) {
    if (Status status = check("output", row.outputs[i].name, bound.outputs[i]); !status.ok()) return status;
  }
  for (size_t i = 0; i < row.inputs.size() && i < op.inputs.size(); i++) {
    if (!row.inputs[i].state) continue;
    if (Status status = check("state", row.inputs[i].name, bound.inputs[i]); !status.ok()) return status;
  }
  return {};
}

}  // namespace sluice
