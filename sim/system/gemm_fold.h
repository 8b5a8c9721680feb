// A GEMM in the accelerator, block by block (sim/system/README.md). Iterations of the block loops
// that leave everything alike but later are skipped: all that follow add the same.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/divide.h"
#include "common/error.h"
#include "common/interrupt.h"
#include "mapping/blocks.h"
#include "mapping/weight_steps.h"
#include "system/array_fold.h"
#include "system/dma_fold.h"
#include "system/program.h"
#include "system/repetition.h"
#include "system/run_result.h"
#include "system/stall_cycles.h"
#include "system/timeline.h"

namespace bitsmith {

// What blocks of one size have in common.
struct BlockKind {
  Schedule schedule;
  std::uint64_t a_accesses = 0;          // of the DRAM
  std::uint64_t w_accesses = 0;          // but those with codes that are converted,
  std::uint64_t converted_accesses = 0;  // which follow them
  std::uint64_t y_accesses = 0;
  std::uint64_t a_words = 0;  // written into its buffer
  std::uint64_t w_words = 0;
  std::uint64_t conversions = 0;  // of weights, for a load
  std::uint64_t vector_cycles = 0;
  SystemCounts counts;  // of one such block, without its loads
};

// The kinds of a GEMM's blocks: whole or edge in every direction, with and without sums to
// continue, and results to emit.
class BlockKinds {
 public:
  BlockKinds(const Design& design, const MemoryParams& memory, const MemoryTimes& times,
             const ProgramOperator& program, const Mapping& mapping);

  static constexpr std::size_t kMost = 32;
  std::size_t index_of(const Block& block) const;
  const BlockKind& at(const Block& block, std::size_t index);

 private:
  BlockKind make(const Block& block) const;

  const Design& design_;
  const MemoryParams& memory_;
  const MemoryTimes& times_;
  const ProgramOperator& program_;
  Mapping mapping_;
  std::array<std::optional<BlockKind>, kMost> kinds_;
};

template <class Timing>
class GemmFold {
 public:
  // `steps`: those of the weights, where cycles depend on them; null elsewhere, or if no weights
  // are to shorten them. `skip`: whether to skip what repeats itself (a test compares both).
  // Nothing is skipped before a timeline is full.
  GemmFold(const Timing& timing, const Design& design, const MemoryParams& memory,
           const MemoryTimes& times, const ProgramOperator& program, const Mapping& mapping,
           WeightSteps* steps, Timeline* timeline, std::size_t number, bool skip = true)
      : design_(design),
        memory_(memory),
        times_(times),
        program_(program),
        sequence_(program.op.gemm, program.op.count, mapping),
        loops_(block_loops(program.op, mapping)),
        loop_over_m_(mapping.order == LoopOrder::m_outer ? 2 : 1),
        kinds_(design, memory, times_, program, mapping),
        dma_(times, memory.dma),
        array_(timing, {times.interval}),
        account_(times),
        steps_(steps),
        timeline_(timeline),
        number_(number),
        skip_(skip) {}

  RunCounts run() {
    for (;;) {
      dispatch_all();
      // A skip may end where an outer loop can skip as well.
      while (may_skip() && look_for_repetition()) {
      }
      prepare_block();
      if (!prepared_ && stored_ == emitted_) break;
      move_next();
    }
    finish();
    return counts_;
  }

 private:
  // Loads may be ahead of the array by the two halves of each buffer.
  static constexpr std::size_t kRecent = 8;

  struct State {
    Block block;
    std::size_t kind_index = 0;
    const BlockKind* kind = nullptr;
    std::uint64_t a_resident = 0;
    std::uint64_t w_resident = 0;
    std::uint64_t last_token = 0;
  };
  struct Sums {
    ArraySums array;
    StallCycles stalls;
    SystemCounts system;

