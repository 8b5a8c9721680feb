// What the accelerator does for a workload: GEMMs in blocks, vector operators in passes, both with
// the formats of what they load and store.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pe/design.h"
#include "system/memory_params.h"
#include "workload/operator.h"

namespace bitsmith {

// An operator on the vector unit: blocks of `elements` are loaded, passed and stored.
struct VectorWork {
  std::uint64_t elements = 0;
  std::uint64_t input_bits = 0;   // of everything read for one element
  std::uint64_t output_bits = 0;  // of a result
  std::uint64_t passes = 1;
};

struct ProgramOperator {
  Operator op;
  std::size_t source = 0;  // number of the operator in the workload
  // GEMM
  std::uint64_t output_bits = 16;  // of a result as it is stored
  const Format* output = nullptr;  // null: accumulators are stored as they are
  std::uint64_t passes = 0;        // over a block's results before they are stored
  bool weights_are_kv_cache = false;
  bool results_are_kv_cache = false;
  // all others
  VectorWork vector;
};

// The operators in order of execution. What is fused disappears into the GEMM before it; without
// fuse_dequantize every GEMM is followed by an operator `<name>_dequantize` per occurrence.
//
// Formats: results are stored as their reader reads them (Operator::results). GEMMs read the
// array's own formats, the KV cache in that of weights (as DRAM holds them where it is converted);
// vector operators read `stored`. Inputs per result: multiply and add 2, others 1.
std::vector<ProgramOperator> make_program(const Workload& workload, const Design& design,
                                          const MemoryParams& memory);

// Elements of a vector operator's blocks: as many as fit half of the activation buffer and half of
// the result buffer, at most all. UserError if not one fits.
std::uint64_t vector_block_elements(const VectorWork& work, const MemoryParams& memory);

// Power of two that results of an integer GEMM over K are multiplied with when they are converted
// (exact sums of random operands then fit 8-bit and 16-bit formats); 0 for floating point.
int result_exponent(const Design& design, std::uint64_t k);

// The code of a result, as unpack_y and golden give it, in `output`: value x 2^exponent, rounded to
// nearest even, saturated.
std::uint32_t convert_result(const Design& design, std::int64_t result, const Format& output,
                             int exponent);

}  // namespace bitsmith
