#include <algorithm>
#include <random>
#include <set>
#include <unordered_map>

#include "common/interrupt.h"
#include "cost/run_cost.h"
#include "sweep/sweep.h"

namespace bitsmith {
namespace {

// Numbers the points: those of the accelerators follow each other, and of one they have a digit per
// axis that is for it and a last one for the workload.
class Grid {
 public:
  explicit Grid(const Sweep& sweep) : axes_(sweep.axes.size()), workloads_(sweep.workloads.size()) {
    for (std::size_t accelerator = 0; accelerator < sweep.accelerators.size(); ++accelerator) {
      Part part;
      part.size = workloads_;
      bool overflows = false;
      for (std::size_t i = 0; i < axes_; ++i) {
        const Axis& axis = sweep.axes[i];
        if (!axis.is_for(accelerator)) continue;
        part.axes.push_back({i, axis.values.size()});
        overflows |= __builtin_mul_overflow(part.size, axis.values.size(), &part.size);
      }
      overflows |= __builtin_add_overflow(points_, part.size, &points_);
      if (overflows) {
        throw UserError(fmt::format("sweep {}: the axes make more than 2^64 points", sweep.name));
      }
      parts_.push_back(std::move(part));
    }
  }

  std::uint64_t points() const { return points_; }

  SweepPoint operator[](std::uint64_t number) const {
    SweepPoint point;
    while (number >= parts_[point.accelerator].size) number -= parts_[point.accelerator++].size;
    point.workload = static_cast<std::size_t>(number % workloads_);
    number /= workloads_;
    point.values.resize(axes_);
    const std::vector<Digit>& axes = parts_[point.accelerator].axes;
    for (std::size_t i = axes.size(); i-- > 0; number /= axes[i].size) {
      point.values[axes[i].axis] = static_cast<std::size_t>(number % axes[i].size);
    }
    return point;
  }

 private:
  struct Digit {
    std::size_t axis;
    std::uint64_t size;
  };
  struct Part {  // of an accelerator
    std::vector<Digit> axes;
    std::uint64_t size;
  };

  std::size_t axes_;
  std::uint64_t workloads_;
  std::vector<Part> parts_;
  std::uint64_t points_ = 0;
};

// Whether points hold the constraints. Workloads are innermost and have no part in it, so that the
// points of one configuration, which follow each other, are judged once.
class Judge {
 public:
  Judge(const Sweep& sweep, AcceleratorFiles& files) : sweep_(sweep), files_(files) {}

  bool holds(const SweepPoint& point) {
    if (last_ && last_->accelerator == point.accelerator && last_->values == point.values) {
      return last_holds_;
    }
    last_ = point;
    last_holds_ = judge(point);
    return last_holds_;
  }

  // Throws what was wrong with any of the points.
  void throw_if_any() const {
    if (!mistakes_.empty()) throw UserError(mistakes_);
  }
  bool has_mistakes() const { return !mistakes_.empty(); }

 private:
  bool judge(const SweepPoint& point) {
    try {
      Accelerator accelerator =
          files_.load(sweep_.accelerators[point.accelerator], overrides_of(sweep_, point));
      if (sweep_.engine == SweepEngine::roofline && !accelerator.memory) {
        throw UserError(fmt::format("{}: memory is none: engine roofline needs one",
                                    sweep_.accelerators[point.accelerator].string()));
      }
      require_sram(accelerator, shipped_sram_table);
      limit_clock(accelerator, shipped_technologies());             // constraints see what will run
      array_figures(accelerator, shipped_technologies(), nullptr);  // the clock it allows
      const nlohmann::ordered_json resolved =
          sweep_.constraints.empty() ? nlohmann::ordered_json() : accelerator.resolved();
      return std::all_of(
          sweep_.constraints.begin(), sweep_.constraints.end(),
          [&](const Constraint& constraint) { return constraint.holds(accelerator, resolved); });
    } catch (const UserError& error) {
      for (const std::string& message : error.messages()) {
        // Points differ in what does not matter here: the same mistake once, with its first point.
        if (mistakes_.size() < Diagnostics::kShown && seen_.insert(message).second) {
          mistakes_.push_back(fmt::format("{} (point: {})", message, label_of(sweep_, point)));
        }
      }
      return false;
    }
  }

  const Sweep& sweep_;
  AcceleratorFiles& files_;
  std::optional<SweepPoint> last_;
  bool last_holds_ = false;
  std::set<std::string> seen_;
  std::vector<std::string> mistakes_;
};

// The numbers 0 .. size-1 in a seeded random order, one after the other (Fisher and Yates), holding
// only those that were moved.
class Shuffle {
 public:
  Shuffle(std::uint64_t size, std::uint64_t seed) : size_(size), random_(seed) {}

  std::uint64_t next() {
    const std::uint64_t from = drawn_++;
    const std::uint64_t to = from + below(size_ - from);
    const std::uint64_t result = at(to);
    moved_[to] = at(from);
    moved_.erase(from);
    return result;
  }

