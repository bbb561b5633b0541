// One op about to be launched on a GPU: its operands, its attributes, and the launches that it is made of.
#pragma once

#include <initializer_list>

#include "device.h"

namespace sluice::gpu {

inline int is_bf16(const Tensor& tensor) { return tensor.dtype == DType::bf16; }

/** y = a b as `product` says, by the device's library or by launches of our own kernels; where its mode
 * groups rows by expert, m is the number of all rows. */
Status multiply(Device& device, const dialect::Product& product, const ProductOperands& operands);

class Call {
 public:
  Call(const Launch& launch, Device& device, int number, int32_t* bad, void* (*workspace)(void*, int64_t),
       void* owner)
      : launch_(launch), device_(device), number_(number), bad_(bad), workspace_(workspace), owner_(owner) {}

  const Tensor& in(int i) const { return launch_.inputs[i]; }
  bool has(int i) const { return i < launch_.input_count && launch_.inputs[i]; }
  const Tensor& out(int i) const { return launch_.outputs[i]; }
  int inputs() const { return launch_.input_count; }
  void* scratch() const { return launch_.scratch; }
  /** The op's place among the launches of the run: what its kernels lower bad() to. */
  int number() const { return number_; }
  int32_t* bad() const { return bad_; }
  /** At least this much memory for this op alone; null where there is not enough. */
  void* workspace(int64_t bytes) { return workspace_(owner_, bytes); }

  const Attribute& attribute(const char* name) const { return launch_.op->attribute(name); }
  int64_t integer(const char* name) const { return attribute(name).integer; }
  float real(const char* name) const { return static_cast<float>(attribute(name).real); }

  bool has_matrix_units() const { return device_.has_matrix_units(); }

  /** Launches nothing where the grid is empty. */
  template <typename Numbers>
  Status launch(Kernel kernel, Grid grid, std::initializer_list<const void*> buffers,
                const Numbers& numbers) {
    if (grid.x == 0 || grid.y == 0) return {};
    void* list[16];
    std::size_t count = 0;
    for (const void* buffer : buffers) list[count++] = const_cast<void*>(buffer);
    return device_.launch(kernel, grid, {list, count}, &numbers, sizeof numbers);
  }

  Status multiply(const dialect::Product& product, const ProductOperands& operands) {
    return gpu::multiply(device_, product, operands);
  }

 private:
  const Launch& launch_;
  Device& device_;
  int number_;
  int32_t* bad_;
  void* (*workspace_)(void*, int64_t);
  void* owner_;
};

#define OP(name, ...) Status op_##name(Call& call);
#include "../../core/ops.def"
#undef OP

/** Launches in a row: the first that fails ends it. */
#define SLUICE_TRY(expression) \
  if (Status status = (expression); !status.ok()) return status

}  // namespace sluice::gpu
