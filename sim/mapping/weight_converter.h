// A converter between DMA and weight buffer: weights are stored in one format, with scales and zero
// points per group, and come to the array in its own. What it makes of them, how they lie in DRAM,
// and how fast it is; sim/system/README.md is the text.
//
// Source of the second level of integer scales: QServe (Lin et al., arXiv 2405.04532).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "config/parameter_table.h"
#include "numerics/format.h"
#include "pe/design.h"

namespace bitsmith {

enum class ConverterScale : std::uint8_t { none, fp16, int8 };

struct WeightConverter {
  const Format* stored = find_format("uint4");
  std::uint32_t group = 128;  // weights along k that share a scale and a zero point
  ConverterScale scale = ConverterScale::fp16;
  bool zero_points = false;
  std::uint32_t lanes = 16;   // weights per cycle
  std::uint32_t latency = 4;  // cycles
  bool kv_cache = false;      // is stored like the weights, and converted too

  const Format* scale_format() const;  // null: none
  // Of a scale or zero point; rows of them, P[rows, n], that go with W[k, n].
  std::uint32_t parameter_bits() const;
  std::uint32_t rows_per_group() const;
  std::uint64_t parameter_rows(std::uint64_t k) const;
};

const ParameterTable<WeightConverter>& weight_converter_table();

// Why weights so stored cannot be converted to those that the design takes; nothing if they can.
std::optional<std::string> cannot_serve(const WeightConverter& converter, const Design& design);

// Codes of W[k, n] in `array`, a format that cannot_serve() lets pass, from stored ones and their
// parameters P[parameter_rows(k), n], of every group a row of scales, if any, and above it one of
// zero points, if any. Row by row.
void convert_weights(const WeightConverter& converter, const Format& array, CodeView stored,
                     CodeView parameters, std::span<std::uint16_t> codes);

// The design's limits for blocks: where weights are converted (not null), a block that another one
// continues has whole groups.
TileLimits block_limits(const Design& design, const WeightConverter* converter);

}  // namespace bitsmith
