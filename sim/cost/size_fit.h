// Figures of a module at a size of the array that was not synthesised, from records at others.
//
// Fitted are 1, R, C, R(R-1)/2 and C(C-1)/2 (or those of the one size that the module knows): what
// stands at an edge is a queue, a counter or a multiplexer per row or column, and the skew, a delay
// line of depth r in row r, numbered from 0. Each costs something, so that none of their
// coefficients is below 0; without that bound, gates that abc saved at one size make large arrays
// cost less than nothing. No product: what grows with R x C is a PE or a module per PE, with
// instances of its own. The critical path is the longest one measured, and at least that long at
// larger sizes: it grows by a gate now and then and follows no polynomial.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cost/technology.h"

namespace bitsmith {

// A module's parameters, sizes apart.
class SizedModule {
 public:
  SizedModule(const RtlParameters& parameters, const std::vector<RtlDescription::Size>& sizes);

  bool has_sizes() const { return !sizes_.empty(); }
  const RtlParameters& parameters() const { return all_; }
  // Whether the parameters differ in sizes only.
  bool is_alike(const RtlParameters& parameters) const;
  // 1, R, R(R-1)/2, and C, C(C-1)/2 if there are two.
  std::vector<double> terms(const RtlParameters& parameters) const;
  // Whether a size is outside of all that `family` has of it.
  bool is_beyond(const std::vector<const ModuleRecord*>& family) const;
  // Of all sizes: what is largest is what is nearest to large arrays.
  std::int64_t extent(const RtlParameters& parameters) const;

 private:
  RtlParameters all_, others_;  // sorted
  std::vector<std::string> sizes_;
};

struct SizeFit {
  ModuleRecord record;
  bool is_beyond = false;  // of the sizes that were measured
  HeldOutError held_out;   // of the largest record, predicted from the others; none where too few
};

// None when there are too few sizes or they do not tell the terms apart. `family`: alike modules of
// one RTL.
std::optional<SizeFit> interpolate_sizes(const SizedModule& module,
                                         const std::vector<const ModuleRecord*>& family);

}  // namespace bitsmith
