#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace sluice::text {

// What GPT-2's split pattern needs to know of a code point. The ranges come from the caller (the JavaScript
// engine's own Unicode tables), so that no table lives here.
class CharClasses {
 public:
  enum Class : uint8_t { kOther, kLetter, kNumber, kSpace };

  // letters, numbers: flat inclusive ranges [first, last, first, last, ...] of code points.
  CharClasses(const std::vector<uint32_t>& letters, const std::vector<uint32_t>& numbers);

  Class of(uint32_t code_point) const {
    return code_point < classes_.size() ? static_cast<Class>(classes_[code_point]) : kOther;
  }

 private:
  std::vector<uint8_t> classes_;  // one per code point below U+110000
};

// Calls `emit(piece)` for each match of GPT-2's pattern, which cover `text` (valid UTF-8) without gaps:
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
template <typename Emit>
void split_words(std::string_view text, const CharClasses& classes, Emit emit);

// One code point of valid UTF-8 at text[at], and its length in bytes.
struct CodePoint {
  uint32_t value;
  uint32_t bytes;
};

inline CodePoint decode_utf8(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) -> uint32_t {
    return at + i < text.size() ? static_cast<uint8_t>(text[at + i]) : 0;
  };
  const uint32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  if (first < 0xE0) return {(first & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (first < 0xF0) return {(first & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  return {(first & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F), 4};
}

// Bytes of the contraction at text[at] ('s 't 're 've 'm 'll 'd), or 0.
size_t contraction_length(std::string_view text, size_t at);

template <typename Emit>
void split_words(std::string_view text, const CharClasses& classes, Emit emit) {
  size_t at = 0;
  while (at < text.size()) {
    if (const size_t length = contraction_length(text, at)) {
      emit(text.substr(at, length));
      at += length;
      continue;
    }
    // A run of one class, with one leading U+0020 if there is one.
    size_t end = at;
    CodePoint point = decode_utf8(text, end);
    if (point.value == ' ' && at + 1 < text.size()) {
      const CodePoint next = decode_utf8(text, at + 1);
      if (classes.of(next.value) != CharClasses::kSpace) {
        end += 1;
        point = next;
      }
    }
    const CharClasses::Class run = classes.of(point.value);
    size_t last = end;  // start of the run's last code point
    while (end < text.size()) {
      point = decode_utf8(text, end);
      if (classes.of(point.value) != run) break;
      last = end;
      end += point.bytes;
    }
    if (end > text.size()) end = text.size();
    // White space before a word leaves its last character to that word, when it has more than one.
    if (run == CharClasses::kSpace && end < text.size() && last > at) end = last;
    emit(text.substr(at, end - at));
    at = end;
  }
}

}  // namespace sluice::text
