// Follows the program once through its arena, so that a planning mistake is an error and not a wrong number.
#include <map>

#include "decode.h"

namespace sluice {
namespace {

struct Range {
  int64_t begin = 0, end = 0;
  bool overlaps(const Range& other) const { return begin < other.end && other.begin < end; }
};

class MemoryCheck {
 public:
  explicit MemoryCheck(const Program& program) : program_(program) {}

  Status run() {
    for (size_t i = 0; i < program_.values.size(); i++) {
      const Value& value = program_.values[i];
      if (value.place != Place::temp) continue;
      if (value.offset < 0 || value.offset % 64 || value.offset + value.byte_count() > program_.arena_bytes) {
        return at(value.line, "value " + std::to_string(i) + " at @" + std::to_string(value.offset) +
                                  " with " + std::to_string(value.byte_count()) +
                                  " bytes does not fit the arena of " + std::to_string(program_.arena_bytes) +
                                  " bytes, 64-byte aligned");
      }
    }
    overwritten_.assign(program_.values.size(), 0);
    written_.assign(program_.values.size(), false);
    for (const Op& op : program_.ops) {
      if (Status status = step(op); !status.ok()) return status;
    }
    for (const auto& [name, id] : program_.outputs) {
      if (const std::string why = unreadable(id); !why.empty()) {
        return Status::error("output \"" + name + "\" " + why);
      }
    }
    return {};
  }

 private:
  Status step(const Op& op) {
    for (int id : op.inputs) {
      if (id < 0) continue;
      if (const std::string why = unreadable(id); !why.empty()) {
        return at(op.line, op.title() + ": input " + std::to_string(id) + " " + why);
      }
    }
    const Range scratch{op.scratch_offset, op.scratch_offset + op.scratch_bytes};
    if (op.scratch_bytes) {
      if (scratch.begin < 0 || scratch.begin % 64 || scratch.end > program_.arena_bytes) {
        return at(op.line, op.title() + ": scratch does not fit the arena");
      }
      if (Status status = clear_of_inputs(op, scratch, -1, "scratch"); !status.ok()) return status;
    }
    std::vector<int> roots;
    for (size_t i = 0; i < op.outputs.size(); i++) {
      if (op.outputs[i] < 0) continue;
      const int root = program_.values[op.outputs[i]].root;
      if (program_.values[root].place != Place::temp) {
        return at(op.line, op.title() + ": output " + std::to_string(op.outputs[i]) + " must be a temp");
      }
      const Range range = range_of(root);
      const bool may_reuse = i == 0 && row_of(op.kind).inplace;
      if (Status status = clear_of_inputs(op, range, may_reuse ? 0 : -1, "output"); !status.ok())
        return status;
      bool clash = scratch.overlaps(range);
      for (int other : roots) clash |= range_of(other).overlaps(range);
      if (clash) return at(op.line, op.title() + ": an output overlaps another output or the scratch");
      roots.push_back(root);
    }
    if (op.scratch_bytes) overwrite(scratch, op.line);
    for (int root : roots) {
      overwrite(range_of(root), op.line);
      live_.emplace(range_of(root).begin, root);
      written_[root] = true;
      overwritten_[root] = 0;
    }
    return {};
  }

  /** `reusable`: the input whose very storage (same start and size) the output may take. */
  Status clear_of_inputs(const Op& op, const Range& range, int reusable, const char* what) {
    for (size_t i = 0; i < op.inputs.size(); i++) {
      if (op.inputs[i] < 0) continue;
      const int root = program_.values[op.inputs[i]].root;
      if (program_.values[root].place != Place::temp) continue;
      const Range input = range_of(root);
      if (!input.overlaps(range)) continue;
      const bool same = input.begin == range.begin && input.end == range.end;
      // input 0 may stand at several places of the list, as in x * x
      if (reusable >= 0 && same && root == program_.values[op.inputs[0]].root) continue;
      return at(op.line, op.title() + ": " + what + " overlaps input " + std::to_string(op.inputs[i]));
    }
    return {};
  }

  void overwrite(const Range& range, int line) {
    for (auto it = live_.begin(); it != live_.end() && it->first < range.end;) {
      if (range_of(it->second).overlaps(range)) {
        overwritten_[it->second] = line;
        it = live_.erase(it);
      } else {
        ++it;
      }
    }
  }

  std::string unreadable(int id) const {
    const int root = program_.values[id].root;
    if (program_.values[root].place != Place::temp) return "";
    if (!written_[root]) return "is read before any op wrote it";
    if (overwritten_[root]) return "was overwritten at line " + std::to_string(overwritten_[root]);
    return "";
  }

  Range range_of(int root) const {
    const Value& value = program_.values[root];
    return {value.offset, value.offset + value.byte_count()};
  }

  static Status at(int line, const std::string& message) {
    return Status::error("line " + std::to_string(line) + ": " + message);
  }

  const Program& program_;
  std::multimap<int64_t, int> live_;  // start of each written, not yet overwritten temp
  std::vector<int> overwritten_;      // line of the op that did it, 0: none
  std::vector<bool> written_;
};

}  // namespace

Status check_memory(const Program& program) { return MemoryCheck(program).run(); }

}  // namespace sluice
