// A component model of a technology: what a bit of each word-level operator (cost/word_cells.h)
// costs, fitted by non-negative least squares to its records, times by how much that is off for the
// same module under the nearest other parameters. For modules that no record tells of, and only
// where the user allows it: synthesis shares, sizes and glitches in ways that no such sum knows,
// hence the held-out error beside every figure.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cost/technology.h"

namespace bitsmith {

struct EstimatedModule {
  std::string name;
  RtlParameters parameters;
  WordCells cells;
};

struct Estimate {
  ModuleRecord record;  // without a critical path: it is no sum
  // Mean relative error, by amount, of modules of the same kind (whether or not their parameters
  // are sizes of the array), each left out at all its sizes and counted once, over those whose
  // figure is above 0; of energy the worst class.
  HeldOutError held_out;
};

// Rows are weighted so that relative errors count; every record counts that has word cells, of
// whatever RTL.
class ComponentModel {
 public:
  // Only reads `technology`, which must outlive the model. Holds every record out once: of 500
  // records a fraction of a second.
  explicit ComponentModel(const Technology& technology);
  ~ComponentModel();

  // None when there are fewer than twice as many records as components.
  std::optional<Estimate> estimate(const EstimatedModule& wanted) const;

 private:
  class Fits;
  std::unique_ptr<const Fits> fits_;
};

}  // namespace bitsmith