    void add(const Sums& other, std::uint64_t times) {
      array.add(other.array, times);
      stalls.add(other.stalls, times);
      system.add(other.system, times);
    }
    // `times` times what came between. Modulo 2^64, as all of this.
    void add(const Sums& now, const Sums& before, std::uint64_t times) {
      add(now, times);
      add(before, ~times + 1);
    }
  };
  // One operand's loads: from when on the next one has a free half.
  struct Loads {
    std::uint64_t done = 0;
    std::uint64_t last_user = 0;                // of that half, from the third load on
    std::optional<std::uint64_t> eligible = 0;  // unknown until that block is dispatched
  };
  struct Store {
    std::uint64_t eligible = 0;
    std::uint64_t block = 0;
    const BlockKind* kind = nullptr;
    std::uint64_t half_free = 0;
  };
  struct Moment {
    std::vector<std::int64_t> times;  // and other numbers
    typename Timing::State array;

    bool operator==(const Moment& other) const {
      return times == other.times && array.alike(other.array);
    }
  };
  using Finder = RepetitionFinder<Moment, Sums>;
  static constexpr std::uint64_t kNone = std::uint64_t{1} << 63;

  // The loops over blocks, innermost (K) first: iterations, of which the last may be unlike the
  // others, and blocks of an iteration.
  struct Loop {
    std::uint64_t iterations;
    bool has_edge;
    std::uint64_t blocks;
  };
  using Loops = std::array<Loop, 4>;

  static Loops block_loops(const Operator& op, const Mapping& mapping) {
    const bool m_outer = mapping.order == LoopOrder::m_outer;
    const std::uint64_t k = pieces(op.gemm.k, mapping.block_k);
    const Loop over_m{pieces(op.gemm.m, mapping.block_m), op.gemm.m % mapping.block_m != 0, 0};
    const Loop over_n{pieces(op.gemm.n, mapping.block_n), op.gemm.n % mapping.block_n != 0, 0};
    Loop inner = m_outer ? over_n : over_m;
    Loop outer = m_outer ? over_m : over_n;
    inner.blocks = k;
    outer.blocks = k * inner.iterations;
    // The last block of K emits, whether or not it is smaller.
    return {Loop{k, true, 1}, inner, outer, Loop{op.count, false, outer.blocks * outer.iterations}};
  }

  State& state(std::uint64_t block) { return states_[block % kRecent]; }
  Store& store(std::uint64_t number) { return stores_[number % kRecent]; }

  // ---- sequencer, array and vector unit, as far as loads and stores allow

  void dispatch_all() {
    while (dispatched_ < loading_) {
      State& block = state(dispatched_);
      if (block.block.emit && emitted_ >= 2 && stored_ < emitted_ - 1) return;
      dispatch(block);
      for (Loads* loads : {&a_, &w_}) {
        if (!loads->eligible && loads->last_user == dispatched_) {
          loads->eligible = block.last_token + 1;
        }
      }
      ++dispatched_;
    }
  }

  void dispatch(State& state) {
    GemmBlockTimes block;
    block.a_resident = state.a_resident;
    block.w_resident = state.w_resident;
    if (state.block.emit && emitted_ >= 2) {
      const Store& former = store(emitted_ - 2);
      block.half_vector_done = former.eligible;
      block.half_free = former.half_free;
    }
    const std::uint64_t ready =
        std::max({block.a_resident, block.w_resident, block.half_free, last_dispatch_});
    last_dispatch_ = ready + memory_.sequencer.block_cycles;
    block.operands_at_ports = last_dispatch_ + times_.operand_latency;

    const Schedule& schedule = state.kind->schedule;
    if (steps_ != nullptr) array_.use_steps(steps_->of(state.block));
    const std::uint64_t tokens_before = array_.sums().feed_steps;
    block.array_ready = array_.first_token(schedule);
    array_.operands_from(block.operands_at_ports);
    block.first_token = array_.first_token(schedule);
    array_.run(schedule);
    block.last_token = state.last_token = array_.sums().last_token;
    block.tokens = array_.sums().feed_steps - tokens_before;
    account_.gemm_block(block);
    counts_.system.add(state.kind->counts, 1);
    show(TimelineRow::array, "block", dispatched_, block.first_token * times_.period_ps,
         (block.last_token + 1) * times_.period_ps);
    if (state.block.emit) convert(state);
  }

