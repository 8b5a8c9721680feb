// The vector unit: passes over the results of a block or over the input of a vector operator's.
// Values of results are converted (ResultHalf::pack); those of vector operators are not computed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <systemc>

#include "system/sc_clocked.h"
#include "system/sc_work.h"
#include "system/timeline.h"

namespace bitsmith {

class ScVectorUnit : public ScClocked, public DispatchIf {
 public:
  sc_core::sc_in<std::uint64_t> blocks_written_i{"blocks_written_i"};  // all from the start
  sc_core::sc_out<std::uint64_t> inputs_passed_o{"inputs_passed_o"};
  sc_core::sc_out<std::uint64_t> results_passed_o{"results_passed_o"};

  ScVectorUnit(sc_core::sc_module_name name, ScGuard& guard, const MemoryParams& memory,
               const MemoryTimes& times, Timeline* timeline)
      : ScClocked(name, guard), memory_(memory), times_(times), timeline_(timeline) {}

  void start(const BlockRun& run) override {
    if (run.work->is_passed() && run.block.emit) runs_.push_back(run);
  }
  // Edge 0 of an operator, one edge before it.
  void begin_operator(std::uint64_t origin) { origin_ = origin; }

  bool is_busy() const { return now() < done_; }

  // What it did, in order.
  struct Use {
    std::uint64_t start, done;
  };
  bool has_use() const { return !uses_.empty(); }
  Use take_use() {
    const Use use = uses_.front();
    uses_.pop_front();
    return use;
  }

 private:
  void on_edge() override {
    if (now() >= done_ && !runs_.empty() && input_is_there()) begin(runs_.front());
    if (now() + 1 == done_ && passes_input_) inputs_passed_o.write(++inputs_);
    while (!there_.empty() && there_.front() == now() + 1) {
      there_.pop_front();
      results_passed_o.write(++results_);
    }
  }

  bool input_is_there() {
    const BlockRun& run = runs_.front();
    if (!run.work->is_gemm()) return now() >= run.operands_at_ports;
    return blocks_written_i.read() > run.gemm_stores_before;
  }

  void begin(const BlockRun& run) {
    const std::uint64_t cycles = count(run);
    done_ = now() + cycles;
    there_.push_back(done_ + memory_.vector.latency);
    passes_input_ = !run.work->is_gemm();
    if (passes_input_) uses_.push_back({now(), done_});
    if (timeline_ != nullptr) {
      timeline_->add({TimelineRow::vector_unit, run.work->number(),
                      passes_input_ ? "block" : "results", run.index,
                      (now() - origin_) * times_.period_ps, (done_ - origin_) * times_.period_ps});
    }
    runs_.pop_front();
  }

  // Counts a block and returns the cycles it takes.
  std::uint64_t count(const BlockRun& run) const {
    ScWork& work = *run.work;
    const BufferParams& results = memory_.result_buffer;
    const std::uint64_t elements = run.block.m * run.block.n;
    const std::uint64_t passes = work.passes();
    const std::uint64_t lanes = memory_.vector.lanes;
    const std::uint64_t stored_words = results.cycles_for(work.bits(Tensor::results, run.block));
    std::uint64_t cycles = (elements + lanes - 1) / lanes;
    if (work.is_gemm()) {
      const std::uint64_t words = results.cycles_for(elements * work.accumulator_bits());
      cycles = std::max(cycles, words);
      work.counts.result_buffer_reads += passes * words;
    } else {
      const std::uint64_t words =
          memory_.activation_buffer.cycles_for(work.bits(Tensor::activations, run.block));
      cycles = std::max({cycles, words, stored_words});
      work.counts.activation_buffer_reads += passes * words;
    }
    work.counts.result_buffer_writes += stored_words;
    work.counts.vector_operations += elements * passes;
    return passes * cycles;
  }

  const MemoryParams& memory_;
  const MemoryTimes& times_;
  Timeline* timeline_;
  std::uint64_t origin_ = 0;
  std::deque<BlockRun> runs_;
  std::uint64_t done_ = 0;  // edge at which it is free again
  bool passes_input_ = false;
  std::deque<std::uint64_t> there_;  // edges at which results are there
  std::deque<Use> uses_;
  std::uint64_t inputs_ = 0, results_ = 0;
};

}  // namespace bitsmith
