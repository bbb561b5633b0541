// Weights from files into states: read, converted and quantised by several threads at once, a piece at a
// time, so that no tensor exists twice.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "session.h"
#include "stored-floats.h"

namespace sluice {

enum class HeldAs : uint8_t { f32, bf16, int8, nf4 };

/** A tensor of a file that is open for reading, `start` bytes from its beginning. */
struct StoredTensor {
  int descriptor = -1;
  std::string file;  // for messages
  int64_t start = 0;
  StoredType type = StoredType::f32;
};

/** A weight of `rows` x `columns`, and the equal parts of it in files, one behind the other (experts). */
struct FileWeight {
  HeldAs held = HeldAs::f32;
  std::string state;   // exists; f32, bf16, or u8 codes in the layout of quantized_matmul
  std::string scales;  // of quantised weights: an f32 state
  int64_t rows = 0, columns = 0;
  bool transposed = false;  // files hold [columns, rows]; quantised weights only
  std::vector<StoredTensor> parts;
};

/** Fills the states. An error names the file or state; some states may be filled by then. */
Status read_weights(Session& session, const std::vector<FileWeight>& weights, int threads);

}  // namespace sluice
