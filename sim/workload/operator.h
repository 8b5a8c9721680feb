// A workload: the operators of a model in one phase.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bitsmith {

// Y[m,n] = A[m,k] x W[k,n].
struct GemmShape {
  std::uint64_t m = 1;
  std::uint64_t n = 1;
  std::uint64_t k = 1;
  bool operator==(const GemmShape&) const = default;
};

enum class OperatorKind {
  gemm,        // everything else is for a vector unit and counts elements
  embedding,   // rows of a table, looked up
  norm,        // RMS or layer norm
  rotary,      // rotary position embedding
  softmax,     //
  activation,  // SiLU, GELU, ReLU, ...
  multiply,    // of gate and up
  add          // residual connections, positions
};
std::string_view word_of(OperatorKind kind);

// What a GEMM is in its model: quantization differs by it. `linear` are all projections of
// attention and MLP.
enum class OperatorClass { linear, attention_qk, attention_pv, lm_head, router, patch_embedding };
std::string_view word_of(OperatorClass operator_class);

// Who reads an operator's results: an operator that is no GEMM; a GEMM, as its activations or, from
// the KV cache, as its weights; the next operator of kind `activation`, which reads nothing else.
enum class ResultUse { vector, gemm, kv_cache, activation };
std::string_view word_of(ResultUse use);

// An operator. A GEMM's `count` GEMMs (the heads of an attention, the experts of a layer) are
// independent and follow each other without a gap; its `repeat` occurrences (the layers) each wait
// for the operator before them.
struct Operator {
  std::string name;
  GemmShape gemm;  // of a GEMM
  std::uint64_t count = 1;
  std::uint64_t repeat = 1;
  OperatorKind kind = OperatorKind::gemm;
  OperatorClass operator_class = OperatorClass::linear;
  // Of all that is no GEMM, in one occurrence: results, or the terms that are added to something.
  std::uint64_t elements = 0;
  ResultUse results = ResultUse::vector;

  bool is_gemm() const { return kind == OperatorKind::gemm; }
  // Of all its GEMMs in all occurrences, rounded: a share of the model's.
  double macs() const {
    return static_cast<double>(gemm.m) * static_cast<double>(gemm.n) * static_cast<double>(gemm.k) *
           static_cast<double>(count) * static_cast<double>(repeat);
  }
};

struct Workload {
  std::string name;
  std::vector<Operator> operators;  // in order of execution
};

inline constexpr std::uint64_t kLargestDimension = std::uint64_t{1} << 40;

// "MxNxK", each in 1..kLargestDimension. Throws UserError.
Workload gemm_workload(const std::string& text);

}  // namespace bitsmith
