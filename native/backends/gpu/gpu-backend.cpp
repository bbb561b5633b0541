#include "gpu-backend.h"

#include <climits>
#include <map>
#include <string>
#include <utility>

#include "call.h"
#include "kernels/elementwise.h"

namespace sluice::gpu {
namespace {

using Launcher = Status (*)(Call&);

constexpr Launcher launchers[] = {
#define OP(name, ...) op_##name,
#include "../../core/ops.def"
#undef OP
};

class GpuBackend : public Backend {
 public:
  explicit GpuBackend(std::unique_ptr<Device> device) : device_(std::move(device)) {
    bad_ = static_cast<int32_t*>(device_->allocate(sizeof(int32_t)));
  }
  ~GpuBackend() override {
    if (recording_ != 0) abandon_recording();  // of a run that was stopped
    forget_all();
    if (bad_) device_->release(bad_);
    if (workspace_) device_->release(workspace_);
  }

  const char* name() const override { return device_->name(); }
  bool supports(const Program&, const Op&) const override { return true; }

  Status begin_run(uint64_t launches, bool& played) override {
    if (!bad_) return Status::error("the device has no memory left");
    const int32_t none = INT_MAX;
    device_->upload(bad_, &none, sizeof none);
    launched_ = 0;
    played = false;
    if (recording_ != 0) return Status::error("an earlier run did not end");
    if (launches == 0) return {};
    // the first run of a binding makes the workspace as large as it needs, the second one is recorded
    const auto found = runs_.find(launches);
    if (found == runs_.end()) {
      if (runs_.size() >= kRecordings) forget_all();
      runs_[launches] = kNone;
      return {};
    }
    if (found->second == kNone) {
      SLUICE_TRY(device_->begin_recording());
      recording_ = launches;
      return {};
    }
    played = true;
    return device_->play(found->second);
  }

  Status launch(const Launch& launch) override {
    Call call(launch, *device_, launched_++, bad_, &GpuBackend::workspace, this);
    Status status = launchers[static_cast<size_t>(launch.op->kind)](call);
    if (!status.ok() && recording_ != 0) abandon_recording();
    return status;
  }

  Status finish() override { return device_->wait(); }

  Status end_run(const Program& program) override {
    if (recording_ != 0) {
      int& recording = runs_[std::exchange(recording_, 0)];
      SLUICE_TRY(device_->end_recording(recording));
      SLUICE_TRY(device_->play(recording));
    }
    SLUICE_TRY(device_->wait());
    int32_t bad = INT_MAX;
    device_->download(&bad, bad_, sizeof bad);
    if (bad == INT_MAX) return {};
    const Op& op = program.ops[static_cast<size_t>(bad)];
    return Status::error(op.title() + " (line " + std::to_string(op.line) + ", " + name() +
                         "): a number in its indices lies outside what they may name");
  }

  void* allocate(int64_t bytes) override { return device_->allocate(bytes); }
  int64_t available() const override { return device_->available(); }
  void release(void* memory, int64_t) override { device_->release(memory); }
  void upload(void* device, const void* host, int64_t bytes) override {
    if (bytes) device_->upload(device, host, bytes);
  }
  void download(void* host, const void* device, int64_t bytes) override {
    if (bytes) device_->download(host, device, bytes);
  }

  bool all_finite(const Tensor& tensor) override {
    if (tensor.dtype != DType::f32 && tensor.dtype != DType::bf16) return true;
    int32_t found = 1;
    auto* at = static_cast<int32_t*>(device_->allocate(sizeof found));
    if (!at) return true;
    device_->upload(at, &found, sizeof found);
    const dialect::Finite numbers{tensor.count(), tensor.dtype == DType::bf16};
    void* buffers[] = {tensor.data, at};
    const Grid grid = one_each(tensor.count());
    const bool ran =
        !grid.x || device_->launch(Kernel::find_non_finite, grid, buffers, &numbers, sizeof numbers).ok();
    device_->download(&found, at, sizeof found);
    device_->release(at);
    return ran && found == 1;
  }

 private:
  static constexpr int kNone = -1;
  static constexpr size_t kRecordings = 16;

  void forget_all() {
    for (const auto& [launches, recording] : runs_) {
      if (recording != kNone) device_->forget(recording);
    }
    runs_.clear();
  }

  void abandon_recording() {
    int recording = kNone;
    const uint64_t launches = std::exchange(recording_, 0);
    if (device_->end_recording(recording).ok()) device_->forget(recording);
    runs_.erase(launches);
  }

  static void* workspace(void* self, int64_t bytes) {
    auto& backend = *static_cast<GpuBackend*>(self);
    if (bytes <= backend.workspace_bytes_) return backend.workspace_;
    if (backend.recording_ != 0) return nullptr;  // the run before it had all it needs
    backend.forget_all();                         // what was recorded holds the old one
    if (backend.workspace_) backend.device_->release(backend.workspace_);
    backend.workspace_ = backend.device_->allocate(bytes);
    backend.workspace_bytes_ = backend.workspace_ ? bytes : 0;
    return backend.workspace_;
  }

  std::unique_ptr<Device> device_;
  int32_t* bad_ = nullptr;  // the first op of the run that met an index outside its range
  int launched_ = 0;
  std::map<uint64_t, int> runs_;  // by what Session calls launches: the recording, or kNone after one run
  uint64_t recording_ = 0;        // of the run under way
  void* workspace_ = nullptr;
  int64_t workspace_bytes_ = 0;
};

}  // namespace

const char* name_of(Kernel kernel) {
  static constexpr const char* names[] = {
#define KERNEL_ENTRY(name) #name,
#include "kernels.def"
#undef KERNEL_ENTRY
  };
  return names[static_cast<size_t>(kernel)];
}

std::unique_ptr<Backend> make_gpu_backend(std::unique_ptr<Device> device) {
  return std::make_unique<GpuBackend>(std::move(device));
}

}  // namespace sluice::gpu
