#include "system/program.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "common/error.h"
#include "numerics/float_arithmetic.h"

namespace bitsmith {
namespace {

std::uint64_t passes_of(OperatorKind kind, const VectorParams& vector) {
  switch (kind) {
    case OperatorKind::gemm:
      return vector.dequantize_passes;
    case OperatorKind::embedding:
      return vector.embedding_passes;
    case OperatorKind::norm:
      return vector.norm_passes;
    case OperatorKind::rotary:
      return vector.rotary_passes;
    case OperatorKind::softmax:
      return vector.softmax_passes;
    case OperatorKind::activation:
      return vector.activation_passes;
    case OperatorKind::multiply:
      return vector.multiply_passes;
    case OperatorKind::add:
      return vector.add_passes;
  }
  throw InternalError("an operator of no kind");
}

class ProgramMaker {
 public:
  ProgramMaker(const Design& design, const MemoryParams& memory)
      : design_(design), memory_(memory) {}

  std::vector<ProgramOperator> make(const Workload& workload) {
    for (std::size_t i = 0; i < workload.operators.size(); ++i) {
      const Operator& op = workload.operators[i];
      const bool is_fused = op.results == ResultUse::activation && memory_.fuse_activation;
      if (op.is_gemm()) {
        add_gemm(op, i, is_fused ? activation_after(workload, i) : nullptr);
      } else if (op.elements > 0 && !(op.kind == OperatorKind::activation && activation_is_done_)) {
        add_vector(op, i);
      }
      if (op.kind == OperatorKind::activation) activation_is_done_ = false;
      activation_is_done_ |= is_fused;
    }
    return std::move(program_);
  }

 private:
  static const Operator* activation_after(const Workload& workload, std::size_t gemm) {
    for (std::size_t i = gemm + 1; i < workload.operators.size(); ++i) {
      if (workload.operators[i].kind == OperatorKind::activation) return &workload.operators[i];
    }
    return nullptr;
  }

  // What the reader of results reads.
  const Format& format_for(ResultUse use) const {
    if (use == ResultUse::gemm) return design_.activation_format();
    if (use == ResultUse::kv_cache) {
      const WeightConverter* converter = memory_.converter_of(true);
      return converter == nullptr ? design_.weight_format() : *converter->stored;
    }
    return *memory_.stored;
  }

  // `activation`: the operator that is applied on the way, or null.
  void add_gemm(const Operator& op, std::size_t source, const Operator* activation) {
    const ResultUse use = activation != nullptr ? activation->results : op.results;
    const Format& output = format_for(use);
    const std::uint64_t passes = memory_.vector.dequantize_passes +
                                 (activation != nullptr ? memory_.vector.activation_passes : 0);
    ProgramOperator gemm;
    gemm.op = op;
    gemm.source = source;
    gemm.weights_are_kv_cache = op.operator_class == OperatorClass::attention_qk ||
                                op.operator_class == OperatorClass::attention_pv;
    if (memory_.fuse_dequantize) {
      gemm.results_are_kv_cache = use == ResultUse::kv_cache;
      gemm.output = &output;
      gemm.output_bits = static_cast<std::uint64_t>(output.bits);
      gemm.passes = passes;
      program_.push_back(gemm);
      return;
    }
    gemm.output_bits = design_.accumulator_bits();
    program_.push_back(gemm);
    ProgramOperator conversion;
    conversion.source = source;
    conversion.op = {op.name + "_dequantize", {}, 1, op.repeat, OperatorKind::multiply, {}, 0, use};
    conversion.op.elements = op.gemm.m * op.gemm.n * op.count;
    conversion.results_are_kv_cache = use == ResultUse::kv_cache;
    conversion.vector = {conversion.op.elements, design_.accumulator_bits(),
                         static_cast<std::uint64_t>(output.bits), passes};
    program_.push_back(conversion);
  }

  void add_vector(const Operator& op, std::size_t source) {
    const bool two = op.kind == OperatorKind::multiply || op.kind == OperatorKind::add;
    ProgramOperator vector;
    vector.op = op;
    vector.source = source;
    vector.results_are_kv_cache = op.results == ResultUse::kv_cache;
    vector.vector = {op.elements, static_cast<std::uint64_t>(memory_.stored->bits) * (two ? 2 : 1),
                     static_cast<std::uint64_t>(format_for(op.results).bits),
                     passes_of(op.kind, memory_.vector)};
    program_.push_back(vector);
  }

  const Design& design_;
  const MemoryParams& memory_;
  bool activation_is_done_ = false;
  std::vector<ProgramOperator> program_;
};

}  // namespace

std::vector<ProgramOperator> make_program(const Workload& workload, const Design& design,
                                          const MemoryParams& memory) {
  return ProgramMaker(design, memory).make(workload);
}

std::uint64_t vector_block_elements(const VectorWork& work, const MemoryParams& memory) {
  const std::uint64_t fit = std::min(memory.activation_buffer.half_bits() / work.input_bits,
                                     memory.result_buffer.half_bits() / work.output_bits);
  if (fit == 0) {
    throw UserError(fmt::format(
        "half of activation_buffer ({} bits) and of result_buffer ({} bits) must hold one element "
        "of a vector operator: {} bits in, {} bits out",
        memory.activation_buffer.half_bits(), memory.result_buffer.half_bits(), work.input_bits,
        work.output_bits));
  }
  return std::min(fit, work.elements);
}

int result_exponent(const Design& design, std::uint64_t k) {
  if (design.results_are_floating_point()) return 0;
  // A sum of K random products has about sqrt(K) times the size of one; seven bits are left.
  const int product_bits = design.activation_format().bits + design.weight_format().bits - 2;
  const int sum_bits = product_bits + (static_cast<int>(std::bit_width(k)) + 1) / 2;
  return std::min(0, 7 - sum_bits);
}

std::uint32_t convert_result(const Design& design, std::int64_t result, const Format& output,
                             int exponent) {
  if (design.results_are_floating_point()) {
    return encode(output, std::bit_cast<float>(static_cast<std::uint32_t>(result)));
  }
  // Exact: sums have fewer than 53 bits.
  return encode(output, std::ldexp(static_cast<double>(result), exponent));
}

}  // namespace bitsmith
