// Weights in safetensors files.
#pragma once

#include <filesystem>
#include <memory>

#include "workload/weight_store.h"

namespace bitsmith {

// One file with all tensors. Throws UserError as SafetensorsFile does.
std::unique_ptr<WeightStore> open_safetensors(const std::filesystem::path& file);

}  // namespace bitsmith
