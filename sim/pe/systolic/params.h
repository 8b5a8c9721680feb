// Parameters of the systolic array; sim/pe/systolic/README.md is the room card.
#pragma once

#include <cstdint>

#include "config/parameter_table.h"
#include "numerics/format.h"
#include "pe/array_ports.h"
#include "pe/job.h"
#include "pe/job_layout.h"

namespace bitsmith::systolic {

// What stays in the PEs while the other two move: the sums, the weights or the activations.
enum class Dataflow { output_stationary = 0, weight_stationary = 1, input_stationary = 2 };
// What a sum does that does not fit the accumulator. `exact`: jobs that could overflow are refused.
enum class Overflow { exact = 0, wrap = 1, saturate = 2 };
// Whether the next job's stationary operands may enter while tokens of the job before do.
enum class Preload { serial = 0, overlapped = 1 };
// Whether the next job's operands may enter while results leave.
enum class Drain { serial = 0, overlapped = 1 };
// The PE-cycle classes in which the registers of a PE are not clocked.
enum class ClockGating { none = 0, idle = 1, idle_pad = 2 };

struct Params {
  std::uint32_t rows = 16;
  std::uint32_t cols = 16;
  Dataflow dataflow = Dataflow::output_stationary;
  const Format* activation = find_format("int8");
  const Format* weight = find_format("int8");
  std::uint32_t accumulator_bits = 32;
  std::uint32_t k_bits = 16;
  std::uint32_t acc_rows = 1024;
  Overflow overflow = Overflow::exact;
  std::uint32_t pipeline = 1;
  Preload preload = Preload::overlapped;
  Drain drain = Drain::overlapped;
  ClockGating clock_gating = ClockGating::none;
};

const ParameterTable<Params>& parameters();

inline bool is_output_stationary(const Params& params) {
  return params.dataflow == Dataflow::output_stationary;
}
inline bool is_floating_point(const Params& params) {
  return params.activation->kind == FormatKind::minifloat;
}
// Partial sums that one result is made of: the first takes products 0, 2, ..., the second 1, 3,
// ...; at the end the two are added.
inline std::uint32_t partial_sums(const Params& params) {
  return is_output_stationary(params) && params.pipeline == 3 ? 2 : 1;
}

// Largest K whose sum always fits the accumulator: K products of at most 2^(a-1) * 2^(w-1) each.
// Floating point has no such limit.
std::uint64_t longest_exact_k(const Params& params);

TileLimits tile_limits(const Params& params);
JobLayout job_layout(const Params& params);
ChannelWidths channel_widths(const Params& params);

enum Action : std::size_t {
  kJob,
  kABeat,
  kWBeat,
  kMac,
  kAddPartialSums,
  kDrainCopy,
  kDrainShift,
  kAccRead,
  kAccWrite,
  kYBeat,
  kActions
};

// Latencies in steps, as the RTL's localparams of the same names.

// Output stationary: from the last token of an emitting job until its last row has left the PEs:
// the edge register and the skew to PE (m-1, n-1), what a pipelined PE takes longer, the copy into
// the drain registers (overlapped only), m rows.
inline std::uint32_t os_drain_steps(const Params& params, const Job& job) {
  const std::uint32_t late = params.pipeline == 3 ? 4 : params.pipeline - 1;
  return 2 * job.m + job.n + late - (params.drain == Drain::serial ? 1 : 0);
}
// Steps after the last token of an emitting job in which its two partial sums are added.
inline std::uint32_t os_adding_steps(const Params& params) { return params.pipeline == 3 ? 3 : 0; }

// Weight, input stationary: from a token's entry until the last lane of its result has left.
inline std::uint32_t ws_drain_steps(const Params& params) {
  const std::uint32_t row_steps = params.pipeline == 3 ? 2 : 1;
  return row_steps * params.rows + params.cols + (params.pipeline == 1 ? 0 : 1);
}
// From a token's entry until a token that continues its sums may enter.
inline std::uint32_t ws_reuse_steps(const Params& params) {
  return (params.pipeline == 3 ? 2 : 1) * params.rows + 2;
}

// Weight and input stationary in one view: a job streams `tokens` and each meets k x lanes PEs.
struct StreamShape {
  std::uint32_t tokens;
  std::uint32_t lanes;
};
inline StreamShape stream_shape(const Params& params, const Job& job) {
  return params.dataflow == Dataflow::weight_stationary ? StreamShape{job.m, job.n}
                                                        : StreamShape{job.n, job.m};
}

}  // namespace bitsmith::systolic
