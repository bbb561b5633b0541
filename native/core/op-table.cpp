#include "op-table.h"

#include <sstream>
#include <unordered_map>

namespace sluice {
namespace {

std::vector<std::string> words(const char* text) {
  std::istringstream stream(text);
  std::vector<std::string> list;
  for (std::string word; stream >> word;) list.push_back(word);
  return list;
}

std::vector<OpSlot> slots(const char* text) {
  std::vector<OpSlot> list;
  for (std::string& word : words(text)) {
    OpSlot slot;
    const char mark = word.back();
    slot.optional = mark == '?';
    slot.variadic = mark == '*';
    slot.state = mark == '!';
    if (slot.optional || slot.variadic || slot.state) word.pop_back();
    slot.name = word;
    list.push_back(std::move(slot));
  }
  return list;
}

AttributeType attribute_type(const std::string& name) {
  if (name == "int") return AttributeType::integer;
  if (name == "float") return AttributeType::real;
  if (name == "bool") return AttributeType::boolean;
  if (name == "ints") return AttributeType::integers;
  if (name == "floats") return AttributeType::reals;
  return AttributeType::text;
}

OpRow parse_row(const char* name, const char* inputs, const char* outputs, const char* attributes,
                const char* traits) {
  OpRow row;
  row.name = name;
  row.inputs = slots(inputs);
  row.outputs = slots(outputs);
  for (const std::string& word : words(attributes)) {
    const size_t colon = word.find(':');
    row.attributes.emplace_back(word.substr(0, colon), attribute_type(word.substr(colon + 1)));
  }
  for (const std::string& trait : words(traits)) {
    row.inplace |= trait == "inplace";
    row.effect |= trait == "effect";
    row.random |= trait == "random";
  }
  return row;
}

}  // namespace

const std::vector<OpRow>& op_table() {
  static const std::vector<OpRow> rows = {
#define OP(name, inputs, outputs, attributes, traits) parse_row(#name, inputs, outputs, attributes, traits),
#include "ops.def"
#undef OP
  };
  return rows;
}

int find_op(std::string_view name) {
  static const auto* index = [] {
    auto* map = new std::unordered_map<std::string_view, int>;
    for (size_t i = 0; i < op_table().size(); i++) (*map)[op_table()[i].name] = static_cast<int>(i);
    return map;
  }();
  const auto found = index->find(name);
  return found == index->end() ? -1 : found->second;
}

}  // namespace sluice
