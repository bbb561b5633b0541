// Products of bf16 on matrix units, in parts of 128 x 128 that a group makes 32 deep at a time: plain and in
// batches, grouped by expert, and with quantised weights, which become bf16 on their way to group memory. The
// portable product of matmul.h is their judge. Sums are f32 and their order depends on the depth alone.
#pragma once

#include "code-tile.h"

#ifdef MATRIX_UNITS

DIALECT_BEGIN

#define UNITS_SIDE 128
#define UNITS_DEPTH 32
#define UNITS_STAGES 4  // of operands in group memory: one in use, the others on their way
#define UNITS_THREADS 256
#define UNITS_NUMBERS (UNITS_SIDE * UNITS_DEPTH)  // of an operand in one stage
#define UNITS_BYTES (2 * UNITS_STAGES * UNITS_NUMBERS * 2)

/** Which part of y a group makes, and where its operands begin. */
struct Part {
  int64 row, column;  // of the batch, or of all rows where they are grouped
  int rows, columns;  // what is there of 128 each
  int64 a, b, y;      // first numbers of the operands: a at (row, 0), b at (0, column), y at (0, 0)
  int64 codes_row;    // the expert's first of codes
  int depth;
};

FN int smaller(int64 a, int64 b) { return int(a < b ? a : b); }

/** The expert whose rows hold row tile `tile`, which becomes the tile's number among the expert's own; or
 * `experts`. Every expert's rows begin a tile; 32 experts are looked at at once. */
FN int expert_of(const int* offsets, int experts, int64& tile, int lane) {
  int before = 0;
  for (int first = 0; first < experts; first += SUBGROUP) {
    const int mine = first + lane;
    const int rows = mine < experts ? offsets[mine + 1] - offsets[mine] : 0;
    const int tiles = (rows + UNITS_SIDE - 1) / UNITS_SIDE;
    int up_to = tiles;  // of this chunk's experts up to mine
    for (int reach = 1; reach < SUBGROUP; reach *= 2) {
      const int more = shuffle(up_to, lane >= reach ? lane - reach : lane);
      up_to += lane >= reach ? more : 0;
    }
    const int found = subgroup_min(before + up_to > tile ? lane : SUBGROUP);
    if (found < SUBGROUP) {
      tile -= before + shuffle(up_to - tiles, found);
      return first + found;
    }
    before += shuffle(up_to, SUBGROUP - 1);
  }
  return experts;
}

/** False where there is nothing to do. Groups of eight row tiles go through the columns together, so that
 * what they read of b is still in the cache. */
FN bool find_part(Part& part, const Product& p, const int* offsets, int64 group, int64 group_y, int lane) {
  constexpr int64 band = 8;
  const int64 across = (p.n + UNITS_SIDE - 1) / UNITS_SIDE;
  const int64 down = (p.m + UNITS_SIDE - 1) / UNITS_SIDE + (p.mode == product_expert_rows ? p.experts : 0);
  const int64 first = group / (band * across) * band, within = group % (band * across);
  const int64 high = down - first < band ? down - first : band;
  int64 tile = first + within % high, end = p.m, expert = group_y, from = 0, depth = p.k;
  int64 start = 0;
  if (p.mode == product_expert_rows) {
    expert = expert_of(offsets, p.experts, tile, lane);
    if (expert == p.experts) return false;
    start = offsets[expert];
    end = smaller(offsets[expert + 1], p.m);
  } else if (p.mode == product_expert_sums) {
    from = offsets[expert];
    depth = smaller(offsets[expert + 1], p.k) - from;
  }
  part.row = start + tile * UNITS_SIDE;
  part.column = within / high * UNITS_SIDE;
  part.rows = smaller(end - part.row, UNITS_SIDE);
  part.columns = smaller(p.n - part.column, UNITS_SIDE);
  part.depth = int(depth);
  part.a = (p.mode == product_batched ? group_y * p.a_step : 0) + from * p.a_column + part.row * p.a_row;
  part.b =
      (p.mode == product_expert_sums ? 0 : expert * p.b_step) + from * p.b_row + part.column * p.b_column;
  part.codes_row = expert * p.b_step;
  part.y = p.mode == product_expert_rows ? 0 : group_y * p.y_step;
  return true;
}

/** rows x width numbers into a tile, zeros where the operand ends. `aligned`: rows begin at 16 bytes, and are
 * copied while this thread goes on. */
