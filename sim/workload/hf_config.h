// Hugging Face's config.json: which keys a family has, what they are where they are missing, and
// what they mean for shapes.
//
// Keys that change neither shapes nor what ImportedModel holds are passed over (there are
// hundreds); those that change values only are listed in ImportedModel::unmodelled; those that
// change shapes in a way that a Transformer cannot have are refused.
//
// Source: the configuration classes of https://github.com/huggingface/transformers
// (src/transformers/models/<family>/configuration_<family>.py); families are named where they are
// read.
#pragma once

#include <string>

#include "config/yaml.h"
#include "workload/imported_model.h"

namespace bitsmith {

// `config` as read_json() gives it; `model` names the result. Throws UserError with all mistakes.
ImportedModel read_hf_config(const YamlNode& config, const std::string& model);

}  // namespace bitsmith
