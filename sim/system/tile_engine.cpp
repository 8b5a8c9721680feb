#include "system/tile_engine.h"

#include "common/error.h"
#include "pe/registry.h"

namespace bitsmith {
namespace {

// Folds a design's timing over a schedule. A repetition that leaves the array alike but later is
// not folded again: all that follow add the same.
template <class Timing>
class ScheduleFold {
 public:
  ScheduleFold(const Timing& timing, Pace pace) : timing_(timing), pace_(pace) {}

  void run(const Schedule& schedule) {
    for (std::uint64_t done = 0; done < schedule.repeat; ++done) {
      const typename Timing::State state_before = state_;
      const Sums sums_before = sums_;
      run_once(schedule);
      if (state_.alike(state_before)) {
        skip(schedule.repeat - done - 1, state_before, sums_before);
        return;
      }
    }
  }

  // Feeds, jobs, PE-cycles with a token and actions are final; cycles and the rest follow from the
  // last result.
  RunCounts counts(std::uint64_t pe_count) const {
    RunCounts counts;
    counts.cycles = sums_.last_y + 1;
    counts.array_cycles = sums_.feed_steps;
    counts.stall_cycles.fill_drain = counts.cycles - counts.array_cycles;
    counts.macs = sums_.macs;
    counts.jobs = sums_.jobs;
    const std::uint64_t steps = pace_.enabled_cycles(counts.cycles);
    counts.pe_cycles.mac = sums_.mac_pe_cycles;
    counts.pe_cycles.pad = sums_.pad_pe_cycles;
    counts.pe_cycles.idle = pe_count * (steps - sums_.feed_steps);
    counts.pe_cycles.stalled = pe_count * (counts.cycles - steps);
    counts.actions = sums_.actions;
    return counts;
  }

 private:
  struct Sums {
    std::uint64_t last_y = 0;
    std::uint64_t feed_steps = 0;
    std::uint64_t macs = 0;
    std::uint64_t jobs = 0;
    std::uint64_t mac_pe_cycles = 0;
    std::uint64_t pad_pe_cycles = 0;
    ActionCounts actions;
  };

  void run_once(const Schedule& schedule) {
    if (schedule.is_leaf()) return run_job(schedule.job);
    for (const Schedule& child : schedule.children) run(child);
  }

  void run_job(const Job& job) {
    const JobTiming timing = timing_.next(state_, job, pace_);
    if (job.emit) sums_.last_y = timing.last_y;
    sums_.feed_steps += timing.feed_steps;
    sums_.macs += std::uint64_t{job.m} * job.n * job.k;
    ++sums_.jobs;
    sums_.mac_pe_cycles += timing.mac_pe_cycles;
    sums_.pad_pe_cycles += timing.pad_pe_cycles;
    sums_.actions.add(timing.actions);
  }

  void skip(std::uint64_t times, const typename Timing::State& state_before,
            const Sums& sums_before) {
    const std::uint64_t steps = times * (state_.step - state_before.step);
    state_.step += steps;
    const auto extend = [times](std::uint64_t& sum, std::uint64_t before) {
      sum += times * (sum - before);
    };
    if (sums_.last_y != sums_before.last_y) sums_.last_y += steps * pace_.interval;
    extend(sums_.feed_steps, sums_before.feed_steps);
    extend(sums_.macs, sums_before.macs);
    extend(sums_.jobs, sums_before.jobs);
    extend(sums_.mac_pe_cycles, sums_before.mac_pe_cycles);
    extend(sums_.pad_pe_cycles, sums_before.pad_pe_cycles);
    for (std::size_t i = 0; i < ActionCounts::kMost; ++i) {
      extend(sums_.actions[i], sums_before.actions[i]);
    }
  }

  Timing timing_;
  Pace pace_;
  typename Timing::State state_;
  Sums sums_;
};

}  // namespace

RunCounts run_schedule(const Design& design, const Schedule& schedule, Pace pace) {
  return visit_design(design, [&](const auto& concrete) {
    using Timing = typename std::decay_t<decltype(concrete)>::Timing;
    ScheduleFold<Timing> fold(Timing(concrete.params()), pace);
    fold.run(schedule);
    return fold.counts(design.pe_count());
  });
}

RunResult run_tile(const Design& design, const Workload& workload) {
  RunResult result;
  double bound = 0;
  for (const Operator& op : workload.operators) {
    if (!op.is_gemm()) continue;
    bound += pe_cycle_bound(op, design.tile_limits());
    if (bound >= kMostPeCycles) {
      throw UserError(fmt::format(
          "workload '{}': up to operator '{}' it is more PE-cycles than 64-bit counters hold",
          workload.name, op.name));
    }
    const RunCounts once = run_schedule(design, schedule_operator(op, design.tile_limits()));
    OperatorResult row{op, {}};
    row.counts.add(once, op.repeat);
    result.total.add(row.counts, 1);
    result.operators.push_back(std::move(row));
  }
  return result;
}

}  // namespace bitsmith