  void convert(const State& state) {
    last_y_ = array_.sums().last_y;
    std::uint64_t there = last_y_ + 1;
    if (state.kind->vector_cycles > 0) {
      const std::uint64_t begin = std::max(there, vector_free_);
      vector_free_ = begin + state.kind->vector_cycles;
      there = vector_free_ + memory_.vector.latency;
      show(TimelineRow::vector_unit, "results", dispatched_, begin * times_.period_ps,
           vector_free_ * times_.period_ps);
    }
    store(emitted_) = {there, dispatched_, state.kind, 0};
    ++emitted_;
  }

  // ---- DMA

  // The block whose loads come next, its first one that is not made yet.
  void prepare_block() {
    if (prepared_ || is_all_loaded()) return;
    State& next = state(loading_);
    next = {};
    next.block = sequence_.at(loading_ + skipped_blocks_);
    next.kind_index = kinds_.index_of(next.block);
    next.kind = &kinds_.at(next.block, next.kind_index);
    a_pending_ = next.block.loads_a;
    w_pending_ = next.block.loads_w;
    prepared_ = true;
    if (loading_ % 4096 == 0) throw_if_interrupted();
  }

  // The descriptor that is eligible first; a load at equal age. One whose time is not known yet
  // waits for the other.
  void move_next() {
    std::optional<std::uint64_t> load, store;
    if (prepared_) load = (a_pending_ ? a_ : w_).eligible;
    if (stored_ < emitted_) store = this->store(stored_).eligible;
    if (load && (!store || *load <= *store)) {
      move_load(*load);
    } else {
      check(store.has_value(), "loads and stores wait for each other");
      move_store(*store);
    }
  }

  void move_load(std::uint64_t eligible) {
    State& block = state(loading_);
    const bool is_a = a_pending_;
    Loads& loads = is_a ? a_ : w_;
    const std::uint64_t converted = is_a ? 0 : block.kind->converted_accesses;
    const DescriptorTimes moved =
        dma_.move(std::max(dma_.next_pick(), eligible), memory_.dma.setup_cycles,
                  is_a ? block.kind->a_accesses : block.kind->w_accesses, converted);
    const std::uint64_t write_cycles = is_a            ? times_.a_write_cycles
                                       : converted > 0 ? times_.converted_write_cycles
                                                       : times_.w_write_cycles;
    (is_a ? block.a_resident : block.w_resident) = moved.answered + write_cycles;
    if (++loads.done >= 2) {
      loads.last_user = loading_ - 1;
      loads.eligible.reset();
      if (loads.last_user < dispatched_) loads.eligible = state(loads.last_user).last_token + 1;
    }
    count_load(*block.kind, is_a);
    show(moved, is_a ? "load activations" : "load weights", loading_);
    (is_a ? a_pending_ : w_pending_) = false;
    if (a_pending_ || w_pending_) return;
    ++loading_;
    prepared_ = false;
  }

  void move_store(std::uint64_t eligible) {
    Store& store = this->store(stored_);
    const DescriptorTimes moved =
        dma_.move(std::max(dma_.next_pick(), eligible),
                  memory_.dma.setup_cycles + times_.y_read_cycles, store.kind->y_accesses);
    store.half_free = moved.answered + 1;
    last_answer_ = moved.answered;
    ++counts_.system.descriptors;
    show(moved, "store results", store.block);
    ++stored_;
  }

  void count_load(const BlockKind& kind, bool is_a) {
    ++counts_.system.descriptors;
    if (is_a) {
      counts_.system.activation_reads += kind.a_accesses;
      counts_.system.activation_buffer_writes += kind.a_words;
      return;
    }
    (program_.weights_are_kv_cache ? counts_.system.kv_cache_reads : counts_.system.weight_reads) +=
        kind.w_accesses + kind.converted_accesses;
    counts_.system.weight_buffer_writes += kind.w_words;
    counts_.system.weight_conversions += kind.conversions;
  }

