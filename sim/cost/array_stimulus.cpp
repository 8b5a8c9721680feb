#include "cost/array_stimulus.h"

#include <algorithm>
#include <deque>

#include "common/divide.h"
#include "common/error.h"
#include "numerics/pack.h"
#include "pe/registry.h"

namespace bitsmith {
namespace {

constexpr std::uint32_t kResetCycles = 4;
constexpr std::uint32_t kRestCycles = 32;      // measured without jobs, and without steps
constexpr std::uint32_t kSettleCycles = 8;     // until buffers are full or signals at rest
constexpr std::uint32_t kLargestSide = 64;     // of a tile; larger ones are accumulator SRAMs
constexpr std::uint32_t kMostSpatialK = 1024;  // a job's k up to here is a side of the array
constexpr std::uint64_t kPatience = 200'000;   // cycles for anything

struct QueuedJob {
  Job job;
  BeatCounts beats;
  std::vector<std::uint16_t> a, w, s;
};

struct Sides {
  std::uint32_t m, n, k;  // k: of a job, at most
};

void append_bits(std::string& text, std::span<const std::uint32_t> words, std::uint32_t bits) {
  for (std::uint32_t bit = bits; bit-- > 0;) text += get_bits(words, bit, 1) != 0 ? '1' : '0';
}

class ChannelProducer {
 public:
  explicit ChannelProducer(std::uint32_t bits) : bits_(bits), words_(words_for_bits(bits)) {}

  bool exists() const { return bits_ > 0; }
  bool offered() const { return offered_; }
  const std::uint32_t* words() const { return words_.data(); }

  // Offers the next beat of the jobs, numbered from 0 since the beginning.
  template <class Pack, class Beats>
  void offer(const std::deque<QueuedJob>& jobs, std::uint64_t first, Beats beats, Pack pack) {
    while (exists() && !offered_ && job_ < first + jobs.size()) {
      const QueuedJob& queued = jobs[job_ - first];
      if (beat_ < beats(queued)) {
        pack(queued, beat_, std::span<std::uint32_t>(words_));
        offered_ = true;
        return;
      }
      ++job_;
      beat_ = 0;
    }
  }
  void taken() {
    offered_ = false;
    ++beat_;
  }
  // All jobs below were taken.
  void start_at(std::uint64_t job) {
    job_ = job;
    beat_ = 0;
  }
  void write(std::string& text) const {
    if (!exists()) return;
    text += offered_ ? '1' : '0';
    append_bits(text, words_, bits_);
  }

 private:
  std::uint32_t bits_;
  std::vector<std::uint32_t> words_;
  bool offered_ = false;
  std::uint64_t job_ = 0, beat_ = 0;
};

// The cycle model and what offers its operands.
template <class D>
class Recorder {
 public:
  Recorder(const D& design, const OperandTiles& tiles)
      : design_(design),
        tiles_(tiles),
        model_(design.params()),
        limits_(design.tile_limits()),
        widths_(design.channel_widths()),
        job_(widths_.job),
        a_(widths_.a),
        w_(widths_.w),
        s_(widths_.s) {
    recording_.ports = array_ports(widths_);
    // Without steps registers keep their first value, 0: gates, which see one edge more or less
    // before the first cycle, start from the same.
    for (std::uint32_t i = 0; i < kResetCycles; ++i) step(false, false);
  }

  Sides full_sides() const {
    return {std::min(limits_.m, kLargestSide), std::min(limits_.n, kLargestSide), limits_.k};
  }
  // Those that leave PEs out when they are 1.
  std::vector<Sides> padded_sides() const {
    const Sides full = full_sides();
    std::vector<Sides> all;
    if (full.m > 1) all.push_back({1, full.n, full.k});
    if (full.n > 1) all.push_back({full.m, 1, full.k});
    if (full.k > 1 && full.k <= kMostSpatialK) all.push_back({full.m, full.n, 1});
    return all;
  }

