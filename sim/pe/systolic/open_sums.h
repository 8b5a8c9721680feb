// What a cycle model demands of jobs that accumulate, whatever the dataflow.
#pragma once

#include "common/error.h"
#include "pe/systolic/params.h"

namespace bitsmith::systolic {

class OpenSums {
 public:
  void reset() { open_ = false; }

  // InternalError when the job continues sums that are not there, or more k than they hold exactly.
  void begin(const Params& params, const Job& job) {
    check(!job.accumulate || (open_ && m_ == job.m && n_ == job.n),
          "a job accumulates without open sums of its shape");
    k_ = (job.accumulate ? k_ : 0) + job.k;
    check(params.overflow != Overflow::exact || k_ <= longest_exact_k(params),
          "the K of accumulating jobs exceeds what the accumulator holds exactly");
    open_ = !job.emit;
    m_ = job.m;
    n_ = job.n;
  }

 private:
  bool open_ = false;  // the next job may accumulate
  std::uint32_t m_ = 0;
  std::uint32_t n_ = 0;
  std::uint64_t k_ = 0;
};

}  // namespace bitsmith::systolic