  // ---- skipping

  bool is_all_loaded() const { return loading_ + skipped_blocks_ == sequence_.size(); }

  bool may_skip() const { return skip_ && (timeline_ == nullptr || timeline_->is_full(number_)); }

  // Whether something was skipped.
  bool look_for_repetition() {
    if (prepared_ || is_all_loaded()) return false;
    const std::uint64_t place = loading_ + skipped_blocks_;
    if (place == looked_at_) return false;
    looked_at_ = place;
    for (std::size_t level = loops_.size(); level-- > 0;) {
      const Loop& loop = loops_[level];
      if (place % loop.blocks != 0) continue;
      if (!has_same_weights(level)) continue;
      const std::uint64_t iteration = place / loop.blocks % loop.iterations;
      if (iteration == 0) finders_[level].restart();
      // The first iteration may load what stays for the others. Blocks in flight must be past it.
      const bool starts_alike = level + 1 == loops_.size();
      if (!starts_alike && iteration * loop.blocks < kRecent) continue;
      if (!try_to_skip(loop, iteration, finders_[level])) continue;
      // The loops inside start anew.
      for (std::size_t inner = 0; inner < level; ++inner) finders_[inner].restart();
      return true;
    }
    return false;
  }

  // Other weights may take other steps.
  bool has_same_weights(std::size_t level) const {
    if (steps_ == nullptr || level == loop_over_m_) return true;
    return level + 1 == loops_.size() && steps_->repeats_gemms();
  }

  bool try_to_skip(const Loop& loop, std::uint64_t iteration, Finder& finder) {
    const std::uint64_t whole = loop.iterations - (loop.has_edge ? 1 : 0);
    if (iteration >= whole) return false;
    write_state();
    const Sums now = sums();
    const auto period =
        finder.look(iteration, dma_.next_pick() + skipped_edges_, {relative_, array_.state()}, now);
    if (period.iterations == 0) return false;
    const std::uint64_t times = (whole - iteration) / period.iterations;
    skipped_blocks_ += times * period.iterations * loop.blocks;
    skipped_edges_ += times * period.edges;
    skipped_.add(now, period.before, times);
    return times > 0;
  }

  // With what was skipped.
  Sums sums() const {
    Sums sums{array_.sums(), account_.stalls(), counts_.system};
    sums.add(skipped_, 1);
    return sums;
  }

  // Everything that has a say in what happens from here on, times relative to the DMA's next pick.
  void write_state() {
    const std::uint64_t now = dma_.next_pick();
    relative_.clear();
    const auto put = [&](std::uint64_t number) {
      relative_.push_back(static_cast<std::int64_t>(number));
    };
    const auto put_time = [&](std::uint64_t edge) { put(edge - now); };
    dma_.write_state(relative_);
    put_time(array_.pace().cycle_of_step(array_.state().step));
    put_time(std::max(vector_free_, account_.accounted()));
    put_time(account_.accounted());
    put_time(last_dispatch_);
    put(loading_ - dispatched_);
    for (std::uint64_t block = dispatched_; block < loading_; ++block) {
      const State& s = state(block);
      put(s.kind_index);
      put(s.block.loads_a ? s.a_resident - now : kNone);
      put(s.block.loads_w ? s.w_resident - now : kNone);
    }
    put(emitted_ - stored_);
    for (std::uint64_t n = emitted_ - std::min<std::uint64_t>(emitted_, 2); n < emitted_; ++n) {
      // What is over before anything else could start has no say.
      const Store& former = store(n);
      put(former.eligible <= account_.accounted() ? kNone : former.eligible - now);
      if (n >= stored_) continue;
      const bool is_over = former.half_free <= std::min(account_.accounted(), last_dispatch_);
      put(is_over ? kNone : former.half_free - now);
    }
    std::uint64_t oldest = now;
    for (std::uint64_t n = stored_; n < emitted_; ++n) {
      put(static_cast<std::uint64_t>(store(n).kind->y_accesses));
      put_time(store(n).eligible);
      oldest = std::min(oldest, store(n).eligible);
    }
    for (const Loads& loads : {a_, w_}) put_loads(loads, oldest, now);
  }

