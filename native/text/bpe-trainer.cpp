#include "bpe-trainer.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <queue>
#include <system_error>
#include <thread>
#include <unordered_map>

namespace sluice::text {

namespace {

using Pair = uint64_t;  // left id in the high half: comparing pairs compares left first
using WordCounts = std::unordered_map<std::string_view, uint64_t>;

Pair make_pair_key(uint32_t left, uint32_t right) { return static_cast<Pair>(left) << 32 | right; }

// Distinct words as symbol ids, all in one array; merging shortens a word in place.
struct Words {
  std::vector<uint32_t> symbols;
  std::vector<size_t> start;
  std::vector<uint32_t> length;
  std::vector<int64_t> count;
};

struct Candidate {
  int64_t count;  // as it was when queued; checked against the current count when popped
  Pair pair;
  uint32_t positions;  // which position list
  bool operator<(const Candidate& other) const {
    return count != other.count ? count < other.count : pair > other.pair;
  }
};

class Trainer {
 public:
  Trainer(const CharClasses& classes, const BpeOptions& options) : classes_(classes), options_(options) {}

  BpeResult train(const std::vector<std::string>& texts) {
    add_initial_vocabulary();
    set_words(count_words(texts));
    count_pairs();
    while (result_.vocab.size() < options_.vocab_size && merge_best()) {
    }
    drop_repeated_merges();
    return std::move(result_);
  }

 private:
  void add_initial_vocabulary() {
    for (const std::string& token : options_.special_tokens) token_id(token);
    // GPT-2's alphabet: printable Latin-1 bytes stand for themselves, the others for U+0100 upwards. Ordered
    // by character, the former come first.
    const auto printable = [](int b) {
      return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
    };
    for (int b = 0; b < 256; ++b) {
      if (printable(b)) byte_id_[b] = token_id(utf8(static_cast<uint32_t>(b)));
    }
    uint32_t next = 0x100;
    for (int b = 0; b < 256; ++b) {
      if (!printable(b)) byte_id_[b] = token_id(utf8(next++));
    }
  }

  static std::string utf8(uint32_t point) {  // below U+0800
    if (point < 0x80) return std::string(1, static_cast<char>(point));
    return {static_cast<char>(0xC0 | point >> 6), static_cast<char>(0x80 | (point & 0x3F))};
  }

  uint32_t token_id(const std::string& token) {
    const auto [entry, added] = id_of_.try_emplace(token, static_cast<uint32_t>(result_.vocab.size()));
    if (added) result_.vocab.push_back(token);
    return entry->second;
  }

  // Each thread takes the next text and counts into a map of its own; sums do not depend on who counted. A
  // thread that cannot be started is done without; an exception on one is thrown again here.
  WordCounts count_words(const std::vector<std::string>& texts) const {
    const size_t threads = std::max(1, options_.threads);
    std::vector<WordCounts> counts(threads);
    std::vector<std::exception_ptr> failures(threads);
    std::atomic<size_t> next{0};
    const auto work = [&](size_t thread) noexcept {
      try {
        for (size_t i; (i = next.fetch_add(1)) < texts.size();) {
          split_words(texts[i], classes_, [&](std::string_view word) { ++counts[thread][word]; });
        }
      } catch (...) {
        failures[thread] = std::current_exception();
      }
    };
    std::vector<std::thread> others;
    others.reserve(threads);
    try {
      for (size_t thread = 1; thread < threads; ++thread) others.emplace_back(work, thread);
    } catch (const std::system_error&) {
    }
    work(0);
    for (std::thread& thread : others) thread.join();
    for (const std::exception_ptr& failure : failures) {
      if (failure) std::rethrow_exception(failure);
    }
    for (size_t thread = 1; thread < threads; ++thread) {
      for (const auto& [word, count] : counts[thread]) counts[0][word] += count;
    }
    return std::move(counts[0]);
  }

  void set_words(const WordCounts& counts) {
    for (const auto& [word, count] : counts) {
      words_.start.push_back(words_.symbols.size());
      words_.length.push_back(static_cast<uint32_t>(word.size()));
      words_.count.push_back(static_cast<int64_t>(count));
      for (const char c : word) words_.symbols.push_back(byte_id_[static_cast<uint8_t>(c)]);
    }
  }

