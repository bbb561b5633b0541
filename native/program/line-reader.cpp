#include "line-reader.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

namespace sluice {

bool LineReader::at_end() {
  skip_spaces();
  return at_ >= line_.size();
}

bool LineReader::take(std::string_view text) {
  skip_spaces();
  if (line_.substr(at_, text.size()) != text) return false;
  at_ += text.size();
  return true;
}

void LineReader::expect(std::string_view text) {
  if (!take(text)) fail("expected '" + std::string(text) + "'");
}

std::string LineReader::word() {
  skip_spaces();
  const size_t start = at_;
  while (at_ < line_.size() && (std::isalnum(static_cast<unsigned char>(line_[at_])) || line_[at_] == '_'))
    at_++;
  if (at_ == start) fail("expected a word");
  return std::string(line_.substr(start, at_ - start));
}

std::string_view LineReader::number_text() {
  skip_spaces();
  const size_t start = at_;
  while (at_ < line_.size() && (std::isalnum(static_cast<unsigned char>(line_[at_])) || line_[at_] == '+' ||
                                line_[at_] == '-' || line_[at_] == '.')) {
    at_++;
  }
  return line_.substr(start, at_ - start);
}

int64_t LineReader::integer() {
  skip_spaces();
  int64_t value = 0;
  const char* begin = line_.data() + at_;
  const auto [end, code] = std::from_chars(begin, line_.data() + line_.size(), value);
  if (code != std::errc()) {
    fail("expected a whole number");
    return 0;
  }
  at_ += static_cast<size_t>(end - begin);
  return value;
}

double LineReader::real() {
  std::string text(number_text());
  if (text == "Infinity" || text == "-Infinity") text = text[0] == '-' ? "-inf" : "inf";
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end) fail("expected a number, not '" + text + "'");
  return value;
}

/** Escapes are kept as the character they stand for; \u of the basic plane becomes UTF-8. */
std::string LineReader::quoted() {
  std::string out;
  expect("\"");
  if (failed()) return out;
  while (at_ < line_.size() && line_[at_] != '"') {
    char c = line_[at_++];
    if (c == '\\' && at_ < line_.size()) {
      c = line_[at_++];
      if (c == 'n') c = '\n';
      if (c == 't') c = '\t';
      if (c == 'r') c = '\r';
      if (c == 'b') c = '\b';
      if (c == 'f') c = '\f';
      if (c == 'u' && at_ + 4 <= line_.size()) {
        const unsigned code = std::strtoul(std::string(line_.substr(at_, 4)).c_str(), nullptr, 16);
        at_ += 4;
        if (code >= 0x800) out += static_cast<char>(0xE0 | code >> 12);
        if (code >= 0x800) out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
        if (code >= 0x80 && code < 0x800) out += static_cast<char>(0xC0 | code >> 6);
        c = static_cast<char>(code >= 0x80 ? 0x80 | (code & 0x3F) : code);
      }
    }
    out += c;
  }
  if (at_ >= line_.size())
    fail("a string without its closing quote");
  else
    at_++;
  return out;
}

Shape LineReader::shape() {
  Shape shape;
  int64_t count = 1;
  for (int64_t dim : integers()) {
    if (shape.rank == Shape::kMaxRank) return fail("a shape has at most 8 dimensions"), shape;
    if (dim < 0) return fail("a dimension is negative"), shape;
    if (__builtin_mul_overflow(count, dim, &count) || count > int64_t{1} << 40) {
      return fail("a shape with more than 2^40 elements"), shape;
    }
    shape.push(dim);
  }
  return shape;
}

DType LineReader::dtype() {
  const std::string text = word();
  DType dtype = DType::f32;
  if (!failed() && !parse_dtype(text, dtype)) fail("unknown dtype '" + text + "' (f32, bf16, i32, u8)");
  return dtype;
}

std::vector<int64_t> LineReader::integers() {
  std::vector<int64_t> list;
  expect("[");
  if (failed() || take("]")) return list;
  do list.push_back(integer());
  while (!failed() && take(","));
  expect("]");
  return list;
}

std::vector<double> LineReader::reals() {
  std::vector<double> list;
  expect("[");
  if (failed() || take("]")) return list;
  do list.push_back(real());
  while (!failed() && take(","));
  expect("]");
  return list;
}

void LineReader::fail(std::string message) {
  if (!failed()) error_ = std::move(message) + " at column " + std::to_string(at_ + 1);
}

void LineReader::skip_spaces() {
  while (at_ < line_.size() && (line_[at_] == ' ' || line_[at_] == '\t' || line_[at_] == '\r')) at_++;
}

}  // namespace sluice