  // A half that has been free for longer than anything waits is just free.
  void put_loads(const Loads& loads, std::uint64_t oldest, std::uint64_t now) {
    const bool is_old = loads.eligible && *loads.eligible <= oldest;
    const std::uint64_t since = !loads.eligible ? loads.last_user - dispatched_
                                : is_old        ? kNone
                                                : *loads.eligible - now;
    for (const std::uint64_t number : {std::min<std::uint64_t>(loads.done, 2),
                                       std::uint64_t{loads.eligible.has_value()}, since}) {
      relative_.push_back(static_cast<std::int64_t>(number));
    }
  }

  // ---- the end

  void finish() {
    const std::uint64_t end = last_answer_ + 2;
    account_.gemm_tail({last_y_, store(emitted_ - 1).eligible, end});
    const Sums sum = sums();
    counts_.cycles = end + skipped_edges_;
    counts_.array_cycles = sum.array.feed_steps;
    counts_.stall_cycles = sum.stalls;
    counts_.macs = sum.array.macs;
    counts_.jobs = sum.array.jobs;
    const std::uint64_t steps = array_.pace().enabled_cycles(counts_.cycles);
    counts_.pe_cycles.mac = sum.array.mac_pe_cycles;
    counts_.pe_cycles.pad = sum.array.pad_pe_cycles;
    counts_.pe_cycles.idle = design_.pe_count() * (steps - sum.array.feed_steps);
    counts_.pe_cycles.stalled = design_.pe_count() * (counts_.cycles - steps);
    counts_.actions = sum.array.actions;
    counts_.system = sum.system;
  }

  // ---- timeline

  void show(const DescriptorTimes& moved, const char* what, std::uint64_t block) {
    if (timeline_ == nullptr) return;
    show(TimelineRow::dma, what, block, moved.pick * times_.period_ps,
         moved.last_issue * times_.period_ps);
    show(TimelineRow::dram, what, block, moved.transfer_begin, moved.transfer_end);
  }
  void show(TimelineRow row, const char* what, std::uint64_t block, std::uint64_t begin_ps,
            std::uint64_t end_ps) {
    if (timeline_ != nullptr) timeline_->add({row, number_, what, block, begin_ps, end_ps});
  }

  const Design& design_;
  const MemoryParams& memory_;
  const MemoryTimes& times_;
  const ProgramOperator& program_;
  BlockSequence sequence_;
  Loops loops_;
  std::size_t loop_over_m_;  // its iterations have the same weights
  BlockKinds kinds_;
  DmaFold dma_;
  ArrayFold<Timing> array_;
  StallAccount account_;
  WeightSteps* steps_;
  Timeline* timeline_;
  std::size_t number_;
  bool skip_;

  // Blocks and stores are numbered without the skipped ones.
  std::array<State, kRecent> states_;
  std::array<Store, kRecent> stores_;
  std::uint64_t loading_ = 0;  // the block whose loads come next
  bool prepared_ = false;      // its state is set up, with these loads to do:
  bool a_pending_ = false;
  bool w_pending_ = false;
  Loads a_, w_;
  std::uint64_t dispatched_ = 0;  // blocks
  std::uint64_t last_dispatch_ = 0;
  std::uint64_t emitted_ = 0;  // blocks whose results are, or will be, in the result buffer
  std::uint64_t stored_ = 0;
  std::uint64_t vector_free_ = 0;
  std::uint64_t last_y_ = 0;
  std::uint64_t last_answer_ = 0;

  std::array<Finder, 4> finders_;
  std::vector<std::int64_t> relative_;
  std::uint64_t looked_at_ = ~std::uint64_t{0};
  std::uint64_t skipped_blocks_ = 0;
  std::uint64_t skipped_edges_ = 0;
  Sums skipped_;

  RunCounts counts_;
};

}  // namespace bitsmith
