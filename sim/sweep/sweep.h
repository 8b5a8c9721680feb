// A sweep: accelerators, axes along which their configurations vary, workloads; and the points that
// these make.
//
// A file of configs/sweeps:
//
//   name: edge
//   accelerators: [../accelerators/systolic_int8_16x16_edge.yaml]
//   engine: tile                          # or roofline
//   axes:
//     - {set: design.rows, values: [8, 16, 32]}
//     - {set: memory.bandwidth_gb_s, range: {from: 10, to: 40, step: 10}}
//     - {set: weight_buffer.capacity_bytes, log_range: {from: 65536, to: 1048576, factor: 4}}
//     - zip:                              # these change together
//         - {set: activation_buffer.banks, values: [4, 8]}
//         - {set: result_buffer.banks, values: [8, 16]}
//     - name: clock                       # what has a name of its own
//       variants:
//         slow: [clock_ghz=0.5]
//         fast: [clock_ghz=2, dma.setup_cycles=8]
//     - for: [bit_serial_fp4_8x8_edge]    # only these accelerators, by their labels
//       set: design.lanes
//       values: [2, 4]
//   constraints:
//     - design.rows * design.cols <= 1024
//   workloads:
//     - {model: ../../workloads/models/llama-2-7b.yaml, phase: decode, seq: 2048, batch: 1}
//     - {gemm: 128x4096x4096}
//   sample: {points: 100, seed: 1}        # of those that hold the constraints; absent: all
//
// Accelerators and models are labelled by the names of their files or folders; those that share one
// by their paths as they stand here.
//
// Paths are relative to the file; `set` and variants are what `run --set` takes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "config/yaml.h"
#include "sweep/constraint.h"
#include "system/accelerator.h"
#include "workload/transformer.h"

namespace bitsmith {

inline constexpr std::size_t kMostAxisValues = 10000;
inline constexpr std::uint64_t kMostPoints = 10'000'000;

// A value of an axis: how it is called, and what it sets.
struct AxisValue {
  std::string label;
  std::vector<Override> overrides;
};

struct Axis {
  std::string name;
  Location where;
  std::vector<AxisValue> values;
  std::vector<std::size_t> accelerators = {};  // that it is for, by number; empty: all

  bool is_for(std::size_t accelerator) const;
};

// A model in a phase, or a GEMM.
struct SweepWorkload {
  std::string label;
  Location where;
  std::filesystem::path model;  // empty:
  std::string gemm;             // "MxNxK"
  PhaseOptions phase;
};

enum class SweepEngine { tile, roofline };

struct Sample {
  std::uint64_t points = 0;
  std::uint64_t seed = 1;
};

struct Sweep {
  std::string name;
  std::vector<std::filesystem::path> accelerators;
  std::vector<std::string> accelerator_labels;
  SweepEngine engine = SweepEngine::tile;
  std::vector<Axis> axes;
  std::vector<Constraint> constraints;
  std::vector<SweepWorkload> workloads;
  std::optional<Sample> sample;
};

// Throws UserError with all mistakes of the file; the files it names are not read.
Sweep load_sweep(const std::filesystem::path& path);

// Which accelerator, workload and value of each axis; 0 for axes of other accelerators.
struct SweepPoint {
  std::size_t accelerator = 0;
  std::size_t workload = 0;
  std::vector<std::size_t> values;  // by axis

  bool operator==(const SweepPoint&) const = default;
};

std::vector<Override> overrides_of(const Sweep& sweep, const SweepPoint& point);
// "systolic_int8_16x16_edge design.rows=8 llama-2-7b decode".
std::string label_of(const Sweep& sweep, const SweepPoint& point);
// The names of the axes, each once: axes of different accelerators may share one. And the labels of
// a point's values for them, "" where its accelerator has no such axis.
std::vector<std::string> axis_names(const Sweep& sweep);
std::vector<std::string> axis_labels(const Sweep& sweep, const SweepPoint& point);

// All points that hold the constraints, or the sample of them, in the order of the grid:
// accelerators outermost, then the axes in the order of the file, workloads innermost. Every
// accelerator is read with its overrides, so that no point fails later for its configuration:
// throws UserError with each mistake once, and when no point is left, the sample is larger than
// what there is, or the grid without a sample has more than kMostPoints.
std::vector<SweepPoint> expand(const Sweep& sweep, AcceleratorFiles& files);

}  // namespace bitsmith
