// Norms over the last axis, a group per row.
//   rms:    rstd = 1/sqrt(mean(x^2) + eps), y = x rstd w
//           dx = rstd (g - xhat mean(g xhat)), g = dy w, xhat = x rstd; dw = sum over rows of dy xhat
//   layer:  as rms with x - mean, and dx also loses mean(g); dbias = sum over rows of dy
#pragma once

#include "../dialect.h"

DIALECT_BEGIN

struct Norm {
  int64 width;
  float eps, weight_offset;
  int centred, has_bias;  // centred: layer norm
  int x_bf16, y_bf16;
};

KERNEL(norm, READS(0, void, x), READS(1, float, weight), READS(2, float, bias), WRITES(3, void, y),
       WRITES(4, float, mean), WRITES(5, float, rstd), PARAMS(6, Norm)) {
  GROUP_MEMORY(float, shared, 32);
  const int64 row = GROUP * p.width;
  float shift = 0.0f;
  if (p.centred) {
    float total = 0.0f;
    for (int64 i = THREAD; i < p.width; i += THREADS) total += LOAD(x, row + i);
    shift = GROUP_SUM(total, shared) / float(p.width);
  }
  float squares = 0.0f;
  for (int64 i = THREAD; i < p.width; i += THREADS) {
    const float value = LOAD(x, row + i) - shift;
    squares += value * value;
  }
  const float scale = 1.0f / sqrt(GROUP_SUM(squares, shared) / float(p.width) + p.eps);
  for (int64 i = THREAD; i < p.width; i += THREADS) {
    const float value = (LOAD(x, row + i) - shift) * scale * (weight[i] + p.weight_offset);
    STORE(y, row + i, p.has_bias ? value + bias[i] : value);
  }
  if (THREAD == 0) {
    rstd[GROUP] = scale;
    if (p.centred) mean[GROUP] = shift;
  }
}

struct NormGrad {
  int64 width, rows, piece;
  float weight_offset;
  int centred;
  int dy_bf16, x_bf16, dx_bf16;
};

KERNEL(norm_grad, READS(0, void, dy), READS(1, void, x), READS(2, float, weight), READS(3, float, mean),
       READS(4, float, rstd), WRITES(5, void, dx), PARAMS(6, NormGrad)) {
  GROUP_MEMORY(float, shared, 32);
  const int64 row = GROUP * p.width;
  const float scale = rstd[GROUP], shift = p.centred ? mean[GROUP] : 0.0f;
  float total = 0.0f, dot = 0.0f;
  for (int64 i = THREAD; i < p.width; i += THREADS) {
    const float g = LOAD(dy, row + i) * (weight[i] + p.weight_offset);
    total += g;
    dot += g * (LOAD(x, row + i) - shift);
  }
  const float pull = GROUP_SUM(dot, shared) * scale * scale / float(p.width);
  const float centre = p.centred ? GROUP_SUM(total, shared) / float(p.width) : 0.0f;
  for (int64 i = THREAD; i < p.width; i += THREADS) {
    const float g = LOAD(dy, row + i) * (weight[i] + p.weight_offset);
    STORE(dx, row + i, scale * (g - centre - (LOAD(x, row + i) - shift) * pull));
  }
}

/** Sums of dy xhat and of dy over the rows of piece GROUP_Y, a thread per column; bias may be absent. */
KERNEL(norm_weight_grad_of_pieces, READS(0, void, dy), READS(1, void, x), READS(2, float, mean),
       READS(3, float, rstd), WRITES(4, float, partial), PARAMS(5, NormGrad)) {
  const int64 column = AT;
  if (column >= p.width) return;
  const int64 begin = GROUP_Y * p.piece, end = begin + p.piece < p.rows ? begin + p.piece : p.rows;
  float sum = 0.0f, sum_bias = 0.0f;
  for (int64 row = begin; row < end; row++) {
    const float up = LOAD(dy, row * p.width + column);
    sum += up * (LOAD(x, row * p.width + column) - (p.centred ? mean[row] : 0.0f)) * rstd[row];
    sum_bias += up;
  }
  const int64 step = p.centred ? 2 * p.width : p.width;
  partial[GROUP_Y * step + column] = sum;
  if (p.centred) partial[GROUP_Y * step + p.width + column] = sum_bias;
}

struct AddPieces {
  int64 width, pieces, step;
};

/** y[i] = the sum over pieces of partial[piece * step + i]. */
KERNEL(add_pieces, READS(0, float, partial), WRITES(1, float, y), PARAMS(2, AddPieces)) {
  const int64 i = AT;
  if (i >= p.width) return;
  float total = 0.0f;
  for (int64 piece = 0; piece < p.pieces; piece++) total += partial[piece * p.step + i];
  y[i] = total;
}

DIALECT_END