 private:
  std::uint64_t at(std::uint64_t i) const {
    const auto found = moved_.find(i);
    return found == moved_.end() ? i : found->second;
  }
  // Uniform in 0 .. bound-1: numbers of the incomplete last round are drawn again.
  std::uint64_t below(std::uint64_t bound) {
    const std::uint64_t reject = (0 - bound) % bound;
    for (;;) {
      const std::uint64_t bits = random_();
      if (bits >= reject) return bits % bound;
    }
  }

  std::uint64_t size_, drawn_ = 0;
  std::mt19937_64 random_;
  std::unordered_map<std::uint64_t, std::uint64_t> moved_;
};

std::vector<std::uint64_t> whole_grid(const Sweep& sweep, const Grid& grid, Judge& judge) {
  if (grid.points() > kMostPoints) {
    throw UserError(fmt::format("sweep {}: {} points, more than {}; take a `sample`", sweep.name,
                                grid.points(), kMostPoints));
  }
  std::vector<std::uint64_t> numbers;
  for (std::uint64_t i = 0; i < grid.points(); ++i) {
    throw_if_interrupted();
    if (judge.holds(grid[i])) numbers.push_back(i);
  }
  return numbers;
}

// Draws until there are enough; what the constraints refuse does not count.
std::vector<std::uint64_t> sample_of(const Sweep& sweep, const Grid& grid, Judge& judge) {
  const Sample& sample = *sweep.sample;
  const std::uint64_t most_draws = std::min(grid.points(), kMostPoints);
  Shuffle shuffle(grid.points(), sample.seed);
  std::vector<std::uint64_t> numbers;
  std::uint64_t draws = 0;
  for (; draws < most_draws && numbers.size() < sample.points && !judge.has_mistakes(); ++draws) {
    throw_if_interrupted();
    const std::uint64_t number = shuffle.next();
    if (judge.holds(grid[number])) numbers.push_back(number);
  }
  judge.throw_if_any();
  if (numbers.size() < sample.points) {
    throw UserError(
        fmt::format("sweep {}: a sample of {} points, but only {} of {} drawn hold the "
                    "constraints",
                    sweep.name, sample.points, numbers.size(), draws));
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

}  // namespace

bool Axis::is_for(std::size_t accelerator) const {
  return accelerators.empty() ||
         std::find(accelerators.begin(), accelerators.end(), accelerator) != accelerators.end();
}

std::vector<Override> overrides_of(const Sweep& sweep, const SweepPoint& point) {
  std::vector<Override> overrides;
  for (std::size_t i = 0; i < sweep.axes.size(); ++i) {
    if (!sweep.axes[i].is_for(point.accelerator)) continue;
    const AxisValue& value = sweep.axes[i].values[point.values[i]];
    overrides.insert(overrides.end(), value.overrides.begin(), value.overrides.end());
  }
  return overrides;
}

std::string label_of(const Sweep& sweep, const SweepPoint& point) {
  std::string label = sweep.accelerator_labels[point.accelerator];
  for (std::size_t i = 0; i < sweep.axes.size(); ++i) {
    const Axis& axis = sweep.axes[i];
    if (!axis.is_for(point.accelerator)) continue;
    label += fmt::format(" {}={}", axis.name, axis.values[point.values[i]].label);
  }
  return label + " " + sweep.workloads[point.workload].label;
}

std::vector<std::string> axis_names(const Sweep& sweep) {
  std::vector<std::string> names;
  for (const Axis& axis : sweep.axes) {
    if (std::find(names.begin(), names.end(), axis.name) == names.end()) names.push_back(axis.name);
  }
  return names;
}

std::vector<std::string> axis_labels(const Sweep& sweep, const SweepPoint& point) {
  std::vector<std::string> labels;
  for (const std::string& name : axis_names(sweep)) {
    labels.emplace_back();
    for (std::size_t i = 0; i < sweep.axes.size(); ++i) {
      const Axis& axis = sweep.axes[i];
      if (axis.name == name && axis.is_for(point.accelerator)) {
        labels.back() = axis.values[point.values[i]].label;
      }
    }
  }
  return labels;
}

std::vector<SweepPoint> expand(const Sweep& sweep, AcceleratorFiles& files) {
  const Grid grid(sweep);
  Judge judge(sweep, files);
  const std::vector<std::uint64_t> numbers =
      sweep.sample ? sample_of(sweep, grid, judge) : whole_grid(sweep, grid, judge);
  judge.throw_if_any();
  if (numbers.empty()) {
    throw UserError(fmt::format("sweep {}: no point holds the constraints", sweep.name));
  }
  std::vector<SweepPoint> points;
  points.reserve(numbers.size());
  for (const std::uint64_t number : numbers) points.push_back(grid[number]);
  return points;
}

}  // namespace bitsmith
