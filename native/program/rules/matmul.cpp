#include "op-check.h"

namespace sluice {
namespace {

/** Both f32 or both bf16; f32 with bf16 weights in rows, where there are such. */
void operands(OpCheck& op, bool weights_in_rows = false) {
  op.is_float(0);
  if (weights_in_rows && op.dtype(0) == DType::f32 && op.dtype(1) == DType::bf16) return;
  op.is(1, op.dtype(0));
}

}  // namespace

void rule_matmul(OpCheck& op) {
  operands(op, op.shape(1).rank == 2 && op.integer("trans_b") && !op.integer("trans_a"));
  if (!op.rank(0, 2, 8) || !op.rank(1, 2, 8)) return;
  const Shape &a = op.shape(0), &b = op.shape(1);
  const bool trans_a = op.integer("trans_a"), trans_b = op.integer("trans_b");
  const int64_t m = trans_a ? a[-1] : a[-2], k = trans_a ? a[-2] : a[-1];
  const int64_t n = trans_b ? b[-2] : b[-1], inner = trans_b ? b[-1] : b[-2];
  op.demand(k == inner, "inner sizes " + std::to_string(k) + " and " + std::to_string(inner) + " differ");
  op.demand(
      b.rank == 2 || (a.rank == b.rank && without_last(without_last(a)) == without_last(without_last(b))),
      "leading dimensions differ");
  Shape y = a;
  y[-2] = m;
  y[-1] = n;
  if (op.has(2)) op.is(2, DType::f32, shape_of({n}));
  op.output_product(0, op.dtype(0), y);
}

void rule_accumulate_matmul(OpCheck& op) {
  for (int i : {1, 2}) {
    if (!op.is_float(i) || !op.rank(i, 2, 2)) return;
  }
  op.is(2, op.dtype(1));
  const Shape &a = op.shape(1), &b = op.shape(2);
  const bool trans_a = op.integer("trans_a"), trans_b = op.integer("trans_b");
  op.demand((trans_a ? a[0] : a[1]) == (trans_b ? b[1] : b[0]), "inner sizes differ");
  op.is(0, DType::f32, shape_of({trans_a ? a[1] : a[0], trans_b ? b[0] : b[1]}));
}

void rule_matmul_sum(OpCheck& op) {
  const auto& trans_b = op.integers("trans_b");
  const int first = 2, terms = (op.inputs() - first) / 2;
  if (!op.demand(op.inputs() == first + 2 * terms && terms >= 1 && terms <= kMostProductTerms,
                 "must have 1 to " + std::to_string(kMostProductTerms) + " pairs of factors") ||
      !op.demand(static_cast<int>(trans_b.size()) == terms, "trans_b must have a number for each product"))
    return;
  Shape y;
  for (int term = 0; term < terms; term++) {
    const int a = first + 2 * term, b = a + 1;
    const int64_t transposed = trans_b[static_cast<size_t>(term)];
    if (!op.demand(transposed == 0 || transposed == 1, "trans_b must be numbers of 0 or 1")) return;
    if (!op.is_float(a) || !op.is(a, op.dtype(first)) || !op.is(b, op.dtype(first))) return;
    if (!op.rank(a, 2, 8) || !op.rank(b, 2, 2)) return;
    const Shape& right = op.shape(b);
    op.demand(op.shape(a).last() == right[transposed ? 1 : 0], "inner sizes differ");
    const Shape product = with_last(op.shape(a), right[transposed ? 0 : 1]);
    if (term == 0) y = product;
    if (!op.demand(product == y, "products differ in shape")) return;
  }
  if (op.has(0)) op.is(0, DType::f32, y);
  if (op.has(1)) op.is(1, DType::f32, shape_of({y.last()}));
  op.output_product(0, op.dtype(first), y);
}

void rule_grouped_matmul(OpCheck& op) {
  operands(op, op.integer("trans_b"));
  op.is(2, DType::i32);
  if (!op.rank(0, 2, 2) || !op.rank(1, 3, 3) || !op.rank(2, 1, 1)) return;
  const Shape &x = op.shape(0), &w = op.shape(1);
  const bool trans_b = op.integer("trans_b");
  op.demand(x[1] == (trans_b ? w[2] : w[1]), "inner sizes differ");
  op.demand(op.shape(2)[0] == w[0] + 1, "offsets must have one more than the experts");
  op.output_product(0, op.dtype(0), shape_of({x[0], trans_b ? w[1] : w[2]}));
}

void rule_grouped_matmul_wgrad(OpCheck& op) {
  operands(op);
  op.is(2, DType::i32);
  if (!op.rank(0, 2, 2) || !op.rank(1, 2, 2) || !op.rank(2, 1, 1)) return;
  op.demand(op.shape(0)[0] == op.shape(1)[0], "a and b differ in rows");
  op.demand(op.shape(2)[0] >= 1, "offsets must have one more than the experts");
  op.output(0, DType::f32, shape_of({op.shape(2)[0] - 1, op.shape(0)[1], op.shape(1)[1]}));
}

void rule_quantized_matmul(OpCheck& op) {
  if (!op.is_float(0)) return;
  op.is(1, DType::u8);
  op.is(2, DType::f32);
  const int experts = op.has(4) ? 1 : 0;
  if (!op.rank(0, experts ? 2 : 1, experts ? 2 : 8) || !op.rank(1, 2 + experts, 2 + experts)) return;
  const bool is_int8 = op.text("format") == "int8", trans_b = op.integer("trans_b");
  if (!op.demand(is_int8 || op.text("format") == "nf4", "format must be int8 or nf4")) return;
  const Shape &x = op.shape(0), &codes = op.shape(1);
  const int64_t columns = op.integer("columns"), padded = (columns + 127) / 128 * 128, rows = codes[-2];
  if (!op.demand(columns >= 1 && columns <= int64_t{1} << 20 && rows >= 1, "w is empty or too wide")) return;
  op.demand(codes[-1] == (is_int8 ? padded : padded / 2), "codes do not fit columns");
  op.is(2, DType::f32, with_last(codes, padded / 64));
  op.demand(x[-1] == (trans_b ? columns : rows), "inner sizes differ");
  if (op.has(3)) {
    op.demand(trans_b && !experts, "a bias goes with trans_b, without offsets");
    op.is(3, DType::f32, shape_of({rows}));
  }
  if (experts) op.is(4, DType::i32, shape_of({codes[0] + 1}));
  const Shape y = with_last(x, trans_b ? rows : columns);
  op.output_product(0, op.dtype(0), y);
  op.scratch(scratch::quantized_matmul(x.count(), y.count(), op.dtype(0) == DType::bf16));
}

}  // namespace sluice
