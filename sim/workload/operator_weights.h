// Which tensor of a model's files is the weight of an operator.
#pragma once

#include <string>
#include <string_view>

#include "workload/imported_model.h"
#include "workload/operand_stream.h"
#include "workload/operator.h"

namespace bitsmith {

// The tensor, a matrix [n, k] as of torch.nn.Linear, that a GEMM of the first layer (and the first
// expert) multiplies with; "" where the model brings no such tensor along, the GEMM has no weights
// of its own (attention) or its weights have another layout (GPT-2). For Llama, Mistral, Mixtral,
// OPT, Phi, BERT and ViT. Names: modeling_<family>.py of
// https://github.com/huggingface/transformers.
//
// Throws UserError when the tensor has another shape than the GEMM.
std::string weight_of(const ImportedModel& model, const Operator& op);

// Rows of a tensor [n, k] for stream_operand(). They throw UserError at infinities and NaN. The
// store must outlive them.
OperandRows rows_of(const WeightStore& weights, const std::string& tensor);

}  // namespace bitsmith
