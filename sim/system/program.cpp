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

bool feeds_gemms(OperatorKind kind) {
  return kind == OperatorKind::norm || kind == OperatorKind::softmax ||
         kind == OperatorKind::activation || kind == OperatorKind::multiply;
}

class ProgramMaker {
 public:
  ProgramMaker(const Design& design, const MemoryParams& memory)
      : design_(design), memory_(memory) {}

  std::vector<ProgramOperator> make(const Workload& workload) {
    for (std::size_t i = 0; i < workload.operators.size(); ++i) {
      const Operator& op = workload.operators[i];
      if (op.is_gemm()) {
        add_gemm(op, i);
      } else if (op.elements > 0 && !(op.kind == OperatorKind::activation && activation_is_done_)) {
        add_vector(op, i);
      }
      if (op.kind == OperatorKind::activation) activation_is_done_ = false;
    }
    return std::move(program_);
  }

 private:
  void add_gemm(const Operator& op, std::size_t source) {
    ProgramOperator gemm;
    gemm.op = op;
    gemm.source = source;
    gemm.weights_are_kv_cache = op.operator_class == OperatorClass::attention_qk ||
                                op.operator_class == OperatorClass::attention_pv;
    gemm.results_are_kv_cache = op.results == GemmResults::keys_values;
    const Format* output = gemm.results_are_kv_cache ? &design_.weight_format() : memory_.stored;
    std::uint64_t passes = memory_.vector.dequantize_passes;
    if (op.results == GemmResults::to_activation && memory_.fuse_activation) {
      passes += memory_.vector.activation_passes;
      activation_is_done_ = true;
    }
    if (memory_.fuse_dequantize) {
      gemm.output = output;
      gemm.output_bits = static_cast<std::uint64_t>(output->bits);
      gemm.passes = passes;
      program_.push_back(gemm);
      return;
    }
    gemm.output_bits = design_.accumulator_bits();
    gemm.results_are_kv_cache = false;
    program_.push_back(gemm);
    add_dequantization(op, source, *output, passes);
  }

  void add_dequantization(const Operator& op, std::size_t source, const Format& output,
                          std::uint64_t passes) {
    ProgramOperator vector;
    vector.source = source;
    vector.op = {op.name + "_dequantize", {}, 1, op.repeat, OperatorKind::multiply, {}, 0};
    vector.op.elements = op.gemm.m * op.gemm.n * op.count;
    vector.results_are_kv_cache = op.results == GemmResults::keys_values;
    vector.vector = {vector.op.elements, design_.accumulator_bits(),
                     static_cast<std::uint64_t>(output.bits), passes};
    program_.push_back(vector);
  }

  void add_vector(const Operator& op, std::size_t source) {
    const auto stored = static_cast<std::uint64_t>(memory_.stored->bits);
    const bool two = op.kind == OperatorKind::multiply || op.kind == OperatorKind::add;
    ProgramOperator vector;
    vector.op = op;
    vector.source = source;
    vector.vector = {op.elements, stored * (two ? 2 : 1),
                     feeds_gemms(op.kind)
                         ? static_cast<std::uint64_t>(design_.activation_format().bits)
                         : stored,
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
  if (design.activation_format().kind == FormatKind::minifloat) return 0;
  // A sum of K random products has about sqrt(K) times the size of one; seven bits are left.
  const int product_bits = design.activation_format().bits + design.weight_format().bits - 2;
  const int sum_bits = product_bits + (static_cast<int>(std::bit_width(k)) + 1) / 2;
  return std::min(0, 7 - sum_bits);
}

std::uint32_t convert_result(const Design& design, std::int64_t result, const Format& output,
                             int exponent) {
  if (design.activation_format().kind == FormatKind::minifloat) {
    return encode(output, std::bit_cast<float>(static_cast<std::uint32_t>(result)));
  }
  // Exact: sums have fewer than 53 bits.
  return encode(output, std::ldexp(static_cast<double>(result), exponent));
}

}  // namespace bitsmith
