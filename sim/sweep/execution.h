// Computes the missing results of a sweep in worker processes.
#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sweep/result_store.h"

namespace bitsmith {

struct ExecutionCounts {
  std::size_t points = 0;
  std::size_t reused = 0;    // were in the store
  std::size_t repeated = 0;  // the same as a point before them
  std::size_t computed = 0;  // now, failed ones included
  std::size_t failed = 0;    // now

  std::size_t left() const { return points - reused - repeated - computed; }
};

// The points (places in `keys`, ascending) whose record in the store is not "done"; of equal keys
// the first.
std::vector<std::size_t> unfinished_points(const std::vector<std::string>& keys,
                                           const ResultStore& store);

struct ExecutionOptions {
  unsigned jobs = 1;  // worker processes
  // Called after every point, and now and then in between.
  std::function<void(const ExecutionCounts&)> on_progress = [](const ExecutionCounts&) {};
};

// A record has a member "status": "done", or "failed" with "errors". Points whose record in the
// store is "done" are reused, all others are computed, in order: `evaluate(i)` makes the record of
// point i, whose key is keys[i], in a worker process. What it throws becomes a failed record, and
// the others go on. A worker that dies is replaced and its point tried once more; the second time
// the point fails. Points with equal keys are computed once.
//
// Throws Interrupted after SIGINT and the like, and UserError when results cannot be written:
// workers are gone then, and what was in the store by then stays. Forks: no other thread of the
// process may hold a lock that a worker needs (OpenBLAS's own wait idle). SIGPIPE must be ignored,
// as main does: a worker may die before it is given a point.
ExecutionCounts execute(const std::vector<std::string>& keys, const ResultStore& store,
                        const std::function<nlohmann::ordered_json(std::size_t)>& evaluate,
                        const ExecutionOptions& options);

}  // namespace bitsmith
