// Rows grouped by expert, and the tiles that products of them are cut into.
#pragma once

#include <vector>

#include "kernels.h"

namespace sluice::cpu::SLUICE_ISA {

/** offsets[E+1] ascending from 0 to at most `rows`. */
inline Status check_offsets(const Tensor& offsets, int64_t rows) {
  const int32_t* at = offsets.i32();
  const int64_t experts = offsets.count() - 1;
  bool good = at[0] == 0 && at[experts] <= rows;
  for (int64_t i = 0; i < experts; i++) good &= at[i] <= at[i + 1];
  return good ? Status() : Status::error("offsets must ascend from 0 to at most the number of rows");
}

/** Rows [row, end) of one expert, from column `column` on. */
struct ExpertTile {
  int64_t expert, row, end, column;
};

/** Tiles of at most `tall` rows of one expert and `wide` of `columns`; neighbours share their part of the
 * weights. */
inline std::vector<ExpertTile> expert_tiles(const int32_t* offsets, int64_t experts, int64_t columns,
                                            int64_t wide, int64_t tall) {
  std::vector<ExpertTile> tiles;
  for (int64_t e = 0; e < experts; e++) {
    const int64_t end = offsets[e + 1];
    for (int64_t column = 0; column < columns; column += wide) {
      for (int64_t row = offsets[e]; row < end; row += tall)
        tiles.push_back({e, row, std::min(row + tall, end), column});
    }
  }
  return tiles;
}

}  // namespace sluice::cpu::SLUICE_ISA
