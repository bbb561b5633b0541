// The emulator's matrix units and asynchronous copies, by small kernels of the dialect, in the order of
// threads that the first argument names. Built and run by matrix-units.test.ts; prints what is wrong.
#include "native/backends/gpu/matrix-units.h"

#include <cstdio>
#include <string>
#include <vector>

#include "native/backends/emulator/group.h"

namespace sluice::dialect {
namespace {

struct Numbers {
  bool a_transposed, b_transposed;
  int swizzle;
};

/** d [16,8] = a [16,16] b [16,8] through group memory: a in rows or columns, b likewise, places of 16 bytes
 * turned by `swizzle`. */
KERNEL(product16, READS(0, bf16, a), READS(1, bf16, b), WRITES(2, float, d), PARAMS(3, Numbers)) {
  SIZED_GROUP_MEMORY(bf16, memory);
  const auto place = [&](int matrix, int row, int chunk) {
    return memory + matrix * 16 * 64 + row * 64 + (chunk ^ (p.swizzle * (row % 8))) * 8;
  };
  const int row = THREAD / 2, chunk = THREAD % 2;
  copy_async(place(0, row, chunk), a + row * 16 + chunk * 8);
  copy_async(place(1, row, chunk), b + row * 16 + chunk * 8);
  commit_async();
  wait_async<0>();
  BARRIER();
  const int low = SUBGROUP_LANE % 8, middle = SUBGROUP_LANE / 8 % 2, high = SUBGROUP_LANE / 16;
  uint32 x[4], y[4];
  if (p.a_transposed)
    load_matrices_transposed(x, place(0, low + 8 * high, middle));
  else
    load_matrices(x, place(0, low + 8 * middle, high));
  if (p.b_transposed)  // rows of n
    load_matrices(y, place(1, low, middle));
  else
    load_matrices_transposed(y, place(1, low + 8 * middle, 0));
  const uint32 column[2] = {y[0], y[1]};
  float sum[4] = {};
  mma_bf16(sum, x, column);
  for (int i = 0; i < 4; i++) d[(SUBGROUP_LANE / 4 + i / 2 * 8) * 8 + SUBGROUP_LANE % 4 * 2 + i % 2] = sum[i];
}

/** Reads what the subgroup before it copied. */
KERNEL(pass_on, READS(0, uint32, from), WRITES(1, uint32, to), PARAMS(2, Numbers)) {
  SIZED_GROUP_MEMORY(uint32, memory);
  copy_async(memory + 4 * THREAD, from + 4 * THREAD, THREAD == 3 ? 4 : 16);
  commit_async();
  wait_async<0>();
  BARRIER();
  const int other = (THREAD + SUBGROUP) % THREADS;
  for (int i = 0; i < 4; i++) to[4 * THREAD + i] = memory[4 * other + i];
  to[0] = static_cast<uint32>(p.swizzle);
}

KERNEL(misuse, READS(0, uint32, from), PARAMS(1, Numbers)) {
  SIZED_GROUP_MEMORY(uint32, memory);
  if (p.swizzle == 0) copy_async(memory + 4 * THREAD + 1, from);  // not aligned
  if (p.swizzle == 1) memory[4 * 64] = 7;                         // one past the end
  if (p.swizzle == 2) copy_async(memory + 4 * 64, from);
}

using emulator::Group, emulator::Position;
int failures = 0;

void expect(bool right, const std::string& what) {
  if (right) return;
  std::printf("%s\n", what.c_str());
  failures++;
}

void products(const emulator::Schedule& schedule) {
  const auto number = [](int i) { return static_cast<float>(i * i * 7 % 23 - 11) / 4; };
  for (int kind = 0; kind < 8; kind++) {
    const Numbers p{kind % 2 == 1, kind / 2 % 2 == 1, kind / 4};
    std::vector<bf16> a(256), b(256);
    std::vector<float> d(128, -1);
    for (int i = 0; i < 256; i++) a[i] = to_bf16(number(i)), b[i] = to_bf16(number(i + 100));
    const auto entry = [](void** arguments, const Position& here) {
      product16(static_cast<bf16*>(arguments[0]), static_cast<bf16*>(arguments[1]),
                static_cast<float*>(arguments[2]), *static_cast<Numbers*>(arguments[3]), here);
    };
    void* arguments[] = {a.data(), b.data(), d.data(), const_cast<Numbers*>(&p)};
    Group group(schedule);
    emulator::clear_bank_conflicts();
    const Status status = group.run(entry, arguments, 32, 0, 0, 2 * 16 * 64 * 2);
    expect(status.ok(), status.message());
    // rows of 128 bytes begin in the same bank: seven of eight meet, unless their chunks are turned
    expect((emulator::bank_conflicts() == 0) == (p.swizzle == 1), "bank conflicts are not counted");
    for (int m = 0; m < 16; m++) {
      for (int n = 0; n < 8; n++) {
        float sum = 0;
        for (int k = 0; k < 16; k++)
          sum += from_bf16(p.a_transposed ? a[k * 16 + m] : a[m * 16 + k]) *
                 from_bf16(p.b_transposed ? b[n * 16 + k] : b[k * 16 + n]);
        expect(d[m * 8 + n] == sum, format("kind %d: d[%d,%d] is %g, not %g", kind, m, n, d[m * 8 + n], sum));
      }
    }
  }
}

/** Whether 64 threads pass on the right words. */
bool passes_on(const emulator::Schedule& schedule) {
  std::vector<uint32> from(256), to(256);
  for (uint32 i = 0; i < 256; i++) from[i] = i + 1;
  Numbers p{};
  const auto entry = [](void** arguments, const Position& here) {
    pass_on(static_cast<uint32*>(arguments[0]), static_cast<uint32*>(arguments[1]),
            *static_cast<Numbers*>(arguments[2]), here);
  };
  void* arguments[] = {from.data(), to.data(), &p};
  Group group(schedule);
  if (!group.run(entry, arguments, 64, 0, 0, 1024).ok()) return false;
  for (uint32 i = 1; i < 256; i++) {
    const uint32 at = (i + 128) % 256;
    if (to[i] != (at > 12 && at < 16 ? 0 : at + 1)) return false;
  }
  return true;
}

std::string message_of(const emulator::Schedule& schedule, int kind) {
  uint32 from[4] = {};
  Numbers p{false, false, kind};
  const auto entry = [](void** arguments, const Position& here) {
    misuse(static_cast<uint32*>(arguments[0]), *static_cast<Numbers*>(arguments[1]), here);
  };
  alignas(16) uint32 aligned[4] = {from[0]};
  void* arguments[] = {aligned, &p};
  Group group(schedule);
  return group.run(entry, arguments, 64, 0, 0, 1024).message();
}

}  // namespace
}  // namespace sluice::dialect

int main(int, char** arguments) {
  using namespace sluice::dialect;
  sluice::emulator::Schedule schedule;
  if (!sluice::emulator::parse_schedule(arguments[1], schedule)) return 2;
  products(schedule);
  expect(passes_on(schedule), "copies do not arrive");
  auto broken = schedule;
  broken.dropped_wait = 1;
  expect(!passes_on(broken), "a missing wait for copies is not seen");
  broken = schedule;
  broken.dropped_barrier = 1;
  expect(!passes_on(broken), "a missing barrier is not seen");
  const std::string places[] = {"16 bytes that are not aligned or not in the group's memory",
                                "writes past the memory it asked for",
                                "16 bytes that are not aligned or not in the group's memory"};
  for (int kind = 0; kind < 3; kind++) {
    const std::string message = message_of(schedule, kind);
    expect(message == places[kind], sluice::format("misuse %d: '%s'", kind, message.c_str()));
  }
  return failures ? 1 : 0;
}