  // `count` tiles of about `cycles` steps if they were full, or more where their sums must be
  // shorter, measured as `window`; before them a short one that fills the array, behind them
  // another.
  void run_tiles(const Sides& sides, std::uint64_t cycles, std::uint64_t count,
                 PeCycleClass window) {
    const std::uint64_t start = jobs_added_;
    const std::uint64_t k = whole_groups(k_of(cycles));
    add_tile(sides, k_of(cycles / 4));
    const std::uint64_t begin = jobs_added_;
    const std::uint64_t tiles = std::max(count, pieces(count * steps_as_k(cycles), k));
    for (std::uint64_t i = 0; i < tiles; ++i) add_tile(sides, k);
    const std::uint64_t end = jobs_added_;
    add_tile(sides, k_of(cycles / 4));
    run_until([&] { return model_.jobs_entered() >= begin; });
    const PeCycles before = model_.pe_cycles();
    const std::uint64_t first = recording_.window.size();
    run_until([&] { return model_.jobs_entered() >= end; });
    take_window(window, first, before);
    finish();
    check(model_.jobs_entered() == jobs_added_ && end > start, "all jobs have entered");
  }

  // Whether the model counts padding in such tiles.
  bool pads(const Sides& sides) {
    const std::uint64_t before = model_.pe_cycles().pad;
    add_tile(sides, k_of(kRestCycles));
    finish();
    return model_.pe_cycles().pad > before;
  }

  void rest_without_jobs() {
    // What entered last needs about as long to leave at the far end as its results took.
    for (std::uint64_t i = 0; i < last_drain_ + kSettleCycles; ++i) step(true, true);
    const PeCycles before = model_.pe_cycles();
    const std::uint64_t first = recording_.window.size();
    for (std::uint32_t i = 0; i < kRestCycles; ++i) step(true, true);
    take_window(PeCycleClass::idle, first, before);
    step(true, true);  // what follows shows in the cycle before it
  }

  void rest_without_steps(std::uint64_t cycles) {
    const std::uint64_t begin = jobs_added_;
    for (int i = 0; i < 3; ++i) add_tile(full_sides(), k_of(cycles / 4));
    run_until([&] { return model_.jobs_entered() > begin; });
    for (std::uint32_t i = 0; i < kSettleCycles; ++i) step(true, true);
    for (std::uint32_t i = 0; i < kSettleCycles; ++i) step(true, false);
    const PeCycles before = model_.pe_cycles();
    const std::uint64_t first = recording_.window.size();
    for (std::uint32_t i = 0; i < kRestCycles; ++i) step(true, false);
    take_window(PeCycleClass::stalled, first, before);
    step(true, false);
    finish();
  }

  ArrayRecording take() { return std::move(recording_); }

 private:
  // The k of a full tile that takes so many steps, whatever the array takes.
  std::uint64_t steps_as_k(std::uint64_t cycles) const {
    const Sides full = full_sides();
    return cycles * design_.peak_macs_per_cycle() / (std::uint64_t{full.m} * full.n);
  }

  // The k of a tile of about so many steps, or as many as its sums allow.
  std::uint64_t k_of(std::uint64_t cycles) const {
    const std::uint64_t k = steps_as_k(cycles);
    const std::uint64_t least =
        limits_.k <= kMostSpatialK ? limits_.k : std::min<std::uint64_t>(limits_.k, 16);
    const std::uint64_t wanted =
        std::clamp<std::uint64_t>(k, least, std::min(kSampledK, limits_.k_total));
    // Whole jobs, where a shorter one leaves PEs out.
    return limits_.k <= kMostSpatialK ? wanted / limits_.k * limits_.k : wanted;
  }

  // With whole groups, so that scales are applied as often as in a long k; k_total permitting.
  std::uint64_t whole_groups(std::uint64_t k) const {
    const std::uint64_t rounded = pieces(k, limits_.k_step) * limits_.k_step;
    return rounded <= std::min(kSampledK, limits_.k_total) ? rounded : k;
  }

  // A tile as a chain of jobs; where a side of the array is k, narrower jobs are more of them.
  void add_tile(const Sides& sides, std::uint64_t k_full) {
    const std::uint64_t jobs = pieces(k_full, limits_.k);
    const std::uint64_t k = sides.k < limits_.k ? jobs * sides.k : k_full;
    const OperandTile tile = tiles_(sides.m, sides.n, k);
    for (std::uint64_t begin = 0; begin < k; begin += sides.k) {
      const auto length = static_cast<std::uint32_t>(std::min<std::uint64_t>(sides.k, k - begin));
      add_job(tile, {sides.m, sides.n, length, begin > 0, begin + length == k}, begin, k);
    }
  }

