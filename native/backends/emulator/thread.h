// What a kernel of the dialect sees of the emulator: where its thread stands, group memory, barriers,
// exchange.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice::emulator {

struct Position {
  int thread = 0, threads = 0;
  int64_t group_x = 0, group_y = 0;
};

/** Memory of the group: the n-th call of every thread gets the same bytes, filled with 0xff when the group
 * starts. */
void* group_memory(std::size_t bytes);

/** Returns when every thread of the group has called it. */
void barrier();

/** What the thread `mask` away (exclusive or) in the same subgroup of 32 gave; returns when all 32 have
 * called it. */
uint32_t exchange(uint32_t value, int mask);

}  // namespace sluice::emulator
