// Weights in safetensors files: one, or shards with an index.
//
// The index is {"metadata": {...}, "weight_map": {"<tensor>": "<file>", ...}}; the files lie beside
// it. Source: https://huggingface.co/docs/safetensors and save_pretrained() of
// https://github.com/huggingface/transformers.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "workload/weight_store.h"

namespace bitsmith {

// One file with all tensors. Throws UserError as SafetensorsFile does.
std::unique_ptr<WeightStore> open_safetensors(const std::filesystem::path& file);

// The shards of an index. Throws UserError, naming all of them, when files are missing, lack a
// tensor that the index says they have, or have one that it gives to no or another file.
std::unique_ptr<WeightStore> open_sharded_safetensors(const std::filesystem::path& index);

// Tensors and their files, as an index says. A file is a plain name: neither another folder nor a
// way out of this one. Throws UserError; `name` stands for the index.
std::vector<std::pair<std::string, std::string>> parse_shard_index(std::string_view text,
                                                                   const std::string& name);

}  // namespace bitsmith
