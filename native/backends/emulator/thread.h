// What a kernel of the dialect sees of the emulator: where its thread stands, group memory, barriers, what
// the threads of a subgroup tell each other. Matrix units are beside this, in matrix-units.h.
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

/** The memory that the launch's grid asks for, filled with 0xff when the group starts. */
void* sized_group_memory();

/** Returns when every thread of the group has called it. */
void barrier();

/** Words that a thread may give to gather(). */
inline constexpr int kGathered = 8;

/** What each of the 32 threads of the subgroup gave, kGathered words apart; returns when all have called it,
 * and holds until the next call. */
const uint32_t* gather(const uint32_t* words, int count);

/** Which of the subgroup's threads this one is. */
int lane();

/** Notes what the running kernel does wrong: its launch then fails with the first of these. */
void fault(const char* what);

/** What the thread `mask` away (exclusive or) in the same subgroup of 32 gave; returns when all 32 have
 * called it. */
inline uint32_t exchange(uint32_t value, int mask) { return gather(&value, 1)[(lane() ^ mask) * kGathered]; }

}  // namespace sluice::emulator
