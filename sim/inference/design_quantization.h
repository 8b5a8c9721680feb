// How a model is quantized so that all of its GEMMs are in the formats of an array: what the cycles
// and energies of an accelerator take for granted of its operands.
//
//   activations  fp16 and bf16 as they are; others absmax with a scale per token
//   weights      a design with scales: as its groups want them (weight_quantization); another one:
//                fp16 and bf16 as they are, others absmax with a scale per output (ternary absmean)
//   behind a weight converter   as it stores them; the KV cache too, where it is stored like that
//
// Rounding to nearest, without a calibration: methods that search may do better.
#pragma once

#include "mapping/weight_converter.h"
#include "pe/design.h"
#include "workload/quantization.h"

namespace bitsmith {

// `converter` may be null. Throws UserError when no method of numerics/quantizer.h makes the
// format.
QuantizationConfig quantization_of(const Design& design, const WeightConverter* converter);

}  // namespace bitsmith
