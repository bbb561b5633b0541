// Runs the threads of a group, each on a stack of its own, one at a time until it waits or ends.
//
// A kernel that lacks a barrier works when its threads happen to take turns in the right order; so the order
// is a choice: ascending, descending, or shuffled anew after every barrier. What differs between them is a
// race.
#pragma once

#include <csetjmp>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "../../core/status.h"
#include "thread.h"

namespace sluice::emulator {

struct Schedule {
  enum class Order { ascending, descending, shuffled };
  Order order = Order::ascending;
  /** Ignores the n-th barrier of every thread (from 1; 0: none): a planted fault that tests must see. */
  int dropped_barrier = 0;
};

/** `ascending`, `descending`, `shuffled`, each with an optional `-N` for the barrier to drop. */
bool parse_schedule(std::string_view text, Schedule& schedule);

class Group {
 public:
  explicit Group(Schedule schedule);
  ~Group();

  using Entry = void (*)(void** arguments, const Position& here);
  /** Runs all threads of one group to their end. Fails where they wait for each other at different places. */
  Status run(Entry entry, void** arguments, int threads, int64_t group_x, int64_t group_y);

  /** 0 .. count-1 in an order of the schedule. */
  const std::vector<int>& order(int count);

 private:
  struct Fiber;
  friend void* group_memory(std::size_t bytes);
  friend void barrier();
  friend uint32_t exchange(uint32_t value, int mask);

  static void enter();
  static Group*& active();
  void resume(Fiber& fiber);
  void wait(int state);
  bool release_waiting(int threads);

  Schedule schedule_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<int> order_;
  uint32_t random_ = 1;
  Fiber* running_ = nullptr;
  jmp_buf scheduler_;
  Entry entry_ = nullptr;
  void** arguments_ = nullptr;
  std::vector<std::vector<std::byte>> memory_;
  std::vector<uint32_t> exchanged_;
};

}  // namespace sluice::emulator
