#include "slabs.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <iterator>

namespace sluice::cpu {
namespace {

constexpr int64_t kSlab = int64_t{64} << 20;

int64_t whole_lines(int64_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace

void* map_huge(int64_t bytes) {
  void* map = mmap(nullptr, static_cast<size_t>(bytes + kHugePage), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) return nullptr;
  const uintptr_t start = reinterpret_cast<uintptr_t>(map);
  const uintptr_t begin = (start + kHugePage - 1) / kHugePage * kHugePage;
  const uintptr_t end = begin + static_cast<uintptr_t>(bytes), map_end = end + kHugePage - (begin - start);
  // the slack before and after goes back, so that a mapping is known from its start and size
  if (begin > start) munmap(map, begin - start);
  if (map_end > end) munmap(reinterpret_cast<void*>(end), map_end - end);
#if defined(MADV_HUGEPAGE)
  madvise(reinterpret_cast<void*>(begin), static_cast<size_t>(bytes), MADV_HUGEPAGE);
#endif
  return reinterpret_cast<void*>(begin);
}

void unmap_huge(void* memory, int64_t bytes) { munmap(memory, static_cast<size_t>(bytes)); }

Slabs::~Slabs() {
  for (const Slab& slab : slabs_) unmap_huge(slab.base, kSlab);
}

void* Slabs::allocate(int64_t bytes) {
  const std::lock_guard lock(mutex_);
  for (Slab& slab : slabs_) {
    if (void* memory = take(slab, whole_lines(bytes))) return memory;
  }
  void* base = map_huge(kSlab);
  if (!base) return nullptr;
  slabs_.push_back({static_cast<std::byte*>(base), {{0, kSlab}}});
  return take(slabs_.back(), whole_lines(bytes));
}

/** The first place where it fits. */
void* Slabs::take(Slab& slab, int64_t bytes) {
  const auto range = std::find_if(slab.free.begin(), slab.free.end(),
                                  [&](const auto& entry) { return entry.second >= bytes; });
  if (range == slab.free.end()) return nullptr;
  const auto [offset, free_bytes] = *range;
  slab.free.erase(range);
  if (free_bytes > bytes) slab.free.emplace(offset + bytes, free_bytes - bytes);
  if (offset < slab.touched) {
    std::memset(slab.base + offset, 0, static_cast<size_t>(std::min(bytes, slab.touched - offset)));
  }
  slab.touched = std::max(slab.touched, offset + bytes);
  return slab.base + offset;
}

void Slabs::release(void* memory, int64_t bytes) {
  const std::lock_guard lock(mutex_);
  std::byte* at = static_cast<std::byte*>(memory);
  const auto slab = std::find_if(slabs_.begin(), slabs_.end(), [&](const Slab& candidate) {
    return at >= candidate.base && at < candidate.base + kSlab;
  });
  int64_t offset = at - slab->base, size = whole_lines(bytes);
  const auto after = slab->free.lower_bound(offset);
  if (after != slab->free.begin()) {
    const auto before = std::prev(after);
    if (before->first + before->second == offset) {
      offset = before->first;
      size += before->second;
      slab->free.erase(before);
    }
  }
  if (after != slab->free.end() && after->first == offset + size) {
    size += after->second;
    slab->free.erase(after);
  }
  if (size == kSlab) {
    unmap_huge(slab->base, kSlab);
    slabs_.erase(slab);
    return;
  }
  slab->free.emplace(offset, size);
  // whole pages that hold nothing go back to the system, and are zeros when they are used again
  const int64_t begin = (offset + kHugePage - 1) / kHugePage * kHugePage;
  const int64_t end = std::min(offset + size, slab->touched) / kHugePage * kHugePage;
  if (end > begin) madvise(slab->base + begin, static_cast<size_t>(end - begin), MADV_DONTNEED);
}

}  // namespace sluice::cpu
