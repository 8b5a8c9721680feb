// Models as others publish them: Hugging Face's config.json with safetensors beside it, or GGUF.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "workload/transformer.h"
#include "workload/weight_store.h"

namespace bitsmith {

struct ImportedModel {
  std::string architecture;  // "llama", "opt", ...: as the file says
  Transformer transformer;   // validated, as load_transformer() gives it

  // What a forward pass needs besides shapes.
  double norm_epsilon = 0;
  double rotary_base = 0;            // 0 without rotary position embedding
  std::string hidden_activation;     // as the file says: "silu", "gelu_new", ...
  std::uint64_t sliding_window = 0;  // tokens that a token attends to; 0: all before it
  // What else the file asks for that changes values, but no shape; each a located message. A
  // forward pass must refuse it.
  std::vector<std::string> unmodelled;

  std::unique_ptr<WeightStore> weights;  // null where there are none
};

// Whether `path` is a folder with a config.json, a *.json or a *.gguf. Only names are looked at.
bool is_importable(const std::filesystem::path& path);

// A folder brings its weights along, config.json alone does not. Throws UserError when something is
// not there, wrong, or of a family that we do not know.
ImportedModel import_model(const std::filesystem::path& path);

// What is importable, shapes only, or else a file of workloads/models.
Transformer load_model(const std::filesystem::path& path);

}  // namespace bitsmith
