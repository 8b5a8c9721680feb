// Books of the `cycle` engine: from the edges at which the sequencer saw things happen to the
// counts of an operator. All edges are those of the operator.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>

#include "common/error.h"
#include "mapping/schedule.h"
#include "mapping/weight_steps.h"
#include "pe/registry.h"
#include "system/array_fold.h"
#include "system/run_result.h"
#include "system/sc_tap.h"
#include "system/sc_work.h"
#include "system/stall_cycles.h"
#include "system/timeline.h"

namespace bitsmith {

// When the array could take the first token of a block had operands never been missing; follows
// what it was given before.
class ArrayReady {
 public:
  virtual ~ArrayReady() = default;
  virtual void restart() = 0;
  virtual void use_steps(std::span<const std::uint32_t> steps) = 0;
  virtual std::uint64_t first_token(const Schedule& schedule) const = 0;
  virtual void run(const Schedule& schedule, std::uint64_t operands_at_ports) = 0;

  static std::unique_ptr<ArrayReady> of(const Design& design, Pace pace);
};

template <class Timing>
class FoldedArrayReady final : public ArrayReady {
 public:
  FoldedArrayReady(const Timing& timing, Pace pace)
      : timing_(timing), pace_(pace), fold_(timing, pace) {}

  void restart() override { fold_ = ArrayFold<Timing>(timing_, pace_); }
  void use_steps(std::span<const std::uint32_t> steps) override { fold_.use_steps(steps); }
  std::uint64_t first_token(const Schedule& schedule) const override {
    return fold_.first_token(schedule);
  }
  void run(const Schedule& schedule, std::uint64_t operands_at_ports) override {
    fold_.operands_from(operands_at_ports);
    fold_.run(schedule);
  }

 private:
  Timing timing_;
  Pace pace_;
  ArrayFold<Timing> fold_;
};

inline std::unique_ptr<ArrayReady> ArrayReady::of(const Design& design, Pace pace) {
  return visit_design(design, [&](const auto& concrete) -> std::unique_ptr<ArrayReady> {
    using Timing = typename std::decay_t<decltype(concrete)>::Timing;
    return std::make_unique<FoldedArrayReady<Timing>>(Timing(concrete.params()), pace);
  });
}

class ScLedger {
 public:
  ScLedger(const Design& design, const MemoryTimes& times, const OperandSource& operands,
           Timeline* timeline)
      : design_(design),
        operands_(operands),
        times_(times),
        pes_(design.pe_count()),
        timeline_(timeline),
        ready_(ArrayReady::of(design, Pace{times.interval})),
        stalls_(times) {}

  void begin_operator(std::uint64_t origin, const ScWork& work) {
    origin_ = origin;
    work_ = &work;
    counts_ = {};
    stalls_ = StallAccount(times_);
    ready_->restart();
    steps_.reset();
    if (design_.steps_depend_on_weights()) {
      steps_.emplace(design_, operands_, work.program().source);
    }
  }

  // A block that was dispatched; its first and last token are not known yet.
  void dispatch(std::uint64_t index, const Block& block, GemmBlockTimes times) {
    const Schedule schedule = schedule_block(block, work_->limits());
    if (steps_) ready_->use_steps(steps_->of(block));
    times.array_ready = ready_->first_token(schedule);
    ready_->run(schedule, times.operands_at_ports);
    counts_.macs += block.m * block.n * block.k;
    gemm_blocks_.push_back({index, times});
  }
  void dispatch(const VectorBlockTimes& times) { vector_blocks_.push_back(times); }

  // Edges from the first one of all.
  void tokens_of_block(const TokenLog::BlockTokens& tokens) {
    auto [index, times] = gemm_blocks_.front();
    gemm_blocks_.pop_front();
    times.first_token = tokens.first - origin_;
    times.last_token = tokens.last - origin_;
    times.tokens = tokens.tokens;
    counts_.array_cycles += tokens.tokens;
    stalls_.gemm_block(times);
    if (timeline_ == nullptr) return;
    timeline_->add({TimelineRow::array, work_->number(), "block", index,
                    times.first_token * times_.period_ps,
                    (times.last_token + 1) * times_.period_ps});
  }
  void use_of_vector_unit(std::uint64_t start, std::uint64_t done) {
    VectorBlockTimes times = vector_blocks_.front();
    vector_blocks_.pop_front();
    times.start = start - origin_;
    times.done = done - origin_;
    stalls_.vector_block(times);
  }

  // `before` and `after`: what the array had counted by then.
  RunCounts end_operator(const TailTimes& tail, const TokenLog::Counts& before,
                         const TokenLog::Counts& after) {
    check(gemm_blocks_.empty() && vector_blocks_.empty(), "an operator ended before its blocks");
    if (work_->is_gemm()) {
      stalls_.gemm_tail(tail);
    } else {
      stalls_.vector_tail(tail);
    }
    counts_.cycles = tail.end;
    counts_.stall_cycles = stalls_.stalls();
    counts_.jobs = after.jobs - before.jobs;
    counts_.pe_cycles = {after.pe_cycles.mac - before.pe_cycles.mac,
                         after.pe_cycles.pad - before.pe_cycles.pad,
                         after.pe_cycles.idle - before.pe_cycles.idle,
                         after.pe_cycles.stalled - before.pe_cycles.stalled};
    for (std::size_t i = 0; i < ActionCounts::kMost; ++i) {
      counts_.actions[i] = after.actions[i] - before.actions[i];
    }
    counts_.system = work_->counts;
    check(counts_.cycles == counts_.array_cycles + counts_.stall_cycles.total(),
          "cycles are not array cycles and stalls");
    check(counts_.pe_cycles.total() == pes_ * counts_.cycles, "PE-cycles are not PEs x cycles");
    return counts_;
  }

 private:
  struct GemmBlock {
    std::uint64_t index;
    GemmBlockTimes times;
  };

  const Design& design_;
  const OperandSource& operands_;
  MemoryTimes times_;
  std::uint64_t pes_;
  Timeline* timeline_;
  std::unique_ptr<ArrayReady> ready_;
  std::optional<WeightSteps> steps_;  // where cycles depend on weights
  StallAccount stalls_;
  std::uint64_t origin_ = 0;
  const ScWork* work_ = nullptr;
  RunCounts counts_;
  std::deque<GemmBlock> gemm_blocks_;
  std::deque<VectorBlockTimes> vector_blocks_;
};

}  // namespace bitsmith
