#include "read-weights.h"

#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <new>
#include <thread>

#include "quantize-rows.h"
#include "stored-floats.h"

namespace sluice {
namespace {

constexpr int64_t kPiece = int64_t{1} << 18;  // elements read at a time

/** Rows [row, row + rows) of one part of a weight: what a thread takes at a time. */
struct Piece {
  const FileWeight* weight;
  const StoredTensor* part;
  int64_t first;      // row of the whole weight
  int64_t row, rows;  // of the part
};

Status read_bytes(const StoredTensor& part, int64_t offset, void* to, int64_t bytes) {
  for (int64_t done = 0; done < bytes;) {
    const int64_t at = part.start + offset + done;
    const ssize_t count =
        pread(part.descriptor, static_cast<char*>(to) + done, static_cast<size_t>(bytes - done), at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Status::error(part.file + " cannot be read: " + std::strerror(errno));
    if (count == 0) {
      return Status::error(part.file + ": the file ends at byte " + std::to_string(at) +
                           " while it is being read");
    }
    done += count;
  }
  return {};
}

/** A part of a state to write into: the state itself where its memory is the host's, else beside it. */
class Target {
 public:
  Target(Session& session, const std::string& state, int64_t offset, int64_t bytes,
         std::vector<std::byte>& beside)
      : session_(session), state_(*session.state(state)), offset_(offset), bytes_(bytes) {
    std::byte* host = session.host_memory(state_);
    if (!host) beside.resize(static_cast<size_t>(bytes));
    is_host_ = host != nullptr;
    data_ = host ? host + offset : beside.data();
  }
  template <typename T>
  T* as() const {
    return reinterpret_cast<T*>(data_);
  }
  void close() const {
    if (!is_host_) session_.write_state(state_, offset_, data_, bytes_);
  }

 private:
  Session& session_;
  const State& state_;
  int64_t offset_, bytes_;
  bool is_host_;
  std::byte* data_;
};

/** One thread's buffers, as large as its largest piece. */
class Reader {
 public:
  explicit Reader(Session& session) : session_(session) {}

  Status read(const Piece& piece) {
    const FileWeight& weight = *piece.weight;
    const int64_t count = piece.rows * weight.columns;
    const int64_t size = size_of(piece.part->type), offset = piece.row * weight.columns * size;
    if (is_held_as_stored(weight.held, piece.part->type)) {
      const Target target(session_, weight.state, piece.first * weight.columns * size, count * size, beside_);
      if (Status status = read_bytes(*piece.part, offset, target.as<void>(), count * size); !status.ok())
        return status;
      target.close();
      return {};
    }
    stored_.resize(static_cast<size_t>(count * size));
    if (Status status = read_bytes(*piece.part, offset, stored_.data(), count * size); !status.ok())
      return status;
    if (weight.held == HeldAs::f32) {
      const Target target(session_, weight.state, piece.first * weight.columns * 4, count * 4, beside_);
      to_f32(piece.part->type, stored_.data(), target.as<float>(), count);
      target.close();
      return {};
    }
    values_.resize(static_cast<size_t>(count));
    to_f32(piece.part->type, stored_.data(), values_.data(), count);
    if (weight.held == HeldAs::bf16) {
      const Target target(session_, weight.state, piece.first * weight.columns * 2, count * 2, beside_);
      to_bf16(values_.data(), target.as<uint16_t>(), count);
      target.close();
    } else {
      quantize(weight, piece);
    }
    return {};
  }

 private:
  static bool is_held_as_stored(HeldAs held, StoredType type) {
    return (held == HeldAs::f32 && type == StoredType::f32) ||
           (held == HeldAs::bf16 && type == StoredType::bf16);
  }

  void quantize(const FileWeight& weight, const Piece& piece) {
    if (weight.transposed) transpose(weight.columns, piece.rows);
    const QuantizedLayout layout(weight.held == HeldAs::int8, weight.columns);
    const int64_t bytes = piece.rows * layout.code_bytes, scales = piece.rows * layout.scales;
    const Target codes(session_, weight.state, piece.first * layout.code_bytes, bytes, beside_);
    const Target factors(session_, weight.scales, piece.first * layout.scales * 4, scales * 4,
                         beside_scales_);
    std::memset(codes.as<void>(), layout.zero, static_cast<size_t>(bytes));
    std::memset(factors.as<void>(), 0, static_cast<size_t>(scales) * 4);
    quantize_rows(layout, values_.data(), piece.rows, codes.as<uint8_t>(), factors.as<float>());
    codes.close();
    factors.close();
  }

  /** values [from, to] -> [to, from] */
  void transpose(int64_t from, int64_t to) {
    std::vector<float> turned(values_.size());
    for (int64_t i = 0; i < from; i++) {
      for (int64_t j = 0; j < to; j++)
        turned[static_cast<size_t>(j * from + i)] = values_[static_cast<size_t>(i * to + j)];
    }
    values_.swap(turned);
  }

  Session& session_;
  std::vector<std::byte> stored_, beside_, beside_scales_;
  std::vector<float> values_;
};

Status check_state(const Session& session, const std::string& name, int64_t bytes) {
  const State* state = session.state(name);
  if (state && state->bytes() == bytes) return {};
  return Status::error("state \"" + name + "\" does not have the " + std::to_string(bytes) +
                       " bytes of its weight");
}

Status check(const Session& session, const FileWeight& weight) {
  if (weight.parts.empty() || weight.rows % static_cast<int64_t>(weight.parts.size()) != 0) {
    return Status::error("state \"" + weight.state + "\": parts of unlike size");
  }
  const int64_t count = weight.rows * weight.columns;
  if (weight.held == HeldAs::f32) return check_state(session, weight.state, count * 4);
  if (weight.held == HeldAs::bf16) return check_state(session, weight.state, count * 2);
  const QuantizedLayout layout(weight.held == HeldAs::int8, weight.columns);
  if (Status status = check_state(session, weight.state, weight.rows * layout.code_bytes); !status.ok())
    return status;
  return check_state(session, weight.scales, weight.rows * layout.scales * 4);
}

std::vector<Piece> cut(const std::vector<FileWeight>& weights) {
  std::vector<Piece> pieces;
  for (const FileWeight& weight : weights) {
    const int64_t each = weight.rows / static_cast<int64_t>(weight.parts.size());
    // a transposed part is turned as a whole
    const int64_t most =
        weight.transposed ? each : std::max<int64_t>(1, kPiece / std::max<int64_t>(1, weight.columns));
    for (size_t part = 0; part < weight.parts.size(); part++) {
      for (int64_t row = 0; row < each; row += most) {
        pieces.push_back({&weight, &weight.parts[part], static_cast<int64_t>(part) * each + row, row,
                          std::min(most, each - row)});
      }
    }
  }
  return pieces;
}

}  // namespace

Status read_weights(Session& session, const std::vector<FileWeight>& weights, int threads) {
  for (const FileWeight& weight : weights) {
    if (Status status = check(session, weight); !status.ok()) return status;
  }
  const std::vector<Piece> pieces = cut(weights);
  std::atomic<size_t> next{0};
  std::mutex mutex;
  Status failure;  // the first, guarded by mutex
  const auto work = [&] {
    Reader reader(session);
    for (size_t i; (i = next++) < pieces.size();) {
      Status status;
      try {
        status = reader.read(pieces[i]);
      } catch (const std::bad_alloc&) {
        status = Status::error("out of memory while reading " + pieces[i].part->file);
      }
      if (status.ok()) continue;
      next = pieces.size();
      const std::lock_guard lock(mutex);
      if (failure.ok()) failure = std::move(status);
    }
  };
  // other memory than the host's is written by one thread
  const size_t most = session.is_host_memory() ? static_cast<size_t>(threads) : 1;
  std::vector<std::thread> helpers;
  try {
    while (helpers.size() + 1 < std::min(most, pieces.size())) helpers.emplace_back(work);
  } catch (const std::exception&) {
    // fewer threads do as well
  }
  work();
  for (std::thread& helper : helpers) helper.join();
  return failure;
}

}  // namespace sluice
