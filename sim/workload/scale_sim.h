// Inputs of SCALE-Sim: topology CSV and configuration (.cfg), as versions 2 and 3 read them.
// What SCALE-Sim would read in a way that surprises comes back as warnings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml.h"
#include "workload/operator.h"

namespace bitsmith {

namespace scale_sim {
inline constexpr std::size_t kByteLimit = std::size_t{1} << 20;
inline constexpr std::size_t kLineLimit = 20000;
inline constexpr std::int64_t kLargestSide = std::int64_t{1} << 20;  // of images, filters, strides
}  // namespace scale_sim

struct ScaleSimTopology {
  Workload workload;
  std::vector<std::string> warnings;  // "file:line:column: ..."
};

// One operator per layer. The first line is a header, which tells the form of all rows: fields M, N
// and K make it a GEMM file, fields that start with ifmap, filter, channel or stride a convolution
// file; when it tells neither, the first row does by its columns.
//
//   GEMM: name, M, N, K [, N:M]
//   conv: name, IH, IW, FH, FW, C, NumFilt, Stride [, Stride across] [, N:M]
//         M = Eh * Ew, N = NumFilt, K = FH * FW * C, Eh = ceil((IH - FH + Stride) / Stride) and Ew
//         alike: no padding, a last window that sticks out counts
//   conv with 'DP' in its name: depthwise. Each channel is a GEMM of its own with N = NumFilt (1 in
//         a plain depthwise layer) and K = FH * FW; the operator's count is C.
//
// Rows end with a comma or without; words after the last comma are a remark. Sparsity other than
// dense (N = M) is refused. Throws UserError with all mistakes as file:line:column.
ScaleSimTopology scale_sim_topology(const std::filesystem::path& path);
// `name` stands for the file.
ScaleSimTopology parse_scale_sim_topology(std::string_view text, const std::string& name);

// What Bitsmith takes from a configuration: the array and its dataflow.
struct ScaleSimConfig {
  std::uint32_t rows = 0;
  std::uint32_t cols = 0;
  std::string dataflow;             // os, ws or is
  std::vector<Override> overrides;  // design.rows, design.cols and design.dataflow
  std::vector<std::string> warnings;
};

// INI text: [section], key = value or key : value, comment lines with # or ;. ArrayHeight,
// ArrayWidth and Dataflow are required; all else that SCALE-Sim knows is accepted without effect.
// Throws UserError with all mistakes as file:line:column.
ScaleSimConfig scale_sim_config(const std::filesystem::path& path);
ScaleSimConfig parse_scale_sim_config(std::string_view text, const std::string& name);

}  // namespace bitsmith
