// Parameters of the design, and what follows from them alone; README.md is the room card.
#pragma once

#include <cstdint>

#include "config/parameter_table.h"
#include "numerics/format.h"
#include "pe/array_ports.h"
#include "pe/job.h"
#include "pe/job_layout.h"

namespace bitsmith::design_id {

// REPLACE: the parameters of your design. The initialisers are the defaults.
struct Params {
  std::uint32_t lanes = 4;
  const Format* activation = find_format("int8");
  const Format* weight = find_format("int8");
  std::uint32_t accumulator_bits = 32;
  std::uint32_t k_bits = 16;
};

const ParameterTable<Params>& parameters();

// Largest K whose sum always fits the accumulator: K products of at most 2^(a-1) * 2^(w-1) each.
std::uint64_t longest_exact_k(const Params& params);

JobLayout job_layout(const Params& params);
ChannelWidths channel_widths(const Params& params);

// Beats of `a`, and of `w`, that a job takes.
constexpr std::uint64_t operand_beats(const Params& params, const Job& job) {
  return (std::uint64_t{job.k} + params.lanes - 1) / params.lanes;
}

// REPLACE: what is counted, one entry per thing that costs energy; design.cpp names the entries.
enum Action : std::size_t { kJob, kABeat, kWBeat, kMac, kYBeat, kActions };

// Steps from the step in which the last token of a sum enters until the one in which the sum leaves
// the PE: into the dot product register, into the accumulator.
inline constexpr std::uint64_t kDrainSteps = 2;

}  // namespace bitsmith::design_id
