#include "op-check.h"

#include "../decode.h"

namespace sluice {

bool OpCheck::is(int i, DType dtype) {
  return demand(in(i).dtype == dtype,
                input_name(i) + " is " + name_of(in(i).dtype) + ", expected " + name_of(dtype));
}

bool OpCheck::is(int i, DType dtype, const Shape& shape) {
  is(i, dtype);
  return demand(in(i).shape == shape,
                input_name(i) + " is " + in(i).shape.text() + ", expected " + shape.text());
}

bool OpCheck::is_float(int i) {
  return demand(in(i).dtype == DType::f32 || in(i).dtype == DType::bf16,
                input_name(i) + " is " + name_of(in(i).dtype) + ", expected f32 or bf16");
}

bool OpCheck::is_float(int i, const Shape& shape) {
  is_float(i);
  return is(i, in(i).dtype, shape);
}

bool OpCheck::rank(int i, int least, int most) {
  const int rank = in(i).shape.rank;
  return demand(rank >= least && rank <= most, input_name(i) + " has rank " + std::to_string(rank) +
                                                   ", expected " + std::to_string(least) +
                                                   (most > least ? " to " + std::to_string(most) : ""));
}

void OpCheck::output(int i, DType dtype, const Shape& shape) {
  if (op_.outputs[i] < 0) return;
  const Value& value = program_.values[op_.outputs[i]];
  demand(value.dtype == dtype && value.shape == shape, "output " + row_of(op_.kind).outputs[i].name + " is " +
                                                           name_of(value.dtype) + value.shape.text() +
                                                           ", it must be " + name_of(dtype) + shape.text());
}

void OpCheck::output_float(int i, const Shape& shape) {
  if (op_.outputs[i] < 0) return;
  const bool narrow = program_.values[op_.outputs[i]].dtype == DType::bf16;
  output(i, narrow ? DType::bf16 : DType::f32, shape);
}

void OpCheck::output_product(int i, DType operands, const Shape& shape) {
  if (operands == DType::bf16)
    output_float(i, shape);
  else
    output(i, DType::f32, shape);
}

void OpCheck::scratch(int64_t bytes) {
  demand(op_.scratch_bytes >= bytes,
         "scratch has " + std::to_string(op_.scratch_bytes) + " bytes, it needs " + std::to_string(bytes));
}

Status OpCheck::status() const {
  if (error_.empty()) return {};
  std::string shapes;
  for (size_t i = 0; i < op_.inputs.size() && i < 12; i++) {
    shapes += i ? ", " : "";
    shapes += op_.inputs[i] < 0 ? "_" : std::string(name_of(dtype(i))) + shape(i).text();
  }
  return Status::error("line " + std::to_string(op_.line) + ": " + op_.title() + ": " + error_ + " (inputs " +
                       shapes + ")");
}

std::string OpCheck::input_name(int i) const {
  const auto& slots = row_of(op_.kind).inputs;
  return slots[std::min<size_t>(i, slots.size() - 1)].name;
}

bool broadcast(const Shape& a, const Shape& b, Shape& out) {
  out.rank = std::max(a.rank, b.rank);
  for (int i = 1; i <= out.rank; i++) {
    const int64_t x = i <= a.rank ? a.dims[a.rank - i] : 1;
    const int64_t y = i <= b.rank ? b.dims[b.rank - i] : 1;
    if (x != y && x != 1 && y != 1) return false;
    out.dims[out.rank - i] = x == 1 ? y : x;
  }
  return true;
}

Shape without_last(Shape shape) {
  shape.rank = std::max(0, shape.rank - 1);
  return shape;
}

Shape with_last(Shape shape, int64_t last) {
  shape.dims[shape.rank - 1] = last;
  return shape;
}

Shape shape_of(std::initializer_list<int64_t> dims) {
  Shape shape;
  for (int64_t dim : dims) shape.push(dim);
  return shape;
}

Status check_op(const Program& program, const Op& op) {
  using Rule = void (*)(OpCheck&);
  static constexpr Rule rules[] = {
#define OP(name, ...) rule_##name,
#include "../../core/ops.def"
#undef OP
  };
  OpCheck check(program, op);
  rules[static_cast<size_t>(op.kind)](check);
  return check.status();
}

}  // namespace sluice
