#include "decode.h"

#include <cstring>
#include <unordered_set>

#include "line-reader.h"

namespace sluice {
namespace {

class Decoder {
 public:
  explicit Decoder(Program& program) : program_(program) {}

  Status decode(std::string_view text) {
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find('\n', at), text.size());
      number_++;
      if (const Status status = line(text.substr(at, end - at)); !status.ok()) return status;
      at = end + 1;
    }
    if (stage_ < Stage::values) return Status::error("not a program: it must begin with 'sluice-program 1'");
    for (const Op& op : program_.ops) {
      if (Status status = check_op(program_, op); !status.ok()) return status;
    }
    return check_memory(program_);
  }

 private:
  enum class Stage { magic, threads, arena, rows, values, outputs, ops };

  Status line(std::string_view text) {
    LineReader reader(text);
    if (reader.at_end() || reader.take("#")) return {};
    const std::string keyword = reader.take("sluice-program") ? "sluice-program" : reader.word();
    const Stage stage = keyword == "sluice-program" ? Stage::magic
                        : keyword == "threads"      ? Stage::threads
                        : keyword == "arena"        ? Stage::arena
                        : keyword == "rows"         ? Stage::rows
                        : keyword == "value"        ? Stage::values
                        : keyword == "output"       ? Stage::outputs
                        : keyword == "op"           ? Stage::ops
                                                    : static_cast<Stage>(-1);
    if (static_cast<int>(stage) < 0) return at_line("unknown line '" + keyword + "'");
    const int from = started_ ? static_cast<int>(stage_) : -1;
    const int to = static_cast<int>(stage);
    // magic, threads and arena stand once each, in order; rows may follow, and the lists may be empty
    if (to < from || (to == from && to <= 3) || (from < 2 && to != from + 1)) {
      return at_line("'" + keyword + "' does not belong here");
    }
    started_ = true;
    stage_ = stage;
    switch (stage) {
      case Stage::magic:
        if (reader.integer() != 1) reader.fail("only version 1 is known");
        break;
      case Stage::threads:
        program_.threads = static_cast<int>(reader.integer());
        if (program_.threads < 1 || program_.threads > 1024) reader.fail("threads must lie in 1 .. 1024");
        break;
      case Stage::arena:
        program_.arena_bytes = reader.integer();
        if (program_.arena_bytes < 0 || program_.arena_bytes > int64_t{1} << 44)
          reader.fail("a strange arena size");
        break;
      case Stage::rows:
        if (reader.word() != "independent") reader.fail("rows can only be independent");
        program_.independent_rows = true;
        break;
      case Stage::values:
        value(reader);
        break;
      case Stage::outputs: {
        std::string name = reader.quoted();
        if (!output_names_.insert(name).second) reader.fail("output \"" + name + "\" stands twice");
        program_.outputs.emplace_back(std::move(name), value_id(reader));
        break;
      }
      case Stage::ops:
        return op(reader);
    }
    return finish(reader, "");
  }

  void value(LineReader& reader) {
    Value value;
    value.line = number_;
    const int64_t id = reader.integer();
    if (reader.failed()) return;
    if (id != static_cast<int64_t>(program_.values.size())) {
      return reader.fail("value " + std::to_string(id) + " where " + std::to_string(program_.values.size()) +
                         " must come");
    }
    value.root = static_cast<int>(id);
    const std::string place = reader.word();
    if (place == "state" || place == "input") {
      value.place = place == "state" ? Place::state : Place::input;
      value.name = reader.quoted();
      if (!names_.insert(place + value.name).second)
        reader.fail(place + " \"" + value.name + "\" stands twice");
    } else if (place == "temp") {
      reader.expect("@");
      value.offset = reader.integer();
    } else if (place == "alias") {
      value.place = Place::alias;
      const int64_t target = reader.integer();
      if (target < 0 || target >= id) return reader.fail("alias of a value that does not stand above it");
      value.root = program_.values[target].root;
    } else if (place == "const") {
      value.place = Place::constant;
    } else {
      return reader.fail("unknown kind of value '" + place + "'");
    }
    value.dtype = reader.dtype();
    value.shape = reader.shape();
    if (reader.failed()) return;
    if (value.place == Place::constant) constant(reader, value);
    if (value.place == Place::alias) {
      const Value& root = program_.values[value.root];
      if (root.place == Place::constant) return reader.fail("alias of a constant");
      if (root.byte_count() != value.byte_count() || root.dtype != value.dtype) {
        return reader.fail(std::string("alias ") + name_of(value.dtype) + value.shape.text() + " of " +
                           name_of(root.dtype) + root.shape.text() + ": sizes differ");
      }
    }
    if (!reader.failed()) program_.values.push_back(std::move(value));
  }

  void constant(LineReader& reader, Value& value) {
    const int64_t count = value.shape.count();
    if (value.dtype != DType::f32 && value.dtype != DType::i32)
      return reader.fail("a constant is f32 or i32");
    if (count > 1 << 20) return reader.fail("a constant has at most 2^20 elements");
    value.bytes.resize(static_cast<size_t>(count) * 4);
    for (int64_t i = 0; i < count && !reader.failed(); i++) {
      if (value.dtype == DType::f32) {
        const float number = static_cast<float>(reader.real());
        std::memcpy(&value.bytes[i * 4], &number, 4);
      } else {
        const int32_t number = static_cast<int32_t>(reader.integer());
        std::memcpy(&value.bytes[i * 4], &number, 4);
      }
    }
  }

