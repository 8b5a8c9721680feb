// What takes the array's results: every beat goes into the half of its block at once.
#pragma once

#include <cstdint>
#include <deque>
#include <systemc>

#include "pe/design.h"
#include "system/sc_array.h"
#include "system/sc_buffers.h"
#include "system/sc_clocked.h"
#include "system/sc_work.h"

namespace bitsmith {

class ScWriter : public ScClocked, public DispatchIf {
 public:
  sc_core::sc_in<bool> valid_i{"valid_i"};
  sc_core::sc_out<bool> ready_o{"ready_o"};
  sc_core::sc_in<Payload> beat_i{"beat_i"};
  sc_core::sc_out<std::uint64_t> blocks_written_o{"blocks_written_o"};  // from the start

  ScWriter(sc_core::sc_module_name name, ScGuard& guard, const Design& design,
           std::uint64_t port_cycles, std::array<ResultHalf, 2>& halves)
      : ScClocked(name, guard), design_(design), port_cycles_(port_cycles), halves_(halves) {}

  void start_of_simulation() override { ready_o.write(true); }
  void start(const BlockRun& run) override {
    if (run.work->is_gemm() && run.block.emit) runs_.push_back(run);
  }

 private:
  void on_edge() override {
    if (!valid_i.read()) return;
    check(now() >= earliest_, "results come faster than the buffer takes them");
    earliest_ = now() + port_cycles_;
    if (walk_.at_end()) begin_block();
    store_beat();
  }

  void begin_block() {
    check(!runs_.empty(), "results of no block");
    run_ = runs_.front();
    runs_.pop_front();
    walk_ = JobWalk(run_.block, run_.work->limits());
    find_emitting_job();
    halves_[run_.store % 2].begin(run_.block);
  }

  void find_emitting_job() {
    while (!walk_.at_end() && !walk_.job().emit) walk_.next();
    beat_ = 0;
    if (walk_.at_end()) return;
    job_ = walk_.job();
    beats_ = design_.beats(job_).y;
  }

  void store_beat() {
    ResultHalf& half = halves_[run_.store % 2];
    design_.unpack_y(job_, beat_i.read().words, beat_,
                     half.tile(walk_.row(), walk_.column(), job_));
    run_.work->counts.result_buffer_writes += port_cycles_;
    if (++beat_ < beats_) return;
    walk_.next();
    find_emitting_job();
    if (walk_.at_end()) blocks_written_o.write(++written_);
  }

  const Design& design_;
  std::uint64_t port_cycles_;
  std::array<ResultHalf, 2>& halves_;
  std::deque<BlockRun> runs_;
  BlockRun run_;
  JobWalk walk_;
  Job job_;
  std::uint64_t beat_ = 0, beats_ = 0;
  std::uint64_t earliest_ = 0;
  std::uint64_t written_ = 0;
};

}  // namespace bitsmith
