// longjmp between stacks is what this file is for; the checked one refuses it.
#undef _FORTIFY_SOURCE
#include "group.h"

#include <ucontext.h>

#include <charconv>
#include <cstring>
#include <string>

namespace sluice::emulator {
namespace {

constexpr std::size_t kStack = 128 * 1024;

enum State { ready, at_barrier, at_exchange, ended };

}  // namespace

struct Group::Fiber {
  Position position;
  int state = ended;
  int barriers = 0, allocations = 0;
  bool started = false;
  jmp_buf place;
  ucontext_t context;
  std::unique_ptr<std::byte[]> stack{new std::byte[kStack]};
};

bool parse_schedule(std::string_view text, Schedule& schedule) {
  const std::size_t dash = text.find('-');
  if (dash != std::string_view::npos) {
    const std::string_view number = text.substr(dash + 1);
    const char* end = number.data() + number.size();
    const auto read = std::from_chars(number.data(), end, schedule.dropped_barrier);
    if (read.ec != std::errc() || read.ptr != end || schedule.dropped_barrier < 1) return false;
    text = text.substr(0, dash);
  }
  if (text == "ascending") return schedule.order = Schedule::Order::ascending, true;
  if (text == "descending") return schedule.order = Schedule::Order::descending, true;
  if (text == "shuffled") return schedule.order = Schedule::Order::shuffled, true;
  return false;
}

Group::Group(Schedule schedule) : schedule_(schedule) {}
Group::~Group() = default;

Group*& Group::active() {
  static thread_local Group* group = nullptr;
  return group;
}

const std::vector<int>& Group::order(int count) {
  order_.resize(static_cast<std::size_t>(count));
  for (int i = 0; i < count; i++) {
    order_[static_cast<std::size_t>(i)] = schedule_.order == Schedule::Order::descending ? count - 1 - i : i;
  }
  if (schedule_.order == Schedule::Order::shuffled) {
    for (int i = count - 1; i > 0; i--) {
      random_ = random_ * 1664525u + 1013904223u;
      std::swap(order_[static_cast<std::size_t>(i)], order_[(random_ >> 8) % static_cast<uint32_t>(i + 1)]);
    }
  }
  return order_;
}

// The first function on a fiber's stack. A fiber that has ended is used again for the next group.
void Group::enter() {
  for (;;) {
    Group& group = *active();
    group.entry_(group.arguments_, group.running_->position);
    group.wait(ended);
  }
}

void Group::resume(Fiber& fiber) {
  running_ = &fiber;
  if (_setjmp(scheduler_)) return;
  if (fiber.started) _longjmp(fiber.place, 1);
  fiber.started = true;
  getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = fiber.stack.get();
  fiber.context.uc_stack.ss_size = kStack;
  fiber.context.uc_link = nullptr;
  makecontext(&fiber.context, &Group::enter, 0);
  setcontext(&fiber.context);
}

void Group::wait(int state) {
  Fiber& fiber = *running_;
  fiber.state = state;
  if (!_setjmp(fiber.place)) _longjmp(scheduler_, 1);
}

Status Group::run(Entry entry, void** arguments, int threads, int64_t group_x, int64_t group_y) {
  if (threads < 1 || threads % 32) return Status::error("a group needs a multiple of 32 threads");
  entry_ = entry;
  arguments_ = arguments;
  for (auto& block : memory_) std::memset(block.data(), 0xff, block.size());
  exchanged_.resize(static_cast<std::size_t>(threads));
  while (fibers_.size() < static_cast<std::size_t>(threads)) fibers_.push_back(std::make_unique<Fiber>());
  for (int i = 0; i < threads; i++) {
    Fiber& fiber = *fibers_[static_cast<std::size_t>(i)];
    fiber.position = {i, threads, group_x, group_y};
    fiber.state = ready;
    fiber.barriers = fiber.allocations = 0;
  }
  Group* outer = active();
  active() = this;
  int left = threads;
  bool moving = true;
  while (left && moving) {
    for (const int i : order(threads)) {
      Fiber& fiber = *fibers_[static_cast<std::size_t>(i)];
      if (fiber.state != ready) continue;
      resume(fiber);
      if (fiber.state == ended) left--;
    }
    moving = !left || release_waiting(threads);
  }
  active() = outer;
  if (!left) return {};
  fibers_.clear();  // their stacks hold a kernel that will never end
  return Status::error("threads of a group wait for each other at different places");
}

/** Lets those go on for whom all have come; false where nobody can. */
bool Group::release_waiting(int threads) {
  const auto all = [&](int from, int to, int state) {
    for (int i = from; i < to; i++) {
      if (fibers_[static_cast<std::size_t>(i)]->state != state) return false;
    }
    for (int i = from; i < to; i++) fibers_[static_cast<std::size_t>(i)]->state = ready;
    return true;
  };
  if (all(0, threads, at_barrier)) return true;
  bool any = false;
  for (int first = 0; first < threads; first += 32) any |= all(first, first + 32, at_exchange);
  return any;
}

void* group_memory(std::size_t bytes) {
  Group& group = *Group::active();
  const auto number = static_cast<std::size_t>(group.running_->allocations++);
  if (group.memory_.size() <= number) group.memory_.resize(number + 1);
  // a buffer that grew would move under the threads that hold it: only the first thread of a kernel can grow
  // it
  if (group.memory_[number].size() < bytes) group.memory_[number].assign(bytes, std::byte{0xff});
  return group.memory_[number].data();
}

void barrier() {
  Group& group = *Group::active();
  if (++group.running_->barriers == group.schedule_.dropped_barrier) return;
  group.wait(at_barrier);
}

uint32_t exchange(uint32_t value, int mask) {
  Group& group = *Group::active();
  const int thread = group.running_->position.thread;
  group.exchanged_[static_cast<std::size_t>(thread)] = value;
  group.wait(at_exchange);
  const uint32_t other = group.exchanged_[static_cast<std::size_t>(thread ^ mask)];
  group.wait(at_exchange);
  return other;
}

}  // namespace sluice::emulator