  void add_job(const OperandTile& tile, const Job& job, std::uint64_t begin, std::uint64_t k) {
    QueuedJob queued{job, design_.beats(job), {}, {}, {}};
    for (std::size_t row = 0; row < job.m; ++row) {
      const auto from = tile.a.begin() + static_cast<std::ptrdiff_t>(row * k + begin);
      queued.a.insert(queued.a.end(), from, from + job.k);
    }
    const auto w = tile.w.begin() + static_cast<std::ptrdiff_t>(begin * job.n);
    queued.w.assign(w, w + static_cast<std::ptrdiff_t>(std::size_t{job.k} * job.n));
    const std::size_t rows = design_.scale_rows(job.k);
    if (rows > 0) {
      const auto s =
          tile.s.begin() + static_cast<std::ptrdiff_t>(design_.scale_rows(begin) * job.n);
      queued.s.assign(s, s + static_cast<std::ptrdiff_t>(rows * job.n));
    }
    results_expected_ += queued.beats.y;
    jobs_.push_back(std::move(queued));
    ++jobs_added_;
  }

  void offer() {
    const auto once = [](const QueuedJob&) { return std::uint64_t{1}; };
    job_.offer(jobs_, first_job_, once, [&](const QueuedJob& q, std::uint64_t, auto words) {
      design_.pack_job(q.job, words);
    });
    a_.offer(
        jobs_, first_job_, [](const QueuedJob& q) { return q.beats.a; },
        [&](const QueuedJob& q, std::uint64_t beat, auto words) {
          design_.pack_a(q.job, {q.a.data(), q.job.m, q.job.k, q.job.k}, beat, words);
        });
    w_.offer(
        jobs_, first_job_, [](const QueuedJob& q) { return q.beats.w; },
        [&](const QueuedJob& q, std::uint64_t beat, auto words) {
          design_.pack_w(q.job, {q.w.data(), q.job.k, q.job.n, q.job.n}, beat, words);
        });
    s_.offer(
        jobs_, first_job_, [](const QueuedJob& q) { return q.beats.s; },
        [&](const QueuedJob& q, std::uint64_t beat, auto words) {
          design_.pack_s(q.job, {q.s.data(), design_.scale_rows(q.job.k), q.job.n, q.job.n}, beat,
                         words);
        });
  }

  void step(bool running, bool enabled) {
    if (running) offer();
    ArrayInputs in;
    in.rst_n = running;
    in.en = enabled;
    in.y_ready = true;
    in.job_valid = job_.offered();
    in.a_valid = a_.offered();
    in.w_valid = w_.offered();
    in.s_valid = s_.offered();
    in.job = job_.words();
    in.a = a_.words();
    in.w = w_.words();
    in.s = s_.words();
    write_inputs(in);
    const ArrayOutputs before = model_.outputs();
    const bool result = before.y_valid && running;
    const bool job = in.job_valid && before.job_ready, a = in.a_valid && before.a_ready;
    const bool w = in.w_valid && before.w_ready, s = in.s_valid && before.s_ready;
    model_.step(in);
    if (job) job_.taken();
    if (a) a_.taken();
    if (w) w_.taken();
    if (s) s_.taken();
    if (result) ++results_taken_;
    write_outputs();
    recording_.window.push_back(ArrayRecording::kUnmeasured);
    check(recording_.window.size() < kPatience, "the array gets on");
  }

  // The inputs of an edge belong to the cycle before it.
  void write_inputs(const ArrayInputs& in) {
    std::string text;
    text += in.rst_n ? '1' : '0';
    text += in.en ? '1' : '0';
    text += in.y_ready ? '1' : '0';
    for (const ChannelProducer* channel : {&job_, &a_, &w_, &s_}) channel->write(text);
    if (recording_.window.empty()) {
      recording_.first_inputs = text;
    } else {
      recording_.input_values.push_back(text);
    }
  }

  void write_outputs() {
    const ArrayOutputs& out = model_.outputs();
    std::string text;
    const auto ready = [&](const ChannelProducer& channel, bool value) {
      if (channel.exists()) text += value ? '1' : '0';
    };
    ready(job_, out.job_ready);
    ready(a_, out.a_ready);
    ready(w_, out.w_ready);
    ready(s_, out.s_ready);
    text += out.y_valid ? '1' : '0';
    append_bits(text, {out.y, words_for_bits(widths_.y)}, widths_.y);
    recording_.output_values.push_back(text);
  }

  template <class Done>
  void run_until(Done done) {
    while (!done()) step(true, true);
  }

