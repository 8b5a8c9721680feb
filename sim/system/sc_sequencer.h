// The sequencer: dispatches blocks when what they need is there, goes from operator to operator,
// paces the array and keeps the books.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <systemc>

#include "common/interrupt.h"
#include "system/sc_clocked.h"
#include "system/sc_ledger.h"
#include "system/sc_tap.h"
#include "system/sc_tensors.h"
#include "system/sc_vector_unit.h"
#include "system/sc_work.h"

namespace bitsmith {

class ScSequencer : public ScClocked {
 public:
  sc_core::sc_port<DispatchIf, 0> blocks_o{"blocks_o"};
  sc_core::sc_out<ScWork*> work_o{"work_o"};  // a new operator's edge 0 is the one that shows it
  sc_core::sc_out<bool> en_o{"en_o"};
  sc_core::sc_in<std::uint64_t> a_resident_i{"a_resident_i"};  // all counts from the start
  sc_core::sc_in<std::uint64_t> w_resident_i{"w_resident_i"};
  sc_core::sc_in<std::uint64_t> blocks_written_i{"blocks_written_i"};
  sc_core::sc_in<std::uint64_t> results_passed_i{"results_passed_i"};
  sc_core::sc_in<std::uint64_t> stored_i{"stored_i"};

  struct Parts {
    std::deque<ScWork>& works;  // at least one
    ScLedger& ledger;
    TokenLog& tokens;
    ScVectorUnit& vector_unit;
    ScTensors& tensors;
    RunResult& result;
    std::function<std::uint64_t()> events;  // grows while anything happens
  };

  ScSequencer(sc_core::sc_module_name name, ScGuard& guard, const MemoryParams& memory,
              const MemoryTimes& times, Parts parts)
      : ScClocked(name, guard), memory_(memory), times_(times), parts_(std::move(parts)) {}

  void start_of_simulation() override {
    en_o.write(times_.interval == 1);
    announce_operator(0);
  }

  bool is_done() const { return done_; }
  std::uint64_t operator_number() const { return work_ == nullptr ? 0 : work_->number(); }
  std::uint64_t blocks_dispatched() const { return next_; }  // of this operator

 private:
  // When a count was seen to grow, by what it counts; a few of the latest.
  class Seen {
   public:
    void begin_operator(std::uint64_t count) { base_ = count_ = count; }
    bool update(std::uint64_t count, std::uint64_t edge) {
      if (count == count_) return false;
      for (; count_ < count; ++count_) edges_[(count_ - base_) % edges_.size()] = edge;
      return true;
    }
    std::uint64_t count() const { return count_ - base_; }
    // Of the occurrence with this number of the operator.
    std::uint64_t edge_of(std::uint64_t number) const { return edges_[number % edges_.size()]; }

   private:
    std::uint64_t base_ = 0, count_ = 0;
    std::array<std::uint64_t, 4> edges_{};
  };

  void on_edge() override {
    if (done_) return;
    if (announced_) change_operator();
    if (done_) return;
    observe();
    dispatch();
    if (next_ == work_->block_count() && stored_.count() == stores_) announce_end();
    pace();
    if (now() % kLookAround == 0) look_around();
  }

  // ---- operators

  void announce_operator(std::size_t number) {
    announced_ = true;
    number_ = number;
    ScWork* work = number < parts_.works.size() ? &parts_.works[number] : nullptr;
    if (work != nullptr) parts_.tensors.open(work);
    work_o.write(work);
  }

  void change_operator() {
    announced_ = false;
    if (work_ != nullptr) end_operator();
    if (number_ == parts_.works.size()) {
      done_ = true;
      sc_core::sc_pause();
      return;
    }
    work_ = &parts_.works[number_];
    origin_ = now();
    next_ = stores_ = a_loads_ = w_loads_ = 0;
    dispatched_ = now();
    a_.begin_operator(a_resident_i.read());
    w_.begin_operator(w_resident_i.read());
    written_.begin_operator(blocks_written_i.read());
    passed_.begin_operator(results_passed_i.read());
    stored_.begin_operator(stored_i.read());
    tail_ = {};
    parts_.ledger.begin_operator(origin_, *work_);
    parts_.vector_unit.begin_operator(origin_);
    block_ = work_->block(0);
  }

  // The last answer was seen one edge ago; the next operator's edge 0 is the next edge.
  void announce_end() {
    tail_.end = edge() + 1;
    parts_.tokens.keep_counts_after(now());
    announce_operator(number_ + 1);
    phase_ = times_.interval - 1;
  }

  void end_operator() {
    settle_blocks();
    const TokenLog::Counts after = parts_.tokens.kept();
    const RunCounts once = parts_.ledger.end_operator(tail_, before_, after);
    before_ = after;
    OperatorResult result;
    result.op = work_->program().op;
    result.counts.add(once, result.op.repeat);
    result.mapping = work_->planned().mapping;
    result.mappings_seen = work_->planned().mappings_seen;
    parts_.result.total.add(result.counts, 1);
    parts_.result.operators.push_back(std::move(result));
  }

  // ---- blocks

  std::uint64_t edge() const { return now() - origin_; }

