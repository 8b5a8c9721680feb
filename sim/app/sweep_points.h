// The points of a sweep, read once: what each is computed from, and its record.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/pipeline.h"
#include "sweep/sweep.h"

namespace bitsmith::app {

class SweepPoints {
 public:
  // Reads every workload and checks every point. Throws UserError with all mistakes of the points,
  // or of the workloads.
  explicit SweepPoints(Sweep sweep);

  const Sweep& sweep() const { return sweep_; }
  const std::vector<SweepPoint>& points() const { return points_; }
  // By point: the hash of this program and of the tables it reads, the resolved accelerator, the
  // workload's operators and the engine.
  std::vector<std::string> keys() const;
  // What the keys are made from, beside the points' own: hash of this program.
  const std::string& program_hash() const { return program_hash_; }
  // The record of a point, computed. Throws UserError. `key` is that of keys().
  nlohmann::ordered_json evaluate(std::size_t point, const std::string& key) const;

 private:
  Accelerator accelerator_of(const SweepPoint& point) const;
  std::string key_of(const Accelerator& accelerator, std::size_t workload) const;

  Sweep sweep_;
  mutable AcceleratorFiles files_;  // each read once: what was checked is what is computed
  std::string program_hash_, tables_hash_;
  std::vector<Workload> workloads_;
  std::vector<std::string> workload_hashes_;
  std::vector<SweepPoint> points_;
};

}  // namespace bitsmith::app
