#include "safetensors.h"

#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>

namespace sluice::runner {
namespace {

/** Where a tensor's bytes lie, counted from the end of the header. */
struct Entry {
  std::string name;
  StoredTensor tensor;
  int64_t begin = 0, end = 0;
};

/** The JSON that headers are made of: objects of strings, whole numbers and lists of them. Any other is
 * refused. */
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view text) : text_(text) {}

  bool read(std::vector<Entry>& entries, std::map<std::string, std::string>& metadata) {
    return object([&](const std::string& key) {
      if (key == "__metadata__")
        return object([&](const std::string& name) { return string(metadata[name]); });
      entries.push_back({key, {}, 0, 0});
      return object([&](const std::string& field) { return describe(entries.back(), field); });
    });
  }

 private:
  bool describe(Entry& entry, const std::string& field) {
    std::vector<int64_t> numbers;
    if (field == "dtype") {
      std::string name;
      if (!string(name)) return false;
      for (char& letter : name) letter = static_cast<char>(std::tolower(letter));
      return parse_dtype(name, entry.tensor.dtype);
    }
    if (!list(numbers)) return false;
    if (field == "shape" && numbers.size() <= Shape::kMaxRank) {
      for (const int64_t size : numbers) entry.tensor.shape.push(size);
      return true;
    }
    if (field != "data_offsets" || numbers.size() != 2) return false;
    entry.begin = numbers[0], entry.end = numbers[1];
    return true;
  }

  template <typename Member>
  bool object(Member member) {
    if (!take('{')) return false;
    if (take('}')) return true;
    do {
      std::string key;
      if (!string(key) || !take(':') || !member(key)) return false;
    } while (take(','));
    return take('}');
  }

  bool list(std::vector<int64_t>& numbers) {
    if (!take('[')) return false;
    if (take(']')) return true;
    do {
      skip();
      int64_t number = 0;
      const auto read = std::from_chars(text_.data() + at_, text_.data() + text_.size(), number);
      if (read.ec != std::errc() || number < 0) return false;
      at_ = static_cast<std::size_t>(read.ptr - text_.data());
      numbers.push_back(number);
    } while (take(','));
    return take(']');
  }

  bool string(std::string& out) {
    if (!take('"')) return false;
    out.clear();
    for (; at_ < text_.size() && text_[at_] != '"'; at_++) {
      if (text_[at_] == '\\' && (++at_ == text_.size() || !std::strchr("\"\\/", text_[at_]))) return false;
      out += text_[at_];
    }
    return at_++ < text_.size();
  }

  bool take(char wanted) {
    skip();
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    at_++;
    return true;
  }
  void skip() {
    while (at_ < text_.size() && std::strchr(" \t\r\n", text_[at_])) at_++;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Status read_safetensors(const std::string& path, Safetensors& out) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return Status::error(path + " cannot be read");
  const int64_t size = file.tellg();
  file.seekg(0);
  uint64_t header_bytes = 0;
  if (size < 8 || !file.read(reinterpret_cast<char*>(&header_bytes), 8) ||
      header_bytes > static_cast<uint64_t>(size - 8))
    return Status::error(path + " ends before its header does");
  std::string header(header_bytes, '\0');
  file.read(header.data(), static_cast<std::streamsize>(header_bytes));
  std::vector<Entry> entries;
  if (!HeaderReader(header).read(entries, out.metadata))
    return Status::error(path + ": its header is not as expected (F32, BF16, I32, U8)");
  const int64_t data = 8 + static_cast<int64_t>(header_bytes);
  for (Entry& entry : entries) {
    StoredTensor& tensor = entry.tensor;
    const int64_t bytes = tensor.shape.count() * size_of(tensor.dtype);
    if (entry.end - entry.begin != bytes || data + entry.end > size)
      return Status::error(path + ": tensor \"" + entry.name +
                           "\" lies outside the file or has another size");
    tensor.bytes.resize(static_cast<std::size_t>(bytes));
    file.seekg(data + entry.begin);
    file.read(reinterpret_cast<char*>(tensor.bytes.data()), bytes);
    out.tensors.insert_or_assign(entry.name, std::move(tensor));
  }
  return file ? Status() : Status::error(path + " cannot be read to its end");
}

}  // namespace sluice::runner
