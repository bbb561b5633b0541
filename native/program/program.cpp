#include "program.h"

namespace sluice {

const Attribute& Op::attribute(std::string_view name) const {
  static const Attribute none;
  const OpRow& row = row_of(kind);
  for (size_t i = 0; i < row.attributes.size(); i++) {
    if (row.attributes[i].first == name) return attributes[i];
  }
  return none;
}

std::string Op::title() const { return row_of(kind).name + (scope.empty() ? "" : " \"" + scope + "\""); }

}  // namespace sluice
