// Seeded random stimulus for an array, and the scoreboard for its results.
//
// Streams of random jobs (edge tiles, accumulating chains, extreme operands), or jobs cut from the
// operands of a trace, with random gaps on
// every channel, back-pressure, pauses of the enable and resets in the middle of jobs. The moods
// change every few hundred cycles, full speed among them. Producers keep the contract of
// rtl/README.md: a valid payload is held until it is taken; a payload without valid is noise.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "mapping/trace_operands.h"
#include "pe/array_ports.h"
#include "pe/design.h"

namespace bitsmith {

class Stimulus {
 public:
  // `operands`, if given, are cut into the jobs instead of random ones; they must outlive this.
  Stimulus(const Design& design, std::uint64_t seed, const TraceOperands* operands = nullptr);

  // What to drive at the next clock edge. Valid until the next call.
  const ArrayInputs& next_inputs();

  // What happened at that edge: `before` were the outputs when the inputs were applied. Checks the
  // rules of the result channel, every result against golden, and that the array gets on; returns
  // what is wrong, or "".
  std::string observe(const ArrayOutputs& before);

  std::uint64_t values_compared() const { return values_compared_; }
  std::uint64_t jobs_completed() const { return jobs_completed_; }
  std::uint64_t resets() const { return resets_; }

 private:
  struct PendingJob {
    Job job;
    BeatCounts beats;
    std::vector<std::uint16_t> a;  // [m][k]
    std::vector<std::uint16_t> w;  // [k][n]
    std::vector<std::uint16_t> s;  // [scale rows of k][n]
    std::vector<std::int64_t> y;   // [m][n], golden, when the job emits
  };

  // `usual`: any integer, or numbers around one; `any`: every code, infinities and NaN among them;
  // `tiny`: zeros and the smallest numbers.
  enum class Operands { usual, any, tiny, ends, most_negative, most_positive };

  // The producer's end of a channel: which beat comes next, and whether it is being offered.
  struct Producer {
    std::uint64_t job = 0;  // number since the last reset
    std::uint64_t beat = 0;
    bool offered = false;
    std::uint32_t offer_percent = 100;
    std::uint32_t width = 0;
    std::vector<std::uint32_t> words;
  };
  enum ChannelIndex { kJobChannel, kAChannel, kWChannel, kSChannel, kChannels };

  void start_over();
  void change_mood();
  // Jobs whose sums add up to one result, with all their operands side by side.
  struct Chain {
    std::uint32_t m = 1;
    std::uint32_t n = 1;
    std::uint64_t k_total = 0;
    std::vector<std::uint32_t> k;  // of each job
    OperandTile operands;
  };

  void add_chain();
  Chain random_chain();
  Chain traced_chain();
  void fill_scales(Chain& chain);
  PendingJob cut_job(const Chain& chain, std::size_t job, std::uint64_t k_begin) const;
  std::uint16_t random_code(const Format& format, Operands operands);
  void fill_codes(std::vector<std::uint16_t>& codes, const Format& format, Operands operands);
  std::pair<Operands, Operands> random_operands();
  std::uint32_t random_size(std::uint32_t most);
  std::uint32_t random_k();
  std::uint32_t length_of_part(std::uint32_t k) const;
  void offer(ChannelIndex channel);
  std::uint64_t beats_of(ChannelIndex channel, const PendingJob& job) const;
  void pack(ChannelIndex channel, const PendingJob& job, std::uint64_t beat);
  void advance(ChannelIndex channel);
  std::string take_result(const std::uint32_t* words);
  std::string check_y_protocol(const ArrayOutputs& before);
  std::string check_progress(bool moved);
  void drop_finished_jobs();
  bool chance(std::uint32_t percent) { return below(100) < percent; }
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }
  PendingJob& pending(std::uint64_t job) { return jobs_[job - first_job_]; }

  const Design& design_;
  const TraceOperands* traced_;
  std::mt19937_64 random_;
  TileLimits limits_;
  ChannelWidths widths_;

  std::deque<PendingJob> jobs_;
  std::uint64_t first_job_ = 0;  // number of jobs_.front()
  std::array<Producer, kChannels> producers_;
  std::uint64_t result_job_ = 0;  // the job whose results come next, and their beat
  std::uint64_t result_beat_ = 0;
  std::vector<std::int64_t> result_;
  std::vector<std::uint32_t> held_y_;  // a result beat that was shown and not taken
  std::uint64_t cycles_without_progress_ = 0;
  std::uint64_t longest_chain_ = 0;  // jobs

  ArrayInputs inputs_;
  std::uint32_t ready_percent_ = 100;
  std::uint32_t enable_percent_ = 100;
  std::uint32_t mood_left_ = 0;
  std::uint32_t reset_left_ = 2;

  std::uint64_t values_compared_ = 0;
  std::uint64_t jobs_completed_ = 0;
  std::uint64_t resets_ = 0;
};

}  // namespace bitsmith