  void finish() {
    run_until([&] { return model_.jobs_entered() == jobs_added_; });
    const std::uint64_t entered = recording_.window.size();
    run_until([&] { return results_taken_ == results_expected_; });
    last_drain_ = recording_.window.size() - entered;
    first_job_ += jobs_.size();
    jobs_.clear();
    for (ChannelProducer* channel : {&job_, &a_, &w_, &s_}) channel->start_at(first_job_);
  }

  void take_window(PeCycleClass window, std::uint64_t first, const PeCycles& before) {
    const PeCycles& now = model_.pe_cycles();
    const PeCycles counted{now.mac - before.mac, now.pad - before.pad, now.idle - before.idle,
                           now.stalled - before.stalled};
    require(window, counted);
    const auto index = static_cast<std::size_t>(window);
    std::fill(recording_.window.begin() + static_cast<std::ptrdiff_t>(first),
              recording_.window.end(), static_cast<std::uint8_t>(index));
    PeCycles& sum = recording_.counted[index];
    sum.mac += counted.mac;
    sum.pad += counted.pad;
    sum.idle += counted.idle;
    sum.stalled += counted.stalled;
    recording_.cycles[index] += recording_.window.size() - first;
  }

  static void require(PeCycleClass window, const PeCycles& counted) {
    bool right = false;
    switch (window) {
      case PeCycleClass::mac:
        right = counted.mac > counted.idle && counted.pad == 0 && counted.stalled == 0;
        break;
      case PeCycleClass::pad:
        right = counted.pad > 0 && counted.stalled == 0;
        break;
      case PeCycleClass::idle:
        right = counted.idle == counted.total();
        break;
      case PeCycleClass::stalled:
        right = counted.stalled == counted.total();
        break;
    }
    if (right && counted.total() > 0) return;
    throw InternalError(
        fmt::format("cycles measured as '{}' are {} mac, {} pad, {} idle, {} stalled",
                    kPeCycleClassNames[static_cast<std::size_t>(window)], counted.mac, counted.pad,
                    counted.idle, counted.stalled));
  }

  const D& design_;
  const OperandTiles& tiles_;
  typename D::Model model_;
  TileLimits limits_;
  ChannelWidths widths_;
  ChannelProducer job_, a_, w_, s_;
  std::deque<QueuedJob> jobs_;
  std::uint64_t first_job_ = 0;  // number of jobs_.front()
  std::uint64_t jobs_added_ = 0;
  std::uint64_t results_expected_ = 0, results_taken_ = 0;
  std::uint64_t last_drain_ = 0;
  ArrayRecording recording_;
};

}  // namespace

ArrayPorts array_ports(const ChannelWidths& widths) {
  ArrayPorts ports;
  ports.inputs = {{"rst_ni", 1}, {"en_i", 1}, {"y_ready_i", 1}};
  const auto add = [&](const std::string& name, std::uint32_t bits) {
    if (bits == 0) return;
    ports.inputs.push_back({name + "_valid_i", 1});
    ports.inputs.push_back({name + "_i", bits});
    ports.outputs.push_back({name + "_ready_o", 1});
  };
  add("job", widths.job);
  add("a", widths.a);
  add("w", widths.w);
  add("s", widths.s);
  ports.outputs.push_back({"y_valid_o", 1});
  ports.outputs.push_back({"y_o", widths.y});
  return ports;
}

ArrayRecording record_array(const Design& design, const OperandTiles& tiles,
                            const RecordingOptions& options) {
  return visit_design(design, [&](const auto& concrete) {
    using D = std::decay_t<decltype(concrete)>;
    Recorder<D> recorder(concrete, tiles);
    recorder.run_tiles(recorder.full_sides(), options.job_cycles, options.jobs, PeCycleClass::mac);
    if (options.pad) {
      for (const Sides& sides : recorder.padded_sides()) {
        if (!Recorder<D>(concrete, tiles).pads(sides)) continue;
        recorder.run_tiles(sides, options.job_cycles, std::max<std::uint64_t>(1, options.jobs / 2),
                           PeCycleClass::pad);
      }
    }
    recorder.rest_without_jobs();
    recorder.rest_without_steps(options.job_cycles);
    // The last edge's inputs stay.
    ArrayRecording recording = recorder.take();
    recording.input_values.push_back(recording.input_values.back());
    return recording;
  });
}

}  // namespace bitsmith