  void observe() {
    a_.update(a_resident_i.read(), edge());
    w_.update(w_resident_i.read(), edge());
    stored_.update(stored_i.read(), edge());
    // Taken one edge before this.
    if (written_.update(blocks_written_i.read(), edge())) tail_.last_y = edge() - 1;
    passed_.update(results_passed_i.read(), edge());
    const Seen& there = results_there();
    if (there.count() > 0) tail_.vector_done = there.edge_of(there.count() - 1);
  }
  const Seen& results_there() const { return work_->is_passed() ? passed_ : written_; }

  void dispatch() {
    if (next_ == work_->block_count() || now() < dispatched_) return;
    const std::uint64_t a_needed = a_loads_ + (block_.loads_a ? 1 : 0);
    const std::uint64_t w_needed = w_loads_ + (block_.loads_w ? 1 : 0);
    if (a_.count() < a_needed || w_.count() < w_needed) return;
    if (block_.emit && stores_ >= 2 && stored_.count() < stores_ - 1) return;
    a_loads_ = a_needed;
    w_loads_ = w_needed;
    dispatched_ = now() + memory_.sequencer.block_cycles;
    hand_out();
    if (++next_ < work_->block_count()) block_ = work_->block(next_);
  }

  void hand_out() {
    settle_blocks();
    BlockRun run{work_, next_, block_, a_loads_ - 1, w_loads_ - 1, all_stores_, gemm_stores_, 0};
    const std::uint64_t latency =
        work_->is_gemm() ? times_.operand_latency : memory_.activation_buffer.latency;
    run.operands_at_ports = dispatched_ + latency;
    if (work_->is_gemm()) {
      parts_.tokens.expect(JobWalk(block_, work_->limits()).jobs_left());
      parts_.ledger.dispatch(next_, block_, gemm_times(run.operands_at_ports - origin_));
    } else {
      parts_.ledger.dispatch(VectorBlockTimes{a_.edge_of(run.a_load), half_free(), 0, 0});
    }
    for (int i = 0; i < blocks_o.size(); ++i) blocks_o[i]->start(run);
    ++work_->counts.blocks;
    if (!block_.emit) return;
    ++stores_;
    ++all_stores_;
    if (work_->is_gemm()) ++gemm_stores_;
  }

  std::uint64_t half_free() const {
    return block_.emit && stores_ >= 2 ? stored_.edge_of(stores_ - 2) : 0;
  }
  GemmBlockTimes gemm_times(std::uint64_t operands_at_ports) const {
    GemmBlockTimes times;
    if (block_.loads_a) times.a_resident = a_.edge_of(a_loads_ - 1);
    if (block_.loads_w) times.w_resident = w_.edge_of(w_loads_ - 1);
    times.half_free = half_free();
    if (times.half_free > 0) times.half_vector_done = results_there().edge_of(stores_ - 2);
    times.operands_at_ports = operands_at_ports;
    return times;
  }

  // Blocks whose last token or element has gone by.
  void settle_blocks() {
    while (parts_.tokens.has_block()) parts_.ledger.tokens_of_block(parts_.tokens.take_block());
    while (parts_.vector_unit.has_use()) {
      const ScVectorUnit::Use use = parts_.vector_unit.take_use();
      parts_.ledger.use_of_vector_unit(use.start, use.done);
    }
  }

  // ---- every edge

  // Enabled in cycles c of the operator with c mod II = 1 mod II.
  void pace() {
    if (times_.interval == 1) return;
    phase_ = (phase_ + 1) % times_.interval;
    en_o.write(phase_ == 1);
  }

  void look_around() {
    throw_if_interrupted();
    const std::uint64_t events = parts_.events();
    if (events != events_ || parts_.vector_unit.is_busy()) quiet_since_ = now();
    events_ = events;
    if (now() - quiet_since_ < longest_quiet()) return;
    throw InternalError(fmt::format("operator '{}': nothing happens any more in cycle {}",
                                    work_->program().op.name, edge()));
  }

  // Longer than any wait for an answer, with something to spare.
  std::uint64_t longest_quiet() const {
    return kMostQuiet +
           4 * (times_.edge_at_or_after(times_.dram.latency_ps) +
                times_.edge_at_or_after(times_.dram.access_ps) +
                times_.edge_at_or_after(times_.converted_access_ps) +
                times_.converted_write_cycles + memory_.dma.setup_cycles + times_.y_read_cycles);
  }

  static constexpr std::uint64_t kLookAround = 4096;       // cycles
  static constexpr std::uint64_t kMostQuiet = 10'000'000;  // cycles

  const MemoryParams& memory_;
  const MemoryTimes& times_;
  Parts parts_;

  bool announced_ = false;  // an operator begins at the next edge
  bool done_ = false;
  std::size_t number_ = 0;  // of the present operator, or of the one announced
  ScWork* work_ = nullptr;
  std::uint64_t origin_ = 0;  // its edge 0
  TokenLog::Counts before_;
  TailTimes tail_;

  std::uint64_t next_ = 0;                   // block
  Block block_;                              // the next
  std::uint64_t dispatched_ = 0;             // edge at which the block before is
  std::uint64_t a_loads_ = 0, w_loads_ = 0;  // of blocks dispatched
  std::uint64_t stores_ = 0;                 // of blocks dispatched, of this operator
  std::uint64_t all_stores_ = 0, gemm_stores_ = 0;
  Seen a_, w_, written_, passed_, stored_;

  std::uint64_t phase_ = 0;  // of the present edge in the interval
  std::uint64_t events_ = 0, quiet_since_ = 0;
};

}  // namespace bitsmith
