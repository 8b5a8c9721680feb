// Drives an array with operands always there, or from a cycle of their own on, and results always
// taken, enabled every II-th cycle: the situations that a design's timing is exact about.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "common/error.h"
#include "numerics/pack.h"
#include "pe/design.h"
#include "pe/job.h"

namespace bitsmith::test {

struct DrivenJob {
  Job job;
  std::vector<std::uint16_t> a;       // [m][k] codes
  std::vector<std::uint16_t> w;       // [k][n] codes
  std::vector<std::uint16_t> s = {};  // [scale rows of k][n] codes
};

// What was seen of one job at the ports.
struct ObservedJob {
  std::uint64_t start = 0;  // cycle in which its first token entered (by the model's counts)
  std::uint64_t operands_free = 0;  // cycle in which its last token entered
  std::uint64_t entered = 0;        // the same by the model's jobs_entered()
  std::uint64_t first_y = 0;
  std::uint64_t last_y = 0;
  std::vector<std::int64_t> y;  // [m][n], when it emits
};

struct DriveResult {
  std::vector<ObservedJob> jobs;
  std::uint64_t cycles = 0;  // up to and including the last result
};

inline DrivenJob random_driven_job(const Design& design, const Job& job, std::mt19937_64& random) {
  DrivenJob driven{job, std::vector<std::uint16_t>(std::size_t{job.m} * job.k),
                   std::vector<std::uint16_t>(std::size_t{job.k} * job.n),
                   std::vector<std::uint16_t>(design.scale_rows(job.k) * job.n)};
  const auto fill = [&](std::vector<std::uint16_t>& codes, int bits) {
    for (auto& code : codes) code = static_cast<std::uint16_t>(random() & low_mask(bits));
  };
  fill(driven.a, design.activation_format().bits);
  fill(driven.w, design.weight_format().bits);
  fill(driven.s, static_cast<int>(design.scale_bits()));
  return driven;
}

// Golden results of the accumulating jobs that end with jobs[last].
inline std::vector<std::int64_t> golden_of_chain(const Design& design,
                                                 const std::vector<DrivenJob>& jobs,
                                                 std::size_t last) {
  std::size_t first = last;
  while (jobs[first].job.accumulate) --first;
  const Job& shape = jobs[last].job;
  std::size_t k_total = 0;
  for (std::size_t i = first; i <= last; ++i) k_total += jobs[i].job.k;
  std::vector<std::uint16_t> a(shape.m * k_total), w, s;
  std::size_t begin = 0;
  for (std::size_t i = first; i <= last; ++i) {
    const std::size_t k = jobs[i].job.k;
    for (std::size_t m = 0; m < shape.m; ++m) {
      std::copy_n(jobs[i].a.begin() + static_cast<std::ptrdiff_t>(m * k), k,
                  a.begin() + static_cast<std::ptrdiff_t>(m * k_total + begin));
    }
    w.insert(w.end(), jobs[i].w.begin(), jobs[i].w.end());
    s.insert(s.end(), jobs[i].s.begin(), jobs[i].s.end());
    begin += k;
  }
  std::vector<std::int64_t> y(std::size_t{shape.m} * shape.n);
  design.golden({{a.data(), shape.m, k_total, k_total},
                 {w.data(), k_total, shape.n, shape.n},
                 {s.data(), s.size() / shape.n, shape.n, shape.n}},
                {y.data(), shape.m, shape.n, shape.n});
  return y;
}

// Tokens that have entered the array, by the PE-cycles they are charged for; 0 for Verilated RTL,
// which does not tell.
template <class Array>
std::uint64_t token_count(const Array& array, const Design& design) {
  if constexpr (requires { array.pe_cycles(); }) {
    return (array.pe_cycles().mac + array.pe_cycles().pad) / design.pe_count();
  }
  return 0;
}

// Jobs whose last token has entered the array; 0 for Verilated RTL.
template <class Array>
std::uint64_t entered_count(const Array& array) {
  if constexpr (requires { array.jobs_entered(); }) return array.jobs_entered();
  return 0;
}

// Steps `array` (a cycle model or Verilated RTL, fresh out of reset) through the jobs. `tokens_of`
// says in how many steps operands of a job enter. The beats of job i, of all channels, are at the
// ports from cycle arrivals[i] on, from cycle 0 if there are no arrivals. The last job must emit.
template <class Array, class TokensOf>
DriveResult drive(Array& array, const Design& design, const std::vector<DrivenJob>& jobs, Pace pace,
                  TokensOf tokens_of, const std::vector<std::uint64_t>& arrivals = {}) {
  check(arrivals.empty() || arrivals.size() == jobs.size(), "arrivals of other jobs");
  struct Channel {
    std::size_t job = 0;
    std::uint64_t beat = 0;
    std::vector<std::uint32_t> words;
  };
  const ChannelWidths widths = design.channel_widths();
  Channel job_channel, a_channel, w_channel, s_channel;
  job_channel.words.resize(words_for_bits(widths.job));
  a_channel.words.resize(words_for_bits(widths.a));
  w_channel.words.resize(words_for_bits(widths.w));
  s_channel.words.resize(words_for_bits(widths.s));

  DriveResult result;
  result.jobs.resize(jobs.size());
  std::vector<BeatCounts> beats;
  for (const DrivenJob& driven : jobs) beats.push_back(design.beats(driven.job));
  std::size_t y_job = 0;
  std::uint64_t y_beat = 0;
  std::size_t feeding = 0;
  std::uint64_t fed = 0;
  std::uint64_t tokens_before = token_count(array, design);
  std::uint64_t entered_before = entered_count(array);
  std::size_t entering = 0;
  const auto skip_silent = [&] {
    while (y_job < jobs.size() && !jobs[y_job].job.emit) ++y_job;
  };
  skip_silent();

  // Far beyond what any of these jobs takes; a hang fails instead of hanging the tests.
  std::uint64_t patience = 10000 + (arrivals.empty() ? 0 : arrivals.back());
  for (const DrivenJob& driven : jobs) {
    patience += pace.interval * 100 * (driven.job.k + driven.job.m + driven.job.n);
  }
  for (std::uint64_t cycle = 0; y_job < jobs.size(); ++cycle) {
    const auto is_there = [&](const Channel& channel) {
      return channel.job < jobs.size() && (arrivals.empty() || cycle >= arrivals[channel.job]);
    };
    check(cycle < patience, "the array does not deliver its results");
    ArrayInputs in;
    in.en = pace.interval == 1 || cycle % pace.interval == 1;
    in.y_ready = true;
    if (is_there(job_channel)) {
      design.pack_job(jobs[job_channel.job].job, job_channel.words);
      in.job_valid = true;
      in.job = job_channel.words.data();
    }
    if (is_there(a_channel)) {
      const DrivenJob& d = jobs[a_channel.job];
      design.pack_a(d.job, {d.a.data(), d.job.m, d.job.k, d.job.k}, a_channel.beat,
                    a_channel.words);
      in.a_valid = true;
      in.a = a_channel.words.data();
    }
    if (is_there(w_channel)) {
      const DrivenJob& d = jobs[w_channel.job];
      design.pack_w(d.job, {d.w.data(), d.job.k, d.job.n, d.job.n}, w_channel.beat,
                    w_channel.words);
      in.w_valid = true;
      in.w = w_channel.words.data();
    }
    if (widths.s != 0 && is_there(s_channel)) {
      const DrivenJob& d = jobs[s_channel.job];
      design.pack_s(d.job, {d.s.data(), d.s.size() / d.job.n, d.job.n, d.job.n}, s_channel.beat,
                    s_channel.words);
      in.s_valid = true;
      in.s = s_channel.words.data();
    }
    const ArrayOutputs before = array.outputs();
    if (before.y_valid) {
      ObservedJob& observed = result.jobs[y_job];
      const Job& job = jobs[y_job].job;
      if (y_beat == 0) {
        observed.first_y = cycle;
        observed.y.resize(std::size_t{job.m} * job.n);
      }
      design.unpack_y(job, {before.y, words_for_bits(widths.y)}, y_beat,
                      {observed.y.data(), job.m, job.n, job.n});
      observed.last_y = cycle;
      result.cycles = cycle + 1;
      if (++y_beat == beats[y_job].y) {
        y_beat = 0;
        ++y_job;
        skip_silent();
      }
    }
    array.step(in);
    if (in.job_valid && before.job_ready) ++job_channel.job;
    if (in.a_valid && before.a_ready && ++a_channel.beat == beats[a_channel.job].a) {
      a_channel.beat = 0;
      ++a_channel.job;
    }
    if (in.w_valid && before.w_ready && ++w_channel.beat == beats[w_channel.job].w) {
      w_channel.beat = 0;
      ++w_channel.job;
    }
    if (in.s_valid && before.s_ready && ++s_channel.beat == beats[s_channel.job].s) {
      s_channel.beat = 0;
      ++s_channel.job;
    }
    const std::uint64_t tokens = token_count(array, design);
    if (tokens != tokens_before && feeding < jobs.size()) {
      if (fed == 0) result.jobs[feeding].start = cycle;
      result.jobs[feeding].operands_free = cycle;
      if (++fed == tokens_of(jobs[feeding])) {
        fed = 0;
        ++feeding;
      }
    }
    tokens_before = tokens;
    for (; entered_before < entered_count(array); ++entered_before) {
      check(entering < jobs.size(), "more jobs have entered than there are");
      result.jobs[entering++].entered = cycle;
    }
  }
  return result;
}

// The same where every activation beat is a token.
template <class Array>
DriveResult drive(Array& array, const Design& design, const std::vector<DrivenJob>& jobs,
                  Pace pace) {
  return drive(array, design, jobs, pace,
               [&](const DrivenJob& driven) { return design.beats(driven.job).a; });
}

}  // namespace bitsmith::test
