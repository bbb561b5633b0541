#include "pretokenizer.h"

#include <algorithm>

namespace sluice::text {

namespace {

constexpr uint32_t kCodePoints = 0x110000;

// Unicode White_Space, the regex engine's \s.
constexpr uint32_t kSpaces[][2] = {{0x09, 0x0D},     {0x20, 0x20},     {0x85, 0x85},     {0xA0, 0xA0},
                                   {0x1680, 0x1680}, {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F},
                                   {0x205F, 0x205F}, {0x3000, 0x3000}};

}  // namespace

CharClasses::CharClasses(const std::vector<uint32_t>& letters, const std::vector<uint32_t>& numbers)
    : classes_(kCodePoints, kOther) {
  const auto fill = [&](uint32_t first, uint32_t last, Class value) {
    for (uint32_t point = first; point <= std::min(last, kCodePoints - 1); ++point) classes_[point] = value;
  };
  for (size_t i = 0; i + 1 < letters.size(); i += 2) fill(letters[i], letters[i + 1], kLetter);
  for (size_t i = 0; i + 1 < numbers.size(); i += 2) fill(numbers[i], numbers[i + 1], kNumber);
  for (const auto& range : kSpaces) fill(range[0], range[1], kSpace);
}

size_t contraction_length(std::string_view text, size_t at) {
  if (text[at] != '\'' || at + 1 >= text.size()) return 0;
  const char first = text[at + 1];
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  if (at + 2 >= text.size()) return 0;
  const char second = text[at + 2];
  const bool two =
      (first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l');
  return two ? 3 : 0;
}

}  // namespace sluice::text
