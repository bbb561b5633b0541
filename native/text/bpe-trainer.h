#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pretokenizer.h"

namespace sluice::text {

struct BpeOptions {
  uint32_t vocab_size = 0;                  // special tokens and the 256 bytes included
  uint64_t min_frequency = 0;               // a pair seen less often is never merged
  std::vector<std::string> special_tokens;  // take the first ids, in this order
  int threads = 1;                          // for counting; the result does not depend on it
};

struct BpeResult {
  std::vector<std::string> vocab;                     // by id, in GPT-2's byte-to-character alphabet (UTF-8)
  std::vector<std::pair<uint32_t, uint32_t>> merges;  // ids, best rank first
};

// Learns byte-level byte-pair merges from `texts` (valid UTF-8).
//
// The order of merges is that of Hugging Face's BpeTrainer with the byte-level alphabet: highest count first,
// then the smaller left id, then the smaller right id; ids are special tokens, the 256 bytes ordered by their
// character, then merges as they come. A token that two different merges spell gets one id.
BpeResult train_bpe(const std::vector<std::string>& texts, const CharClasses& classes,
                    const BpeOptions& options);

}  // namespace sluice::text
