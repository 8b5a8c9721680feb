// Parameters of the systolic array; sim/pe/systolic/README.md is the room card.
#pragma once

#include <cstdint>

#include "config/parameter_table.h"
#include "numerics/format.h"
#include "pe/array_ports.h"
#include "pe/job.h"
#include "pe/job_layout.h"

namespace bitsmith::systolic {

// What a sum does that does not fit the accumulator. `exact`: jobs that could overflow are refused.
enum class Overflow { exact = 0, wrap = 1, saturate = 2 };
// Whether the next job's operands may enter while results leave.
enum class Drain { serial = 0, overlapped = 1 };
// The PE-cycle classes in which the registers of a PE are not clocked.
enum class ClockGating { none = 0, idle = 1, idle_pad = 2 };

struct Params {
  std::uint32_t rows = 16;
  std::uint32_t cols = 16;
  const Format* activation = find_format("int8");
  const Format* weight = find_format("int8");
  std::uint32_t accumulator_bits = 32;
  std::uint32_t k_bits = 16;
  Overflow overflow = Overflow::exact;
  Drain drain = Drain::overlapped;
  ClockGating clock_gating = ClockGating::none;
};

const ParameterTable<Params>& parameters();

// Largest K whose sum always fits the accumulator: K products of at most 2^(a-1) * 2^(w-1) each.
std::uint64_t longest_exact_k(const Params& params);

JobLayout job_layout(const Params& params);
ChannelWidths channel_widths(const Params& params);

enum Action : std::size_t { kJob, kABeat, kWBeat, kMac, kDrainCopy, kDrainShift, kYBeat, kActions };

// Steps from the step in which the last token of an emitting job enters until the step in which its
// last row leaves the PEs: the edge register and the skew to PE (m-1, n-1), the copy into the drain
// registers (overlapped only), m rows. The RTL's drain_left register.
constexpr std::uint32_t drain_steps(const Params& params, const Job& job) {
  return 2 * job.m + job.n - (params.drain == Drain::serial ? 1 : 0);
}

}  // namespace bitsmith::systolic