template <int rows, int width>
FN void fetch(Tile<width> to, const bf16* from, int64 stride, int rows_there, int columns_there, int aligned,
              int thread) {
  FN_UNROLL
  for (int i = 0; i < rows * Tile<width>::chunks; i += UNITS_THREADS) {
    const int row = (i + thread) / Tile<width>::chunks, chunk = (i + thread) % Tile<width>::chunks;
    const int there = row < rows_there ? columns_there - chunk * 8 : 0;
    const int count = there < 0 ? 0 : there > 8 ? 8 : there;
    const bf16* at = count > 0 ? from + row * stride + chunk * 8 : from;
    if (aligned) {
      copy_async(to.chunk(row, chunk), at, 2 * count);
    } else {
      bf16* numbers = to.chunk(row, chunk);
      for (int j = 0; j < 8; j++) numbers[j] = j < count ? at[j] : bf16(0);
    }
  }
}

/** Sums plus bias plus what is there, into y. */
FN void write_part(const float (&sums)[4][4][4], const Part& part, const Product& p, const float* bias,
                   void* y, int first_row, int first_column, int lane) {
  const bool pairs = p.y_row % 2 == 0 && part.y % 2 == 0;
  FN_UNROLL
  for (int i = 0; i < 4; i++) {
    FN_UNROLL
    for (int j = 0; j < 4; j++) {
      FN_UNROLL
      for (int half = 0; half < 2; half++) {
        const int row = first_row + i * 16 + half * 8 + lane / 4;
        const int column = first_column + j * 8 + lane % 4 * 2;
        if (row >= part.rows || column >= part.columns) continue;
        const int64 to = part.y + (part.row + row) * p.y_row + part.column + column;
        const bool both = column + 1 < part.columns;
        float first = sums[i][j][2 * half], second = sums[i][j][2 * half + 1];
        if (p.has_bias) {
          first += bias[part.column + column];
          if (both) second += bias[part.column + column + 1];
        }
        if (p.accumulate) {
          first += load_float(y, to, p.y_bf16);
          if (both) second += load_float(y, to + 1, p.y_bf16);
        }
        if (both && pairs) {
          store_pair(y, to, first, second, p.y_bf16);
        } else {
          store_float(y, to, first, p.y_bf16);
          if (both) store_float(y, to + 1, second, p.y_bf16);
        }
      }
    }
  }
}

