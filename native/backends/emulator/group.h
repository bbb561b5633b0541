// Runs the threads of a group, each on a stack of its own, one at a time until it waits or ends.
//
// A kernel that lacks a barrier works when its threads happen to take turns in the right order; so the order
// is a choice: ascending or descending, where a subgroup goes as far as it can before the next one begins,
// or shuffled anew at every turn. What differs between them is a race.
#pragma once

#include <csetjmp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "../../core/status.h"
#include "matrix-units.h"
#include "thread.h"

namespace sluice::emulator {

struct Schedule {
  enum class Order { ascending, descending, shuffled };
  Order order = Order::ascending;
  /** Ignores the n-th barrier, or wait for copies, of every thread (from 1; 0: none): planted faults that
   * tests must see. */
  int dropped_barrier = 0, dropped_wait = 0;
};

/** `ascending`, `descending`, `shuffled`, each with an optional `-N` for the barrier to drop, or `-waitN`. */
bool parse_schedule(std::string_view text, Schedule& schedule);

class Group {
 public:
  explicit Group(Schedule schedule);
  ~Group();

  using Entry = void (*)(void** arguments, const Position& here);
  /** Runs all threads of one group to their end, with `bytes` of sized memory. Fails where they wait for each
   * other at different places, and with the first fault(). */
  Status run(Entry entry, void** arguments, int threads, int64_t group_x, int64_t group_y,
             std::size_t bytes = 0);

  /** 0 .. count-1 in an order of the schedule. */
  std::vector<int> order(int count);

  /** The one that runs on this thread. */
  static Group*& active();
  /** Whether these bytes are memory of the group. */
  bool holds(const void* at, std::size_t bytes);
  /** Of the running thread. */
  AsyncCopies& copies();
  bool drops_wait();

 private:
  struct Fiber;
  friend void* group_memory(std::size_t bytes);
  friend void* sized_group_memory();
  friend void barrier();
  friend const uint32_t* gather(const uint32_t* words, int count);
  friend int lane();
  friend void fault(const char* what);

  static void enter();
  void resume(Fiber& fiber);
  void wait(int state);
  bool take_turns(int first, int count);
  bool release(int first, int count, int state);
  std::byte* sized();

  Schedule schedule_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  uint32_t random_ = 1;
  Fiber* running_ = nullptr;
  jmp_buf scheduler_;
  Entry entry_ = nullptr;
  void** arguments_ = nullptr;
  std::vector<std::vector<std::byte>> memory_;
  std::vector<std::byte> sized_memory_;
  std::size_t sized_bytes_ = 0;
  std::vector<uint32_t> gathered_[2];
  std::string fault_;
};

}  // namespace sluice::emulator
