#include "cosim/stimulus.h"

#include <algorithm>

#include "common/error.h"
#include "numerics/pack.h"

namespace bitsmith {
namespace {

constexpr std::size_t kJobsAhead = 8;
constexpr std::uint32_t kUsualChain = 3;
constexpr std::uint32_t kLongestChain = 40;
// Reaches the high bits of the counters of K and of 32-bit sums.
constexpr std::uint32_t kLongestK = 20000;
constexpr std::uint32_t kLongK = 700;
// Jobs whose operands an array may have taken in before their results come, besides a chain.
constexpr std::uint64_t kMostJobsInside = 64;
// Larger sides than these are accumulator SRAMs.
constexpr std::uint32_t kUsualSize = 64;
constexpr std::uint32_t kLongestMood = 400;
constexpr std::uint32_t kMoodsBetweenResets = 6;
constexpr std::array<std::uint32_t, 5> kPercents = {100, 100, 90, 50, 10};

}  // namespace

Stimulus::Stimulus(const Design& design, std::uint64_t seed, const TraceOperands* operands)
    : design_(design),
      traced_(operands),
      random_(seed),
      limits_(design.tile_limits()),
      widths_(design.channel_widths()) {
  const std::array<std::uint32_t, kChannels> widths = {widths_.job, widths_.a, widths_.w,
                                                       widths_.s};
  for (std::size_t i = 0; i < kChannels; ++i) {
    producers_[i].width = widths[i];
    producers_[i].words.resize(words_for_bits(widths[i]));
  }
  inputs_.job = producers_[kJobChannel].words.data();
  inputs_.a = producers_[kAChannel].words.data();
  inputs_.w = producers_[kWChannel].words.data();
  inputs_.s = producers_[kSChannel].words.data();
  start_over();
}

void Stimulus::start_over() {
  jobs_.clear();
  first_job_ = 0;
  for (Producer& producer : producers_) {
    producer.job = producer.beat = 0;
    producer.offered = false;
  }
  result_job_ = result_beat_ = 0;
  held_y_.clear();
  cycles_without_progress_ = 0;
}

void Stimulus::change_mood() {
  mood_left_ = 1 + below(kLongestMood + 4 * (limits_.m + limits_.n));
  const bool full_speed = chance(30);
  const auto percent = [&] { return full_speed ? 100 : kPercents[below(kPercents.size())]; };
  for (Producer& producer : producers_) producer.offer_percent = percent();
  ready_percent_ = percent();
  enable_percent_ = percent();
  if (below(kMoodsBetweenResets) == 0) {
    reset_left_ = 1 + below(3);
    ++resets_;
  }
}

// Mostly the whole array, one, or anything between; seldom as large as an accumulator SRAM.
std::uint32_t Stimulus::random_size(std::uint32_t most) {
  const std::uint32_t kind = below(4);
  if (kind == 0) return 1;
  if (most > kUsualSize && kind != 1) return below(16) == 0 ? most : 1 + below(kUsualSize);
  return kind == 1 ? 1 + below(most) : most;
}

// One code of a kind; the ends of a format by value, whatever its coding.
std::uint16_t Stimulus::random_code(const Format& format, Operands operands) {
  const auto any = static_cast<std::uint32_t>(random_() & low_mask(format.bits));
  const bool is_float = format.kind == FormatKind::minifloat;
  const bool negative = (random_() & 1) != 0;
  const auto end = [&](bool lowest) {
    return encode(format, lowest ? min_finite(format) : max_finite(format));
  };
  switch (operands) {
    case Operands::usual:
      if (!is_float) return static_cast<std::uint16_t>(any);
      return static_cast<std::uint16_t>(
          encode(format, (negative ? -1.0 : 1.0) * (0.25 + below(4096) / 1024.0)));
    case Operands::any:
      return static_cast<std::uint16_t>(any);
    case Operands::tiny:
      // Zero and its neighbours: the lowest codes of either sign.
      if (!is_float)
        return static_cast<std::uint16_t>((any % 3 + low_mask(format.bits)) &
                                          low_mask(format.bits));
      return static_cast<std::uint16_t>(any % 3 + (negative ? 1U << (format.bits - 1) : 0U));
    case Operands::ends:
      return static_cast<std::uint16_t>(end(negative));
    case Operands::most_negative:
      return static_cast<std::uint16_t>(end(true));
    case Operands::most_positive:
      return static_cast<std::uint16_t>(end(false));
  }
  throw InternalError("operands of no kind");
}

void Stimulus::fill_codes(std::vector<std::uint16_t>& codes, const Format& format,
                          Operands operands) {
  for (std::uint16_t& code : codes) code = random_code(format, operands);
}

// Operands at the ends of their range in four of ten chains, so that sums reach theirs: the
// largest positive sum, the largest negative one, and anything between.
std::pair<Stimulus::Operands, Stimulus::Operands> Stimulus::random_operands() {
  switch (below(10)) {
    case 0:
      return {Operands::most_negative, Operands::most_negative};
    case 1:
      return {Operands::most_negative, Operands::most_positive};
    case 2:
    case 3:
      return {Operands::ends, Operands::ends};
    case 4:
      return {Operands::any, Operands::any};
    case 5:
      return {Operands::any, Operands::usual};
    case 6:
      return {Operands::tiny, below(2) == 0 ? Operands::tiny : Operands::usual};
    default:
      return {Operands::usual, Operands::usual};
  }
}

// Mostly short, so that many jobs meet in the array; now and then long enough to hide a drain, or
// to fill an accumulator.
std::uint32_t Stimulus::random_k() {
  const std::uint32_t kind = below(256);
  if (kind == 0) return 1 + below(kLongestK);
  if (kind <= 8) return 1 + below(kLongK);
  if (kind <= 40) return 1 + below(4 * (limits_.m + limits_.n));
  return 1 + below(24);
}

Stimulus::Chain Stimulus::random_chain() {
  Chain chain;
  chain.m = random_size(limits_.m);
  chain.n = random_size(limits_.n);
  // Jobs as long as the longest sum are followed by none.
  const bool is_continued = limits_.k_total > limits_.k_step;
  const std::uint32_t length =
      is_continued ? 1 + below(below(32) == 0 ? kLongestChain : kUsualChain) : 1;
  const std::uint32_t usual_k = random_k();
  const auto [a_operands, w_operands] = random_operands();
  for (std::uint32_t i = 0; i < length; ++i) {
    const std::uint64_t room = std::min<std::uint64_t>(limits_.k, limits_.k_total - chain.k_total);
    if (room == 0) break;
    const std::uint32_t k = chance(50) ? usual_k : 1 + below(usual_k);
    chain.k.push_back(static_cast<std::uint32_t>(
        std::min<std::uint64_t>(i + 1 < length ? length_of_part(k) : k, room)));
    chain.k_total += chain.k.back();
    if (chain.k.back() % limits_.k_step != 0) break;  // nothing can follow
  }
  chain.operands.a.resize(chain.m * chain.k_total);
  chain.operands.w.resize(chain.k_total * chain.n);
  fill_codes(chain.operands.a, design_.activation_format(), a_operands);
  fill_codes(chain.operands.w, design_.weight_format(), w_operands);
  fill_scales(chain);
  return chain;
}

// A k that another job can follow.
std::uint32_t Stimulus::length_of_part(std::uint32_t k) const {
  const std::uint32_t parts = (k + limits_.k_step - 1) / limits_.k_step;
  return std::min(parts * limits_.k_step, limits_.k);
}

// Any scale, or ones above zeros and the reverse: the ends of numbers of any width within a code.
void Stimulus::fill_scales(Chain& chain) {
  if (widths_.s == 0) return;
  const auto bits = static_cast<int>(design_.scale_bits());
  chain.operands.s.resize(design_.scale_rows(chain.k_total) * chain.n);
  const bool any = chance(75);
  for (std::uint16_t& code : chain.operands.s) {
    const std::uint64_t ones = low_mask(static_cast<int>(below(design_.scale_bits() + 1)));
    const std::uint64_t end = chance(50) ? ones : ~ones;
    code = static_cast<std::uint16_t>((any ? random_() : end) & low_mask(bits));
  }
}

// A tile of a GEMM of the trace, from the beginning of k; in half of all cases in more jobs than
// necessary.
Stimulus::Chain Stimulus::traced_chain() {
  const std::size_t op =
      traced_->gemms()[below(static_cast<std::uint32_t>(traced_->gemms().size()))];
  const GemmShape& gemm = traced_->shape(op);
  const auto part = [&](std::uint64_t size, std::uint32_t most) {
    const std::uint64_t begin = random_() % ((size + most - 1) / most) * most;
    return std::pair(begin,
                     static_cast<std::uint32_t>(std::min<std::uint64_t>(most, size - begin)));
  };
  const auto [m0, m] = part(gemm.m, std::min(limits_.m, kUsualSize));
  const auto [n0, n] = part(gemm.n, std::min(limits_.n, kUsualSize));
  Chain chain;
  chain.m = m;
  chain.n = n;
  chain.k_total = std::min({gemm.k, limits_.k_total, std::uint64_t{kLongestK}});
  const std::uint32_t longest =
      chance(50) ? limits_.k : length_of_part(1 + below(std::min(limits_.k, kLongK)));
  for (std::uint64_t left = chain.k_total; left > 0; left -= chain.k.back()) {
    chain.k.push_back(static_cast<std::uint32_t>(std::min<std::uint64_t>(left, longest)));
  }
  chain.operands = traced_->tile(op, m0, m, n0, n, chain.k_total);
  return chain;
}

// One job's part of the operands.
Stimulus::PendingJob Stimulus::cut_job(const Chain& chain, std::size_t job,
                                       std::uint64_t k_begin) const {
  const std::uint32_t k = chain.k[job];
  PendingJob pending;
  pending.job = {chain.m, chain.n, k, job > 0, job + 1 == chain.k.size()};
  pending.beats = design_.beats(pending.job);
  for (std::size_t row = 0; row < chain.m; ++row) {
    const auto begin =
        chain.operands.a.begin() + static_cast<std::ptrdiff_t>(row * chain.k_total + k_begin);
    pending.a.insert(pending.a.end(), begin, begin + k);
  }
  const auto begin = chain.operands.w.begin() + static_cast<std::ptrdiff_t>(k_begin * chain.n);
  pending.w.assign(begin, begin + static_cast<std::ptrdiff_t>(std::size_t{k} * chain.n));
  const auto s_begin =
      chain.operands.s.begin() + static_cast<std::ptrdiff_t>(design_.scale_rows(k_begin) * chain.n);
  pending.s.assign(s_begin, s_begin + static_cast<std::ptrdiff_t>(design_.scale_rows(k) * chain.n));
  return pending;
}

void Stimulus::add_chain() {
  const Chain chain = traced_ != nullptr ? traced_chain() : random_chain();
  longest_chain_ = std::max<std::uint64_t>(longest_chain_, chain.k.size());
  std::uint64_t k_begin = 0;
  for (std::size_t job = 0; job < chain.k.size(); ++job) {
    jobs_.push_back(cut_job(chain, job, k_begin));
    k_begin += chain.k[job];
  }
  std::vector<std::int64_t>& y = jobs_.back().y;
  y.resize(std::size_t{chain.m} * chain.n);
  design_.golden({{chain.operands.a.data(), chain.m, chain.k_total, chain.k_total},
                  {chain.operands.w.data(), chain.k_total, chain.n, chain.n},
                  {chain.operands.s.data(), design_.scale_rows(chain.k_total), chain.n, chain.n}},
                 {y.data(), chain.m, chain.n, chain.n});
}

std::uint64_t Stimulus::beats_of(ChannelIndex channel, const PendingJob& job) const {
  switch (channel) {
    case kJobChannel:
      return 1;
    case kAChannel:
      return job.beats.a;
    case kWChannel:
      return job.beats.w;
    default:
      return job.beats.s;
  }
}

void Stimulus::pack(ChannelIndex channel, const PendingJob& pending, std::uint64_t beat) {
  const Job& job = pending.job;
  std::vector<std::uint32_t>& words = producers_[channel].words;
  switch (channel) {
    case kJobChannel:
      return design_.pack_job(job, words);
    case kAChannel:
      return design_.pack_a(job, {pending.a.data(), job.m, job.k, job.k}, beat, words);
    case kWChannel:
      return design_.pack_w(job, {pending.w.data(), job.k, job.n, job.n}, beat, words);
    default:
      return design_.pack_s(job, {pending.s.data(), design_.scale_rows(job.k), job.n, job.n}, beat,
                            words);
  }
}

// Offers the channel's next beat, or puts noise on its payload.
void Stimulus::offer(ChannelIndex channel) {
  Producer& producer = producers_[channel];
  if (producer.offered || producer.width == 0) return;
  if (!chance(producer.offer_percent)) {
    for (std::uint32_t& word : producer.words) word = static_cast<std::uint32_t>(random_());
    const std::uint32_t last_bits = producer.width % 32;
    if (last_bits != 0)
      producer.words.back() &= static_cast<std::uint32_t>(low_mask(static_cast<int>(last_bits)));
    return;
  }
  while (producer.job >= first_job_ + jobs_.size()) add_chain();
  pack(channel, pending(producer.job), producer.beat);
  producer.offered = true;
}

const ArrayInputs& Stimulus::next_inputs() {
  if (mood_left_ == 0) change_mood();
  --mood_left_;
  inputs_.rst_n = reset_left_ == 0;
  if (reset_left_ != 0) {
    --reset_left_;
    start_over();
  }
  while (jobs_.size() < kJobsAhead) add_chain();
  for (const auto channel : {kJobChannel, kAChannel, kWChannel, kSChannel}) offer(channel);
  inputs_.job_valid = producers_[kJobChannel].offered;
  inputs_.a_valid = producers_[kAChannel].offered;
  inputs_.w_valid = producers_[kWChannel].offered;
  inputs_.s_valid = producers_[kSChannel].offered;
  inputs_.y_ready = chance(ready_percent_);
  inputs_.en = chance(enable_percent_);
  return inputs_;
}

// The channel's beat was taken.
void Stimulus::advance(ChannelIndex channel) {
  Producer& producer = producers_[channel];
  producer.offered = false;
  if (++producer.beat < beats_of(channel, pending(producer.job))) return;
  producer.beat = 0;
  ++producer.job;
}

std::string Stimulus::take_result(const std::uint32_t* words) {
  while (result_job_ < first_job_ + jobs_.size() && !pending(result_job_).job.emit) ++result_job_;
  const Producer& a = producers_[kAChannel];
  if (result_job_ > a.job || (result_job_ == a.job && a.beat == 0)) {
    return "a result beat that no job asked for";
  }
  const PendingJob& expected = pending(result_job_);
  const Job& job = expected.job;
  result_.resize(expected.y.size());
  design_.unpack_y(job, {words, words_for_bits(widths_.y)}, result_beat_,
                   {result_.data(), job.m, job.n, job.n});
  if (++result_beat_ < expected.beats.y) return "";
  result_beat_ = 0;
  ++result_job_;
  ++jobs_completed_;
  for (std::size_t i = 0; i < result_.size(); ++i) {
    ++values_compared_;
    if (result_[i] != expected.y[i]) {
      return fmt::format("y[{},{}] of a {}x{}x{} job is {}, golden says {}", i / job.n, i % job.n,
                         job.m, job.n, job.k, result_[i], expected.y[i]);
    }
  }
  return "";
}

void Stimulus::drop_finished_jobs() {
  std::uint64_t oldest = result_job_;
  for (const Producer& producer : producers_) {
    if (producer.width != 0) oldest = std::min(oldest, producer.job);
  }
  while (first_job_ < oldest && !jobs_.empty()) {
    jobs_.pop_front();
    ++first_job_;
  }
}

// Rules that every array keeps on its result channel, whatever its model says.
std::string Stimulus::check_y_protocol(const ArrayOutputs& before) {
  const std::size_t words = words_for_bits(widths_.y);
  if (!before.y_valid &&
      std::any_of(before.y, before.y + words, [](auto word) { return word != 0; })) {
    return "y_o is not zero while y_valid_o is low";
  }
  if (!held_y_.empty() && !before.y_valid) return "y_valid_o fell before the beat was taken";
  if (!held_y_.empty() && !std::equal(held_y_.begin(), held_y_.end(), before.y)) {
    return "y_o changed before the beat was taken";
  }
  held_y_.clear();
  if (before.y_valid && !inputs_.y_ready) held_y_.assign(before.y, before.y + words);
  return "";
}

// With every channel offered, results taken and steps enabled, something has to move.
std::string Stimulus::check_progress(bool moved) {
  if (producers_[kAChannel].job > result_job_ + kMostJobsInside + longest_chain_) {
    return "results are missing: operands of many later jobs have been taken";
  }
  bool all_offered = inputs_.en && inputs_.y_ready;
  for (const Producer& producer : producers_) {
    all_offered = all_offered && (producer.width == 0 || producer.offered);
  }
  if (moved) cycles_without_progress_ = 0;
  if (!moved && all_offered) ++cycles_without_progress_;
  const std::uint64_t patience =
      64 + 8 * (std::uint64_t{limits_.m} + limits_.n + std::min<std::uint32_t>(limits_.k, 256));
  return cycles_without_progress_ > patience ? "no progress although nothing is in the way" : "";
}

std::string Stimulus::observe(const ArrayOutputs& before) {
  if (!inputs_.rst_n) return "";
  std::string wrong = check_y_protocol(before);
  bool moved = before.y_valid && inputs_.y_ready;
  const auto take = [&](ChannelIndex channel, bool valid, bool ready) {
    if (!valid || !ready) return;
    moved = true;
    advance(channel);
  };
  take(kJobChannel, inputs_.job_valid, before.job_ready);
  take(kAChannel, inputs_.a_valid, before.a_ready);
  take(kWChannel, inputs_.w_valid, before.w_ready);
  take(kSChannel, inputs_.s_valid, before.s_ready);
  if (wrong.empty() && before.y_valid && inputs_.y_ready) wrong = take_result(before.y);
  if (wrong.empty()) wrong = check_progress(moved);
  drop_finished_jobs();
  return wrong;
}

}  // namespace bitsmith
