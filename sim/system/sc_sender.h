// What stands before the array's input channels: readers of the operand buffers and the job driver.
// They offer the beats of dispatched blocks without gaps other than the port's.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <systemc>

#include "pe/design.h"
#include "system/sc_array.h"
#include "system/sc_buffers.h"
#include "system/sc_clocked.h"
#include "system/sc_work.h"

namespace bitsmith {

// Jobs of a block, one beat each.
class JobFeed {
 public:
  explicit JobFeed(const Design& design)
      : design_(design), words_(words_for_bits(design.channel_widths().job)) {}

  void begin(const BlockRun& run) { walk_ = JobWalk(run.block, run.work->limits()); }
  bool at_end() const { return walk_.at_end(); }
  std::span<const std::uint32_t> beat() {
    design_.pack_job(walk_.job(), words_);
    return words_;
  }
  void next() { walk_.next(); }
  void taken(ScWork&) const {}

 private:
  const Design& design_;
  std::vector<std::uint32_t> words_;
  JobWalk walk_;
};

// Beats of one operand, out of the half it was loaded into.
class OperandFeed {
 public:
  OperandFeed(Tensor tensor, const std::array<OperandHalf, 2>& halves, std::uint64_t port_cycles)
      : tensor_(tensor), halves_(halves), port_cycles_(port_cycles) {}

  void begin(const BlockRun& run) {
    half_ = &halves_[(tensor_ == Tensor::weights ? run.w_load : run.a_load) % 2];
    walk_ = JobWalk(run.block, run.work->limits());
    begin_job();
  }
  bool at_end() const { return walk_.at_end(); }
  std::span<const std::uint32_t> beat() const {
    return {half_->beat(next_), half_->words_per_beat()};
  }
  void next() {
    if (++next_ < end_) return;
    walk_.next();
    begin_job();
  }
  void taken(ScWork& work) const {
    if (tensor_ == Tensor::weights) {
      work.counts.weight_buffer_reads += port_cycles_;
    } else {
      work.counts.activation_buffer_reads += port_cycles_;
    }
  }

 private:
  void begin_job() {
    if (walk_.at_end()) return;
    const std::uint64_t tile = tensor_ == Tensor::weights ? walk_.w_tile() : walk_.a_tile();
    next_ = half_->first_beat(tile);
    end_ = half_->first_beat(tile + 1);
  }

  Tensor tensor_;
  const std::array<OperandHalf, 2>& halves_;
  std::uint64_t port_cycles_;
  const OperandHalf* half_ = nullptr;
  JobWalk walk_;
  std::uint64_t next_ = 0, end_ = 0;
};

template <class Feed>
class ScSender : public ScClocked, public DispatchIf {
 public:
  sc_core::sc_in<bool> ready_i{"ready_i"};
  sc_core::sc_out<bool> valid_o{"valid_o"};
  sc_core::sc_out<Payload> beat_o{"beat_o"};

  // A beat every `port_cycles` at most.
  ScSender(sc_core::sc_module_name name, ScGuard& guard, Feed feed, std::uint32_t width,
           std::uint64_t port_cycles)
      : ScClocked(name, guard), feed_(std::move(feed)), beat_(width), port_cycles_(port_cycles) {}

  void start(const BlockRun& run) override {
    if (run.work->is_gemm()) runs_.push_back(run);
  }

  std::uint64_t events() const { return events_; }

 private:
  void on_edge() override {
    if (valid_) {
      if (!ready_i.read()) return;
      ++events_;
      feed_.taken(*at_port_);
      valid_ = false;
      if (offer()) return;
      valid_o.write(false);
    } else if (offer()) {
      valid_o.write(true);
    }
  }

  // The next beat, to be at the port at the next edge, if that is time.
  bool offer() {
    const std::uint64_t edge = now() + 1;
    if (feed_.at_end()) {
      if (runs_.empty() || runs_.front().operands_at_ports > edge) return false;
      feed_.begin(runs_.front());
      work_ = runs_.front().work;
      runs_.pop_front();
    }
    if (edge < earliest_) return false;
    const auto words = feed_.beat();
    beat_.words.assign(words.begin(), words.end());
    beat_o.write(beat_);
    feed_.next();
    at_port_ = work_;
    valid_ = true;
    earliest_ = edge + port_cycles_;
    return true;
  }

  Feed feed_;
  Payload beat_;
  std::uint64_t port_cycles_;
  std::deque<BlockRun> runs_;  // dispatched, not begun
  ScWork* work_ = nullptr;     // of the feed's block
  ScWork* at_port_ = nullptr;  // of the beat at the port
  bool valid_ = false;
  std::uint64_t earliest_ = 0;  // edge of the next beat, for the port's sake
  std::uint64_t events_ = 0;
};

}  // namespace bitsmith