  Status op(LineReader& reader) {
    const std::string name = reader.word();
    const int kind = find_op(name);
    if (kind < 0) return at_line("unknown op '" + name + "'");
    Op op;
    op.kind = static_cast<OpKind>(kind);
    op.line = number_;
    const OpRow& row = row_of(op.kind);
    op.inputs = ids(reader);
    reader.expect("->");
    op.outputs = ids(reader);
    attributes(reader, row, op);
    if (reader.take("scratch")) {
      reader.expect("@");
      op.scratch_offset = reader.integer();
      reader.expect("+");
      op.scratch_bytes = reader.integer();
    }
    if (!reader.at_end()) op.scope = reader.quoted();
    if (Status status = finish(reader, name + ": "); !status.ok()) return status;
    if (Status status = arity(op.inputs, row.inputs, "inputs", op); !status.ok()) return status;
    if (Status status = arity(op.outputs, row.outputs, "outputs", op); !status.ok()) return status;
    program_.ops.push_back(std::move(op));
    return {};
  }

  std::vector<int> ids(LineReader& reader) {
    std::vector<int> list;
    reader.expect("(");
    if (reader.failed() || reader.take(")")) return list;
    do list.push_back(reader.take("_") ? -1 : value_id(reader));
    while (!reader.failed() && reader.take(","));
    reader.expect(")");
    return list;
  }

  int value_id(LineReader& reader) {
    const int64_t id = reader.integer();
    if (reader.failed()) return 0;
    if (id >= 0 && id < static_cast<int64_t>(program_.values.size())) return static_cast<int>(id);
    reader.fail("there is no value " + std::to_string(id));
    return 0;
  }

  void attributes(LineReader& reader, const OpRow& row, Op& op) {
    op.attributes.resize(row.attributes.size());
    std::vector<bool> given(row.attributes.size());
    reader.expect("{");
    while (!reader.failed() && !reader.take("}")) {
      const std::string name = reader.word();
      size_t i = 0;
      while (i < row.attributes.size() && row.attributes[i].first != name) i++;
      if (i == row.attributes.size()) return reader.fail("unknown attribute '" + name + "'");
      if (given[i]) return reader.fail("attribute '" + name + "' stands twice");
      given[i] = true;
      reader.expect("=");
      read_attribute(reader, row.attributes[i].second, op.attributes[i]);
    }
    for (size_t i = 0; i < given.size(); i++) {
      if (!given[i]) return reader.fail("attribute '" + row.attributes[i].first + "' is missing");
    }
  }

  static void read_attribute(LineReader& reader, AttributeType type, Attribute& attribute) {
    switch (type) {
      case AttributeType::integer:
        attribute.integer = reader.integer();
        break;
      case AttributeType::boolean:
        attribute.integer = reader.integer();
        if (attribute.integer != 0 && attribute.integer != 1) reader.fail("a bool is 0 or 1");
        break;
      case AttributeType::real:
        attribute.real = reader.real();
        break;
      case AttributeType::integers:
        attribute.integers = reader.integers();
        break;
      case AttributeType::reals:
        attribute.reals = reader.reals();
        break;
      case AttributeType::text:
        attribute.text = reader.quoted();
        break;
    }
  }

  Status arity(const std::vector<int>& ids, const std::vector<OpSlot>& slots, const char* what,
               const Op& op) {
    const bool variadic = !slots.empty() && slots.back().variadic;
    const size_t least = slots.size() - (variadic ? 1 : 0);
    if (ids.size() < least || (!variadic && ids.size() > least)) {
      return at_line(op.title() + ": " + std::to_string(ids.size()) + " " + what + ", expected " +
                     (variadic ? "at least " : "") + std::to_string(least));
    }
    for (size_t i = 0; i < ids.size(); i++) {
      const OpSlot& slot = slots[std::min(i, slots.size() - 1)];
      if (ids[i] < 0 && !slot.optional) return at_line(op.title() + ": " + slot.name + " may not be absent");
      if (slot.state && program_.root(ids[i]).place != Place::state) {
        return at_line(op.title() + ": " + slot.name + " is changed in place and must be a state");
      }
    }
    return {};
  }

  Status finish(LineReader& reader, const std::string& title) {
    if (!reader.failed() && !reader.at_end()) reader.fail("unexpected text");
    return reader.failed() ? at_line(title + reader.error()) : Status();
  }

  Status at_line(const std::string& message) const {
    return Status::error("line " + std::to_string(number_) + ": " + message);
  }

  Program& program_;
  Stage stage_ = Stage::magic;
  bool started_ = false;
  int number_ = 0;
  std::unordered_set<std::string> names_, output_names_;
};

}  // namespace

Status decode(std::string_view text, Program& program) { return Decoder(program).decode(text); }

}  // namespace sluice
