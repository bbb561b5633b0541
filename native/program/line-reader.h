// Reads the words of one line of a program's text form; remembers the first thing that does not fit.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "../core/dtype.h"

namespace sluice {

class LineReader {
 public:
  explicit LineReader(std::string_view line) : line_(line) {}

  bool at_end();
  /** Skips spaces and takes `text` if it stands next. */
  bool take(std::string_view text);
  void expect(std::string_view text);
  std::string word();    // letters, digits, `_`
  int64_t integer();     // decimal
  double real();         // shortest round-trip text, also inf, -inf, nan
  std::string quoted();  // JSON string
  Shape shape();         // [8,512]
  DType dtype();
  std::vector<int64_t> integers();  // [0,1]
  std::vector<double> reals();

  bool failed() const { return !error_.empty(); }
  const std::string& error() const { return error_; }
  void fail(std::string message);

 private:
  void skip_spaces();
  std::string_view number_text();

  std::string_view line_;
  size_t at_ = 0;
  std::string error_;
};

}  // namespace sluice
