// longjmp between stacks is what this file is for; the checked one refuses it.
#undef _FORTIFY_SOURCE
#if defined(__APPLE__)  // has ucontext.h for those alone who ask for it so
#define _XOPEN_SOURCE 700
#define _DARWIN_C_SOURCE
#endif
#include "group.h"

#include <ucontext.h>

#include <charconv>
#include <cstring>
#include <string>

namespace sluice::emulator {
namespace {

constexpr std::size_t kStack = 128 * 1024;
constexpr std::size_t kAlignment = 128, kGuard = 256;  // of sized memory, and bytes past it that must stay
constexpr std::byte kUntouched{0xa5};

enum State { ready, at_barrier, at_gather, ended };

}  // namespace

struct Group::Fiber {
  Position position;
  int state = ended;
  int barriers = 0, allocations = 0, gathers = 0, waits = 0;
  AsyncCopies copies;
  bool started = false;
  jmp_buf place;
  ucontext_t context;
  std::unique_ptr<std::byte[]> stack{new std::byte[kStack]};
};

bool parse_schedule(std::string_view text, Schedule& schedule) {
  const std::size_t dash = text.find('-');
  if (dash != std::string_view::npos) {
    constexpr std::string_view wait = "wait";
    std::string_view number = text.substr(dash + 1);
    const bool drops_wait = number.starts_with(wait);
    if (drops_wait) number.remove_prefix(wait.size());
    int& dropped = drops_wait ? schedule.dropped_wait : schedule.dropped_barrier;
    const char* end = number.data() + number.size();
    const auto read = std::from_chars(number.data(), end, dropped);
    if (read.ec != std::errc() || read.ptr != end || dropped < 1) return false;
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

std::vector<int> Group::order(int count) {
  std::vector<int> order(static_cast<std::size_t>(count));
  for (int i = 0; i < count; i++) {
    order[static_cast<std::size_t>(i)] = schedule_.order == Schedule::Order::descending ? count - 1 - i : i;
  }
  if (schedule_.order == Schedule::Order::shuffled) {
    for (int i = count - 1; i > 0; i--) {
      random_ = random_ * 1664525u + 1013904223u;
      std::swap(order[static_cast<std::size_t>(i)], order[(random_ >> 8) % static_cast<uint32_t>(i + 1)]);
    }
  }
  return order;
}

bool Group::holds(const void* at, std::size_t bytes) {
  const auto* from = static_cast<const std::byte*>(at);
  const auto within = [&](const std::byte* first, std::size_t size) {
    return first && from >= first && from + bytes <= first + size;
  };
  if (within(sized_memory_.data(), sized_memory_.size())) return within(sized(), sized_bytes_);
  for (const auto& block : memory_) {
    if (within(block.data(), block.size())) return true;
  }
  return false;
}

AsyncCopies& Group::copies() { return running_->copies; }
bool Group::drops_wait() { return ++running_->waits == schedule_.dropped_wait; }

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

Status Group::run(Entry entry, void** arguments, int threads, int64_t group_x, int64_t group_y,
                  std::size_t bytes) {
  if (threads < 1 || threads % 32) return Status::error("a group needs a multiple of 32 threads");
  entry_ = entry;
  arguments_ = arguments;
  fault_.clear();
  for (auto& block : memory_) std::memset(block.data(), 0xff, block.size());
  sized_bytes_ = bytes;
  sized_memory_.assign(bytes + kAlignment + kGuard, kUntouched);
  std::memset(sized(), 0xff, bytes);
  for (auto& words : gathered_) words.resize(static_cast<std::size_t>(threads) * kGathered);
  while (fibers_.size() < static_cast<std::size_t>(threads)) fibers_.push_back(std::make_unique<Fiber>());
  for (int i = 0; i < threads; i++) {
    Fiber& fiber = *fibers_[static_cast<std::size_t>(i)];
    fiber.position = {i, threads, group_x, group_y};
    fiber.state = ready;
    fiber.barriers = fiber.allocations = fiber.gathers = fiber.waits = 0;
    fiber.copies.clear();
  }
  Group* outer = active();
  active() = this;
  // shuffled: threads of all subgroups take turns; else each subgroup goes as far as it can without the
  // others
  const int span = schedule_.order == Schedule::Order::shuffled ? threads : 32;
  int left = threads;
  do {
    for (const int i : order(threads / span)) {
      while (take_turns(i * span, span)) {
      }
    }
    left = 0;
    for (int i = 0; i < threads; i++) left += fibers_[static_cast<std::size_t>(i)]->state != ended;
  } while (left && release(0, threads, at_barrier));
  active() = outer;
  if (left) {
    fibers_.clear();  // their stacks hold a kernel that will never end
    return Status::error("threads of a group wait for each other at different places");
  }
  for (std::size_t i = 0; i < kGuard; i++) {
    if (sized()[bytes + i] != kUntouched && fault_.empty()) fault_ = "writes past the memory it asked for";
  }
  return fault_.empty() ? Status() : Status::error(fault_);
}

/** Lets the threads that can go on do so; false where none of them could go further after that. */
bool Group::take_turns(int first, int count) {
  for (const int i : order(count)) {
    Fiber& fiber = *fibers_[static_cast<std::size_t>(first + i)];
    if (fiber.state == ready) resume(fiber);
  }
  bool any = false;
  for (int i = first; i < first + count; i += 32) any |= release(i, 32, at_gather);
  return any;
}

/** Makes them ready if all are in this state. */
bool Group::release(int first, int count, int state) {
  for (int i = first; i < first + count; i++) {
    if (fibers_[static_cast<std::size_t>(i)]->state != state) return false;
  }
  for (int i = first; i < first + count; i++) fibers_[static_cast<std::size_t>(i)]->state = ready;
  return true;
}

std::byte* Group::sized() {
  const auto at = reinterpret_cast<uintptr_t>(sized_memory_.data());
  return sized_memory_.data() + (kAlignment - at % kAlignment) % kAlignment;
}

void* sized_group_memory() { return Group::active()->sized(); }

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

const uint32_t* gather(const uint32_t* words, int count) {
  Group& group = *Group::active();
  Group::Fiber& fiber = *group.running_;
  // two places in turn: who gives its next words has all of the last ones, and nobody overwrites those before
  // all have come again
  uint32_t* all = group.gathered_[fiber.gathers++ % 2].data();
  const int thread = fiber.position.thread;
  std::memcpy(all + thread * kGathered, words, sizeof(uint32_t) * static_cast<std::size_t>(count));
  group.wait(at_gather);
  return all + thread / 32 * 32 * kGathered;
}

int lane() { return Group::active()->running_->position.thread % 32; }

void fault(const char* what) {
  std::string& first = Group::active()->fault_;
  if (first.empty()) first = what;
}

}  // namespace sluice::emulator
