// Reads safetensors files: 8 bytes of header length (little-endian), a JSON header, then the tensors' bytes.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "../core/dtype.h"
#include "../core/status.h"

namespace sluice::runner {

struct StoredTensor {
  DType dtype = DType::f32;
  Shape shape;
  std::vector<std::byte> bytes;
};

struct Safetensors {
  std::map<std::string, StoredTensor> tensors;
  std::map<std::string, std::string> metadata;
};

/** Of F32, BF16, I32 and U8 tensors. Errors name the file and what is wrong with it. */
Status read_safetensors(const std::string& path, Safetensors& out);

}  // namespace sluice::runner
