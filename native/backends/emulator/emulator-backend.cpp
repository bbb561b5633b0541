#include "emulator-backend.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "../gpu/gpu-backend.h"
#include "../gpu/kernels/kernels.h"

namespace sluice {
namespace {

/** Calls a kernel with arguments that are given by address, as GPU drivers take them. */
template <auto kernel>
struct Entry;
template <typename... Arguments, void (*kernel)(Arguments...)>
struct Entry<kernel> {
  using All = std::tuple<Arguments...>;
  static void call(void** arguments, const emulator::Position& here) {
    spread(arguments, here, std::make_index_sequence<sizeof...(Arguments) - 1>());  // the last one is `here`
  }
  template <std::size_t... i>
  static void spread(void** arguments, const emulator::Position& here, std::index_sequence<i...>) {
    kernel(*static_cast<std::tuple_element_t<i, All>*>(arguments[i])..., here);
  }
};

constexpr emulator::Group::Entry entries[] = {
#define KERNEL_ENTRY(name) Entry<&dialect::name>::call,
#include "../gpu/kernels.def"
#undef KERNEL_ENTRY
};

std::vector<std::atomic<bool>>& ran() {
  static std::vector<std::atomic<bool>> kernels(std::size(entries));
  return kernels;
}

/** What a group may have on the smallest GPUs of those that the CUDA module is built for. */
constexpr int kMostGroupBytes = 99 * 1024;

class EmulatorDevice : public gpu::Device {
 public:
  explicit EmulatorDevice(emulator::Schedule schedule) : group_(schedule), groups_(schedule) {}
  const char* name() const override { return "emulator"; }
  bool has_matrix_units() const override { return true; }

  Status launch(gpu::Kernel kernel, gpu::Grid grid, std::span<void* const> buffers, const void* numbers,
                std::size_t bytes) override {
    const auto* first = static_cast<const std::byte*>(numbers);
    Queued queued{kernel, grid, {buffers.begin(), buffers.end()}, {first, first + bytes}};
    if (!recording_) return run(queued);
    recordings_[next_].push_back(std::move(queued));
    return {};
  }

  Status begin_recording() override {
    recording_ = true;
    recordings_[++next_].clear();
    return {};
  }
  Status end_recording(int& recording) override {
    recording_ = false;
    recording = next_;
    return {};
  }
  Status play(int recording) override {
    for (Queued& queued : recordings_.at(recording)) {
      if (Status status = run(queued); !status.ok()) return status;
    }
    return {};
  }
  void forget(int recording) override { recordings_.erase(recording); }
  Status wait() override { return {}; }

  void* allocate(int64_t bytes) override { return std::calloc(static_cast<std::size_t>(bytes + 64), 1); }
  void release(void* memory) override { std::free(memory); }
  int64_t available() const override { return int64_t{1} << 30; }
  void upload(void* device, const void* host, int64_t bytes) override {
    std::memcpy(device, host, static_cast<std::size_t>(bytes));
  }
  Status copy(void* to, const void* from, int64_t bytes) override {
    upload(to, from, bytes);
    return {};
  }
  void download(void* host, const void* device, int64_t bytes) override {
    std::memcpy(host, device, static_cast<std::size_t>(bytes));
  }

 private:
  struct Queued {
    gpu::Kernel kernel;
    gpu::Grid grid;
    std::vector<void*> buffers;
    std::vector<std::byte> numbers;
  };

  Status run(Queued& queued) {
    ran()[static_cast<std::size_t>(queued.kernel)] = true;
    std::vector<void*> arguments;
    for (void*& buffer : queued.buffers) arguments.push_back(&buffer);
    arguments.push_back(queued.numbers.data());
    const auto& [kernel, grid, buffers, numbers] = queued;
    if (grid.group_bytes > kMostGroupBytes)
      return Status::error(std::string(name_of(kernel)) + " asks for more group memory than every GPU has");
    for (int64_t y = 0; y < grid.y; y++) {
      for (const int x : groups_.order(static_cast<int>(grid.x))) {
        const Status status = group_.run(entries[static_cast<std::size_t>(kernel)], arguments.data(),
                                         grid.threads, x, y, static_cast<std::size_t>(grid.group_bytes));
        if (!status.ok()) return Status::error(std::string(name_of(kernel)) + ": " + status.message());
      }
    }
    return {};
  }

  std::map<int, std::vector<Queued>> recordings_;
  int next_ = 0;
  bool recording_ = false;
  emulator::Group group_, groups_;  // the second one only for the order in which groups come
};

}  // namespace

std::unique_ptr<gpu::Device> make_emulator_device(emulator::Schedule schedule) {
  return std::make_unique<EmulatorDevice>(schedule);
}

std::unique_ptr<Backend> make_emulator_backend(emulator::Schedule schedule) {
  return gpu::make_gpu_backend(make_emulator_device(schedule));
}

std::vector<bool> emulated_kernels() { return {ran().begin(), ran().end()}; }

}  // namespace sluice
