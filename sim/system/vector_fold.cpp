#include "system/vector_fold.h"

#include <algorithm>

#include "common/divide.h"
#include "common/error.h"
#include "common/interrupt.h"

namespace bitsmith {
VectorFold::VectorFold(const MemoryParams& memory, const MemoryTimes& times,
                       const ProgramOperator& program, Timeline* timeline, std::size_t number,
                       bool skip)
    : memory_(memory),
      times_(times),
      program_(program),
      block_elements_(vector_block_elements(program.vector, memory)),
      blocks_(pieces(program.vector.elements, block_elements_)),
      whole_(kind_of(block_elements_)),
      last_(kind_of(program.vector.elements - (blocks_ - 1) * block_elements_)),
      dma_(times, memory.dma),
      account_(times),
      timeline_(timeline),
      number_(number),
      skip_(skip) {}

VectorFold::Kind VectorFold::kind_of(std::uint64_t elements) const {
  const VectorWork& work = program_.vector;
  const BufferParams& a = memory_.activation_buffer;
  const BufferParams& y = memory_.result_buffer;
  const std::uint64_t input_bits = elements * work.input_bits;
  const std::uint64_t output_bits = elements * work.output_bits;
  Kind kind;
  kind.load_accesses = pieces(pieces(input_bits, 8), times_.access_bytes);
  kind.store_accesses = pieces(pieces(output_bits, 8), times_.access_bytes);
  kind.cycles = work.passes * std::max({pieces(elements, memory_.vector.lanes),
                                        a.cycles_for(input_bits), y.cycles_for(output_bits)});
  SystemCounts& counts = kind.counts;
  counts.blocks = 1;
  counts.descriptors = 2;
  counts.activation_reads = kind.load_accesses;
  (program_.results_are_kv_cache ? counts.kv_cache_writes : counts.result_writes) =
      kind.store_accesses;
  counts.activation_buffer_writes = a.cycles_for(input_bits);
  counts.activation_buffer_reads = work.passes * a.cycles_for(input_bits);
  counts.result_buffer_writes = y.cycles_for(output_bits);
  counts.result_buffer_reads = y.cycles_for(output_bits);
  counts.vector_operations = work.passes * elements;
  return kind;
}

RunCounts VectorFold::run() {
  while (stored_ < blocks_) {
    while (passed_ < loaded_ && (passed_ < 2 || passed_ - 2 < stored_)) pass(passed_);
    if (skip_ && (timeline_ == nullptr || timeline_->is_full(number_))) look_for_repetition();
    if (loaded_ % 4096 == 0) throw_if_interrupted();
    std::optional<std::uint64_t> load_time;
    if (loaded_ < blocks_ && loaded_ < passed_ + 2) {
      load_time = loaded_ < 2 ? 0 : state(loaded_ - 2).done;
    }
    const bool can_store = stored_ < passed_;
    if (load_time && (!can_store || *load_time <= state(stored_).eligible)) {
      load(*load_time);
    } else {
      check(can_store, "loads and stores wait for each other");
      store();
    }
  }
  const std::uint64_t end = last_answer_ + 2;
  account_.vector_tail({0, state(blocks_ - 1).eligible, end});
  counts_.cycles = end + skipped_edges_;
  counts_.stall_cycles = account_.stalls();
  counts_.stall_cycles.add(skipped_.stalls, 1);
  counts_.system.add(skipped_.system, 1);
  return counts_;
}

void VectorFold::pass(std::uint64_t block) {
  BlockState& now = state(block);
  VectorBlockTimes times;
  times.resident = now.resident;
  times.half_free = block < 2 ? 0 : state(block - 2).half_free;
  last_dispatch_ =
      std::max({times.resident, times.half_free, last_dispatch_}) + memory_.sequencer.block_cycles;
  const std::uint64_t unit_free = block == 0 ? 0 : state(block - 1).done;
  times.start = std::max(last_dispatch_ + memory_.activation_buffer.latency, unit_free);
  times.done = now.done = times.start + kind(block).cycles;
  now.eligible = now.done + memory_.vector.latency;
  account_.vector_block(times);
  counts_.system.add(kind(block).counts, 1);
  show(TimelineRow::vector_unit, "block", block, times.start * times_.period_ps,
       times.done * times_.period_ps);
  ++passed_;
}

void VectorFold::load(std::uint64_t eligible) {
  const DescriptorTimes moved = dma_.move(std::max(dma_.next_pick(), eligible),
                                          memory_.dma.setup_cycles, kind(loaded_).load_accesses);
  state(loaded_).resident = moved.answered + times_.a_write_cycles;
  show(moved, "load inputs", loaded_);
  ++loaded_;
}

void VectorFold::store() {
  BlockState& block = state(stored_);
  const DescriptorTimes moved =
      dma_.move(std::max(dma_.next_pick(), block.eligible),
                memory_.dma.setup_cycles + times_.y_read_cycles, kind(stored_).store_accesses);
  block.half_free = moved.answered + 1;
  last_answer_ = moved.answered;
  show(moved, "store results", stored_);
  ++stored_;
}

// Blocks are alike up to the last one, which is never looked at as a whole one.
void VectorFold::look_for_repetition() {
  if (loaded_ == looked_at_ || loaded_ < 4 || loaded_ + 1 >= blocks_) return;
  looked_at_ = loaded_;
  const Sums now{account_.stalls(), counts_.system};
  const auto period = finder_.look(loaded_, dma_.next_pick(), relative_state(), now);
  if (period.iterations == 0) return;
  const std::uint64_t times = (blocks_ - 1 - loaded_) / period.iterations;
  blocks_ -= times * period.iterations;
  skipped_edges_ += times * period.edges;
  const auto add = [&](const Sums& sums, std::uint64_t factor) {
    skipped_.stalls.add(sums.stalls, factor);
    skipped_.system.add(sums.system, factor);
  };
  add(now, times);
  add(period.before, ~times + 1);  // modulo 2^64: times (now - before)
  skip_ = false;
}

std::vector<std::int64_t> VectorFold::relative_state() {
  const std::uint64_t now = dma_.next_pick();
  std::vector<std::int64_t> numbers;
  dma_.write_state(numbers);
  const auto put = [&](std::uint64_t number) {
    numbers.push_back(static_cast<std::int64_t>(number));
  };
  put(loaded_ - passed_);
  put(loaded_ - stored_);
  put(last_dispatch_ - now);
  put(account_.accounted() - now);
  for (std::uint64_t block = loaded_ - 3; block < loaded_; ++block) {
    const BlockState& s = state(block);
    if (block >= passed_) {
      put(s.resident - now);
      continue;
    }
    put(s.done - now);
    put(s.eligible - now);
    if (block < stored_) put(s.half_free - now);
  }
  return numbers;
}

void VectorFold::show(TimelineRow row, const char* what, std::uint64_t block,
                      std::uint64_t begin_ps, std::uint64_t end_ps) {
  if (timeline_ != nullptr) timeline_->add({row, number_, what, block, begin_ps, end_ps});
}

void VectorFold::show(const DescriptorTimes& moved, const char* what, std::uint64_t block) {
  if (timeline_ == nullptr) return;
  show(TimelineRow::dma, what, block, moved.pick * times_.period_ps,
       moved.last_issue * times_.period_ps);
  show(TimelineRow::dram, what, block, moved.transfer_begin, moved.transfer_end);
}

}  // namespace bitsmith
