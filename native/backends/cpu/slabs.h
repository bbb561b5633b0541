// Memory for blocks of middling size: side by side in mappings that ask for huge pages, so that a walk
// through the weights of a model misses few address translations, and what follows one weight is the next
// one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

namespace sluice::cpu {

inline constexpr int64_t kHugePage = int64_t{2} << 20;

/** Maps `bytes`, a multiple of the huge page, on a huge page's border; null where the system refuses. */
void* map_huge(int64_t bytes);
void unmap_huge(void* memory, int64_t bytes);

/** Any thread may call. */
class Slabs {
 public:
  // smaller blocks are the allocator's; larger ones have mappings of their own
  static constexpr int64_t kLeast = int64_t{128} << 10, kMost = int64_t{16} << 20;

  Slabs() = default;
  ~Slabs();
  Slabs(const Slabs&) = delete;
  Slabs& operator=(const Slabs&) = delete;

  static bool takes(int64_t bytes) { return bytes >= kLeast && bytes <= kMost; }
  /** Zeros, on a 64-byte border; null where there is no memory. */
  void* allocate(int64_t bytes);
  void release(void* memory, int64_t bytes);

 private:
  struct Slab {
    std::byte* base;
    std::map<int64_t, int64_t> free;  // offset -> bytes; neighbours are merged
    int64_t touched = 0;              // from here on nothing was ever written
  };

  static void* take(Slab& slab, int64_t bytes);

  std::mutex mutex_;
  std::vector<Slab> slabs_;
};

}  // namespace sluice::cpu
