// What separates SCALE-Sim's and STONNE's cycles from those of the verified systolic array, cause
// by cause.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reproduce/scale_sim.h"

namespace bitsmith::reproduce {

// Whether the next fold's operands may enter while results leave (drain) and while tokens of the
// fold before enter (preload); in os there is no preload.
enum class Overlap { serial, overlapped };

struct Term {
  std::string name;
  std::int64_t cycles = 0;  // what it adds to the tool's claim; may be 0
};

// One claim beside the cycles of the array of the same size and dataflow, its operands always
// there. The claim and all terms sum to ours.
struct Comparison {
  std::string tool;
  Dataflow dataflow = Dataflow::output_stationary;
  Overlap overlap = Overlap::serial;
  std::uint64_t claim = 0;
  std::uint64_t ours = 0;
  std::vector<Term> terms;
};

// Every tool and dataflow, serial and overlapped. Rows and columns of 1..256. Throws UserError when
// the GEMM is too large for the tile engine.
std::vector<Comparison> compare_with_scale_sim(const GemmShape& gemm, ArrayShape array);

}  // namespace bitsmith::reproduce
