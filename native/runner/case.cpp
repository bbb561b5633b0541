#include "case.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <set>

#include "../backends/make-backend.h"
#include "../program/stored-floats.h"

namespace sluice::runner {
namespace {

double number_at(const StoredTensor& tensor, std::size_t i) {
  const std::byte* at = tensor.bytes.data();
  uint32_t bits = 0;
  switch (tensor.dtype) {
    case DType::u8:
      return static_cast<double>(at[i]);
    case DType::i32: {
      int32_t value;
      std::memcpy(&value, at + 4 * i, 4);
      return value;
    }
    case DType::bf16:
      std::memcpy(reinterpret_cast<std::byte*>(&bits) + 2, at + 2 * i, 2);
      break;
    case DType::f32:
      std::memcpy(&bits, at + 4 * i, 4);
  }
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

double error_of(const StoredTensor& got, const StoredTensor& wanted) {
  if (got.dtype != wanted.dtype || got.bytes.size() != wanted.bytes.size())
    return std::numeric_limits<double>::infinity();
  double worst = 0, largest = 1;
  const std::size_t count = wanted.bytes.size() / static_cast<std::size_t>(size_of(wanted.dtype));
  for (std::size_t i = 0; i < count; i++) {
    const double a = number_at(got, i), b = number_at(wanted, i);
    if (std::isfinite(b)) largest = std::max(largest, std::abs(b));
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    const double error = std::abs(a - b);
    worst = std::max(worst, std::isnan(error) ? std::numeric_limits<double>::infinity() : error);
  }
  return worst / largest;
}

}  // namespace

Status Case::open(const std::string& folder, const std::string& device, int threads) {
  folder_ = folder;
  std::unique_ptr<Backend> backend;
  if (Status status = make_backend(device, threads, backend); !status.ok()) return status;
  session_ = std::make_unique<Session>(std::move(backend));
  free_bytes_ = session_->available_bytes();
  std::ifstream file(folder + "/program.txt", std::ios::binary);
  if (!file) return Status::error(folder + "/program.txt cannot be read");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (Status status = session_->load(text, executable_); !status.ok()) return status;
  Safetensors given;
  if (Status status = read_safetensors(folder + "/given.safetensors", given); !status.ok()) return status;
  return fill(given);
}

/** States that are not given are small random numbers, above zero where they are means of squares: enough for
 * timing. */
Status Case::fill(const Safetensors& given) {
  const std::vector<Value>& values = executable_->program().values;
  std::set<int> squares;
  for (const Op& op : executable_->program().ops) {
    if (op.kind == OpKind::adamw) squares.insert(op.inputs[3]);
  }
  for (std::size_t id = 0; id < values.size(); id++) {
    const Value& value = values[id];
    const bool is_state = value.place == Place::state;
    if (!is_state && value.place != Place::input) continue;
    const std::string name = (is_state ? "state " : "input ") + value.name;
    const auto found = given.tensors.find(name);
    if (found == given.tensors.end() && !is_state) return Status::error("given.safetensors has no " + name);
    if (found != given.tensors.end() &&
        (found->second.dtype != value.dtype || !(found->second.shape == value.shape)))
      return Status::error("given.safetensors: " + name + " is not " + name_of(value.dtype) +
                           value.shape.text());
    if (!is_state) {
      inputs_[static_cast<int>(id)] = found->second.bytes;
      continue;
    }
    const void* data = found == given.tensors.end() ? nullptr : found->second.bytes.data();
    std::vector<float> made;
    std::vector<uint16_t> narrow;
    if (!data && (value.dtype == DType::f32 || value.dtype == DType::bf16)) {
      made.resize(static_cast<std::size_t>(value.shape.count()));
      const bool is_signed = !squares.contains(static_cast<int>(id));
      uint32_t state = static_cast<uint32_t>(id) * 2654435761u + 1;
      for (float& number : made) {
        state = state * 1664525u + 1013904223u;
        number = static_cast<float>(state >> 8) * 0x1p-24f * 0.02f;
        if (is_signed) number = 2 * number - 0.02f;
      }
      data = made.data();
      if (value.dtype == DType::bf16) {  // left unwritten, they would be read from one page of zeros
        narrow.resize(made.size());
        to_bf16(made.data(), narrow.data(), value.shape.count());
        data = narrow.data();
      }
    }
    if (Status status = session_->set_state(value.name, value.dtype, value.shape, data); !status.ok())
      return status;
  }
  return {};
}

Status Case::run(double& seconds) {
  result_ = {};
  const Status status = session_->run(*executable_, inputs_, result_);
  seconds = result_.seconds;
  return status;
}

Status Case::held(const std::string& name, StoredTensor& out) {
  const Program& program = executable_->program();
  for (std::size_t i = 0; i < program.outputs.size(); i++) {
    if ("output " + program.outputs[i].first != name) continue;
    const Value& value = program.values[static_cast<std::size_t>(program.outputs[i].second)];
    out = {value.dtype, value.shape, result_.outputs[i]};
    return {};
  }
  for (const auto& [own, state] : session_->states()) {
    if ("state " + own != name) continue;
    out = {state.dtype, state.shape, std::vector<std::byte>(static_cast<std::size_t>(state.bytes()))};
    session_->read_state(state, out.bytes.data());
    return {};
  }
  return Status::error("the program has no " + name);
}

Status Case::compare(double& error, double& tolerance) {
  Safetensors wanted;
  if (Status status = read_safetensors(folder_ + "/wanted.safetensors", wanted); !status.ok()) return status;
  tolerance = std::atof(wanted.metadata["tolerance"].c_str());
  error = 0;
  for (const auto& [name, tensor] : wanted.tensors) {
    StoredTensor got;
    if (Status status = held(name, got); !status.ok()) return status;
    error = std::max(error, error_of(got, tensor));
  }
  return {};
}

std::map<std::string, double> Case::profile() {
  std::map<std::string, double> seconds;
  const std::vector<OpTime> times = executable_->profile();
  for (std::size_t i = 0; i < times.size(); i++)
    seconds[row_of(executable_->program().ops[i].kind).name] +=
        times[i].seconds / static_cast<double>(std::max<int64_t>(1, times[i].calls));
  return seconds;
}

}  // namespace sluice::runner
