// How well the model that ships (workloads/trained/bytes-llama) predicts its held-out text with an
// accelerator's number formats.
#pragma once

#include <cstdint>

#include "report/comparison.h"
#include "system/accelerator.h"

namespace bitsmith::app {

// A few seconds for every design that ships.
inline constexpr std::uint64_t kAccuracyTokens = 1024;

// Quantized as inference/design_quantization.h says, by the design's golden where it takes the
// operands; of the text's first `tokens`, in windows of 256. Sizes of the array do not matter. Kept
// in the cache folder under the hash of all it depends on, this program included; a message when it
// cannot be kept. Throws UserError
// when there is no quantization for the design.
ComparedAccuracy accuracy_of(const Accelerator& accelerator, std::uint64_t tokens);

}  // namespace bitsmith::app