  void count_pairs() {
    for (uint32_t word = 0; word < words_.start.size(); ++word) {
      const uint32_t* symbols = &words_.symbols[words_.start[word]];
      for (uint32_t i = 0; i + 1 < words_.length[word]; ++i) {
        change_count(make_pair_key(symbols[i], symbols[i + 1]), +1, word);
      }
    }
    queue_changed();
  }

  // Adds `sign` times the word's count to the pair; an increase also notes the word as a place of the pair.
  void change_count(Pair pair, int sign, uint32_t word) {
    pair_count_[pair] += sign * words_.count[word];
    if (sign < 0) return;
    std::vector<uint32_t>& places = changed_[pair];
    if (places.empty() || places.back() != word) places.push_back(word);
  }

  void queue_changed() {
    for (auto& [pair, places] : changed_) {
      const int64_t count = pair_count_[pair];
      if (count <= 0) continue;
      positions_.push_back(std::move(places));
      queue_.push({count, pair, static_cast<uint32_t>(positions_.size() - 1)});
    }
    changed_.clear();
  }

  // Counts in the queue only ever lag behind: an outdated candidate goes back with its current count.
  bool merge_best() {
    while (!queue_.empty()) {
      Candidate top = queue_.top();
      queue_.pop();
      const int64_t count = pair_count_[top.pair];
      if (top.count != count) {
        top.count = count;
        queue_.push(top);
        continue;
      }
      if (count < 1 || static_cast<uint64_t>(count) < options_.min_frequency) return false;
      merge(top);
      return true;
    }
    return false;
  }

  void merge(const Candidate& best) {
    const uint32_t left = static_cast<uint32_t>(best.pair >> 32);
    const uint32_t right = static_cast<uint32_t>(best.pair);
    const uint32_t merged = token_id(result_.vocab[left] + result_.vocab[right]);
    result_.merges.emplace_back(left, right);
    const std::vector<uint32_t> places = std::move(positions_[best.positions]);
    for (const uint32_t word : places) merge_in_word(word, left, right, merged);
    queue_changed();
  }

  // Left to right; each replacement moves the counts of the pairs on both its sides. The pair itself keeps
  // its count: it is no longer in the queue.
  void merge_in_word(uint32_t word, uint32_t left, uint32_t right, uint32_t merged) {
    uint32_t* symbols = &words_.symbols[words_.start[word]];
    const uint32_t length = words_.length[word];
    uint32_t write = 0;
    for (uint32_t read = 0; read < length; ++write) {
      if (symbols[read] != left || read + 1 >= length || symbols[read + 1] != right) {
        symbols[write] = symbols[read++];
        continue;
      }
      if (write > 0) {
        change_count(make_pair_key(symbols[write - 1], left), -1, word);
        change_count(make_pair_key(symbols[write - 1], merged), +1, word);
      }
      read += 2;
      if (read < length) {
        change_count(make_pair_key(right, symbols[read]), -1, word);
        change_count(make_pair_key(merged, symbols[read]), +1, word);
      }
      symbols[write] = merged;
    }
    words_.length[word] = write;
  }

  // A pair merged again (its places were queued in two parts) keeps its last rank, as in the reference.
  void drop_repeated_merges() {
    std::unordered_map<Pair, size_t> last;
    for (size_t i = 0; i < result_.merges.size(); ++i) {
      last[make_pair_key(result_.merges[i].first, result_.merges[i].second)] = i;
    }
    size_t kept = 0;
    for (size_t i = 0; i < result_.merges.size(); ++i) {
      const auto merge = result_.merges[i];
      if (last[make_pair_key(merge.first, merge.second)] == i) result_.merges[kept++] = merge;
    }
    result_.merges.resize(kept);
  }

  const CharClasses& classes_;
  const BpeOptions& options_;
  BpeResult result_;
  std::unordered_map<std::string, uint32_t> id_of_;
  std::array<uint32_t, 256> byte_id_{};
  Words words_;
  std::unordered_map<Pair, int64_t> pair_count_;
  std::unordered_map<Pair, std::vector<uint32_t>> changed_;
  std::vector<std::vector<uint32_t>> positions_;
  std::priority_queue<Candidate> queue_;
};

}  // namespace

BpeResult train_bpe(const std::vector<std::string>& texts, const CharClasses& classes,
                    const BpeOptions& options) {
  return Trainer(classes, options).train(texts);
}

}  // namespace sluice::text
