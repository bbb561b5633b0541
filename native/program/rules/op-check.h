// What the rules of the ops are written with: look at inputs, demand what must hold, state the outputs.
// The first demand that fails is the error; later ones are ignored, so rules read straight down.
#pragma once

#include <string>

#include "../../core/scratch.h"
#include "../../core/status.h"
#include "../program.h"

namespace sluice {

class OpCheck {
 public:
  OpCheck(const Program& program, const Op& op) : program_(program), op_(op) {}

  int inputs() const { return static_cast<int>(op_.inputs.size()); }
  bool has(int i) const { return op_.inputs[i] >= 0; }
  bool gives(int i) const { return op_.outputs[i] >= 0; }
  const Value& in(int i) const { return program_.values[op_.inputs[i]]; }
  const Shape& shape(int i) const { return in(i).shape; }
  DType dtype(int i) const { return in(i).dtype; }

  int64_t integer(std::string_view name) const { return op_.attribute(name).integer; }
  double real(std::string_view name) const { return op_.attribute(name).real; }
  const std::vector<int64_t>& integers(std::string_view name) const { return op_.attribute(name).integers; }
  const std::string& text(std::string_view name) const { return op_.attribute(name).text; }

  /** False once anything failed: rules that index by what they demanded return then. */
  bool demand(bool holds, const std::string& message) {
    if (!holds && error_.empty()) error_ = message;
    return error_.empty();
  }
  bool is(int i, DType dtype);
  /** dtype and shape. */
  bool is(int i, DType dtype, const Shape& shape);
  /** f32 or bf16: the op computes in f32 whatever its operands are stored as. */
  bool is_float(int i);
  bool is_float(int i, const Shape& shape);
  bool rank(int i, int least, int most);
  void output(int i, DType dtype, const Shape& shape);
  /** Stored as f32 or bf16, as the program says. */
  void output_float(int i, const Shape& shape);
  /** As output_float, with f32 where the operands are. */
  void output_product(int i, DType operands, const Shape& shape);
  void scratch(int64_t bytes);

  Status status() const;

 private:
  std::string input_name(int i) const;

  const Program& program_;
  const Op& op_;
  std::string error_;
};

/** The shape both broadcast to as in NumPy; false if they do not. */
bool broadcast(const Shape& a, const Shape& b, Shape& out);

Shape without_last(Shape shape);
Shape with_last(Shape shape, int64_t last);
Shape shape_of(std::initializer_list<int64_t> dims);

#define OP(name, ...) void rule_##name(OpCheck& op);
#include "../../core/ops.def"
#undef OP

}  // namespace sluice
