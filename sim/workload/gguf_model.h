// Models in GGUF files, as llama.cpp's converter writes them.
//
// Architectures: llama (Llama, Mistral and Mixtral alike), gpt2 and phi2. Keys and their meaning:
// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md; what each architecture's file holds:
// the converter, https://github.com/ggml-org/llama.cpp (convert_hf_to_gguf.py; LlamaModel,
// GPT2Model, Phi2Model) and gguf-py/gguf/constants.py (names of tensors).
//
// Tensors of a llama file appear under the names and in the layout of Hugging Face
// (model.layers.0.self_attn.q_proj.weight): the converter's LlamaModel moves, within each head of
// the weights and biases of q and k, row p * d/2 + i to row 2 * i + p (its `permute`; d rows of a
// head, p = 0 or 1), because llama.cpp rotates neighbours where the library rotates halves. Here
// they are back in place. GPT2Model and Phi2Model move nothing; their tensors have the names of
// the file. Experts in one tensor appear one by one.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "workload/gguf.h"
#include "workload/imported_model.h"

namespace bitsmith {

// Shapes only. Throws UserError with all mistakes.
ImportedModel read_gguf_config(const GgufHeader& header, const std::string& model);

// With weights. Throws UserError.
ImportedModel import_gguf(const std::filesystem::path& file);

}  // namespace bitsmith
