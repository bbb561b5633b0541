#include "matrix-units.h"

#include <atomic>
#include <cstring>

#include "group.h"

namespace sluice::emulator {
namespace {

std::atomic<int64_t> conflicts;

float half_of(uint32_t word, int upper) {
  const uint32_t bits = upper ? word & 0xffff0000u : word << 16;
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

bool in_group_memory(const void* at) {
  if (reinterpret_cast<uintptr_t>(at) % 16 == 0 && Group::active()->holds(at, 16)) return true;
  fault("16 bytes that are not aligned or not in the group's memory");
  return false;
}

/** Eight threads access 16 bytes each at once, if these lie in all 32 banks of 4 bytes. */
void count_conflicts(const uintptr_t (&rows)[8]) {
  for (int i = 0; i < 8; i++) {
    for (int j = 0; j < i; j++) {
      if (rows[i] != rows[j] && rows[i] / 16 % 8 == rows[j] / 16 % 8) {
        conflicts++;
        break;
      }
    }
  }
}

}  // namespace

// a: row lane / 4 (+ 8 in words 1 and 3), columns 2 (lane % 4) + 0..1 (+ 8 in words 2 and 3).
// b: rows 2 (lane % 4) + 0..1 (+ 8 in word 1), column lane / 4.
// d: row lane / 4 (+ 8 in 2 and 3), columns 2 (lane % 4) + 0..1.
void mma_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  const uint32_t words[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
  const uint32_t* all = gather(words, 6);
  const int row = lane() / 4, column = lane() % 4 * 2;
  for (int i = 0; i < 4; i++) {
    const int below = i / 2, n = column + i % 2;
    for (int k = 0; k < 16; k++) {
      const int pair = k % 8 / 2, right = k / 8;
      d[i] += half_of(all[(row * 4 + pair) * kGathered + below + 2 * right], k % 2) *
              half_of(all[(n * 4 + pair) * kGathered + 4 + right], k % 2);
    }
  }
}

void load_matrices(uint32_t (&r)[4], const void* row, bool transposed) {
  // read before the others have come: a row that another thread still has to write is caught
  uint32_t words[6] = {};
  if (in_group_memory(row)) std::memcpy(words, row, 16);
  const auto at = reinterpret_cast<uintptr_t>(row);
  words[4] = static_cast<uint32_t>(at), words[5] = static_cast<uint32_t>(at >> 32);
  const uint32_t* all = gather(words, 6);
  for (int matrix = 0; matrix < 4; matrix++) {
    const uint32_t* rows = all + matrix * 8 * kGathered;
    const int row_of = lane() / 4, column = lane() % 4 * 2;
    if (!transposed) {
      r[matrix] = rows[row_of * kGathered + column / 2];
    } else {
      const auto element = [&](int i, int j) {
        return rows[i * kGathered + j / 2] >> (j % 2 * 16) & 0xffffu;
      };
      r[matrix] = element(column, row_of) | element(column + 1, row_of) << 16;
    }
    if (lane() != 0) continue;
    uintptr_t places[8];
    for (int i = 0; i < 8; i++) {
      const uint32_t* place = rows + i * kGathered + 4;
      places[i] = place[0] | static_cast<uintptr_t>(place[1]) << 32;
    }
    count_conflicts(places);
  }
}

void copy_async(void* to, const void* from, int bytes) {
  if (!in_group_memory(to)) return;
  if (bytes > 0 && reinterpret_cast<uintptr_t>(from) % 16) fault("an asynchronous copy from an odd place");
  std::memset(to, 0xff, 16);
  Group::active()->copies().add(to, from, bytes);
}
void commit_async() { Group::active()->copies().commit(); }
void wait_async(int left) {
  if (!Group::active()->drops_wait()) Group::active()->copies().wait(left);
}

void AsyncCopies::wait(int left) {
  while (batches_.size() > static_cast<std::size_t>(left) + 1) {
    for (const Copy& copy : batches_.front()) {
      std::memset(copy.to, 0, 16);
      std::memcpy(copy.to, copy.from, static_cast<std::size_t>(copy.bytes));
    }
    batches_.erase(batches_.begin());
  }
}

int64_t bank_conflicts() { return conflicts; }
void clear_bank_conflicts() { conflicts = 0; }

}  // namespace sluice::emulator
