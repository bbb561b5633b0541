// Matrix units and asynchronous copies as a CPU does them: what ../gpu/matrix-units.h is made of in the
// emulator. Fragments lie in the threads of a subgroup as the PTX ISA says (mma.m16n8k16, ldmatrix), so that
// a kernel that indexes them wrongly gives wrong numbers here too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::emulator {

/** d [16,8] += a [16,16] b [16,8], fragments of the subgroup's threads. */
void mma_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]);

/** Four 8 x 8 matrices of 16 bits: thread i names row i % 8 of matrix i / 8. */
void load_matrices(uint32_t (&r)[4], const void* row, bool transposed);

/** 16 bytes to group memory, zeros past the first `bytes`. They are on their way until a wait: until then the
 * place holds 0xff. */
void copy_async(void* to, const void* from, int bytes);
/** Ends a batch of this thread's copies. */
void commit_async();
/** Waits for all but the newest `left` batches of this thread. */
void wait_async(int left);

/** Copies of one thread that are on their way. */
class AsyncCopies {
 public:
  void clear() { batches_.assign(1, {}); }
  void add(void* to, const void* from, int bytes) { batches_.back().push_back({to, from, bytes}); }
  void commit() { batches_.emplace_back(); }
  void wait(int left);

 private:
  struct Copy {
    void* to;
    const void* from;
    int bytes;
  };
  std::vector<std::vector<Copy>> batches_{1};  // the last one is not committed yet
};

/** How often accesses of 16 bytes of a subgroup to group memory wanted a bank twice, since the last
 * clear_bank_conflicts(). */
int64_t bank_conflicts();
void clear_bank_conflicts();

}  // namespace sluice::emulator