/** A turned operand is stored as its rows' transpose: a [k,m], b [n,k]. Eight subgroups make 64 x 32 each. */
template <bool a_turned, bool b_turned, bool coded>
FN void make_part(const Part& part, const Product& p, const bf16* a, const void* b, const float* bias,
                  const float* scales, void* y, bf16* memory, const float* table, int thread) {
  constexpr int a_width = a_turned ? UNITS_SIDE : UNITS_DEPTH, b_width = b_turned ? UNITS_DEPTH : UNITS_SIDE;
  constexpr int a_rows = UNITS_NUMBERS / a_width, b_rows = UNITS_NUMBERS / b_width;
  const int lane = thread % SUBGROUP, subgroup = thread / SUBGROUP;
  const int first_row = subgroup % 2 * 64, first_column = subgroup / 2 * 32;
  const auto a_tile = [&](int stage) { return Tile<a_width>{memory + stage * 2 * UNITS_NUMBERS}; };
  const auto b_tile = [&](int stage) {
    return Tile<b_width>{memory + stage * 2 * UNITS_NUMBERS + UNITS_NUMBERS};
  };
  const int64 a_stride = a_turned ? p.a_column : p.a_row, b_stride = b_turned ? p.b_column : p.b_row;
  CodeChunks<UNITS_NUMBERS / 8 / UNITS_THREADS> chunks;
  const int steps = (part.depth + UNITS_DEPTH - 1) / UNITS_DEPTH;

  const auto fetch_stage = [&](int step) {
    if (step >= steps) return;
    const int done = step * UNITS_DEPTH, left = part.depth - done;
    fetch<a_rows, a_width>(a_tile(step % UNITS_STAGES), a + part.a + done * p.a_column, a_stride,
                           a_turned ? left : part.rows, a_turned ? part.rows : left, p.a_aligned, thread);
    if constexpr (coded) {
      read_codes<b_rows, UNITS_THREADS, b_width>(
          chunks, static_cast<const unsigned char*>(b), scales,
          part.codes_row + (b_turned ? part.column : done), b_turned ? done : part.column,
          b_turned ? part.columns : left, b_turned ? left : part.columns, p, thread);
    } else {
      fetch<b_rows, b_width>(
          b_tile(step % UNITS_STAGES), static_cast<const bf16*>(b) + part.b + done * p.b_row, b_stride,
          b_turned ? part.columns : left, b_turned ? left : part.columns, p.b_aligned, thread);
    }
  };
  // codes are read before the products of a step and written after them
  const auto write_stage = [&](int step) {
    if constexpr (coded) {
      if (step >= steps) return;
      const int done = step * UNITS_DEPTH, left = part.depth - done;
      write_codes<b_rows, UNITS_THREADS>(b_tile(step % UNITS_STAGES), chunks, table,
                                         b_turned ? done : part.column, b_turned ? part.columns : left,
                                         b_turned ? left : part.columns, p, thread);
    }
  };

  float sums[4][4][4];
  FN_UNROLL
  for (int i = 0; i < 64; i++) sums[i / 16][i / 4 % 4][i % 4] = 0.0f;
  for (int step = 0; step < UNITS_STAGES - 1; step++) {
    fetch_stage(step);
    write_stage(step);
    commit_async();
  }
  for (int step = 0; step < steps; step++) {
    wait_async<UNITS_STAGES - 2>();
    BARRIER();  // this stage has come for all, and the one before is no longer read
    fetch_stage(step + UNITS_STAGES - 1);
    commit_async();
    const Tile<a_width> left = a_tile(step % UNITS_STAGES);
    const Tile<b_width> right = b_tile(step % UNITS_STAGES);
    FN_UNROLL
    for (int deep = 0; deep < UNITS_DEPTH; deep += 16) {
      uint32 rows[4][4], columns[2][2][2];
      FN_UNROLL
      for (int i = 0; i < 4; i++) {
        if constexpr (a_turned)
          load_a_transposed(rows[i], left, deep, first_row / 8 + i * 2, lane);
        else
          load_a(rows[i], left, first_row + i * 16, deep / 8, lane);
      }
      FN_UNROLL
      for (int j = 0; j < 2; j++) {
        if constexpr (b_turned)
          load_b(columns[j], right, first_column + j * 16, deep / 8, lane);
        else
          load_b_transposed(columns[j], right, deep, first_column / 8 + j * 2, lane);
      }
      FN_UNROLL
      for (int i = 0; i < 4; i++) {
        FN_UNROLL
        for (int j = 0; j < 4; j++) mma_bf16(sums[i][j], rows[i], columns[j / 2][j % 2]);
      }
    }
    write_stage(step + UNITS_STAGES - 1);
  }
  write_part(sums, part, p, bias, y, first_row, first_column, lane);
}

#define UNITS_PRODUCT(name, groups, a_turned, b_turned, coded)                                             \
  KERNEL_OF(UNITS_THREADS, groups, name, READS(0, void, a), READS(1, void, b), READS(2, float, bias),      \
            READS(3, int, offsets), READS(4, float, scales), WRITES(5, void, y), PARAMS(6, Product)) {     \
    SIZED_GROUP_MEMORY(bf16, memory);                                                                      \
    GROUP_MEMORY(float, table, 16);                                                                        \
    Part part;                                                                                             \
    if (!find_part(part, p, offsets, GROUP, GROUP_Y, SUBGROUP_LANE))                                       \
      return; /* the same for the whole group */                                                           \
    if (coded) {                                                                                           \
      if (THREAD < 16) table[THREAD] = nf4_value(THREAD);                                                  \
      BARRIER();                                                                                           \
    }                                                                                                      \
    make_part<a_turned, b_turned, coded>(part, p, static_cast<const bf16*>(a), b, bias, scales, y, memory, \
                                         table, THREAD);                                                   \
  }

UNITS_PRODUCT(bf16_product, 2, false, false, false)
UNITS_PRODUCT(bf16_product_of_turned_b, 2, false, true, false)
UNITS_PRODUCT(bf16_product_of_turned_a, 2, true, false, false)
UNITS_PRODUCT(coded_product, 1, false, false, true)
UNITS_PRODUCT(coded_product_of_turned_b, 1, false, true, true)

DIALECT_END

#endif
