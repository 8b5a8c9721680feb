// What the modules of the `cycle` engine do for an operator: its blocks, their jobs and tiles, what
// they move, where it lies in DRAM, and what they tell each other about a block.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <systemc>

#include "common/error.h"
#include "mapping/blocks.h"
#include "pe/design.h"
#include "system/accelerator.h"
#include "system/plan.h"
#include "system/program.h"
#include "system/run_result.h"

namespace bitsmith {

enum class Tensor : std::uint8_t { activations, weights, results };

// One operator at work. Its numbers of blocks count from 0.
class ScWork {
 public:
  ScWork(const PlannedOperator& planned, std::size_t number, const Design& design,
         const MemoryParams& memory)
      : planned_(planned), number_(number), limits_(design.tile_limits()), design_(design) {
    const ProgramOperator& program = planned.program;
    if (is_gemm()) {
      check(planned.mapping.has_value(), "a GEMM without a mapping");
      blocks_.emplace(program.op.gemm, program.op.count, *planned.mapping);
      a_bits_ = static_cast<std::uint64_t>(design.activation_format().bits);
      w_bits_ = static_cast<std::uint64_t>(design.weight_format().bits);
      converter_ = memory.converter_of(program.weights_are_kv_cache);
      accumulator_bits_ = design.accumulator_bits();
      exponent_ = result_exponent(design, program.op.gemm.k);
    } else {
      check(program.vector.elements > 0, "a vector operator without elements");
      block_elements_ = vector_block_elements(program.vector, memory);
    }
    lay_out_memory();
  }

  const ProgramOperator& program() const { return planned_.program; }
  const PlannedOperator& planned() const { return planned_; }
  std::size_t number() const { return number_; }  // in the plan
  bool is_gemm() const { return program().op.is_gemm(); }
  // Results pass the vector unit before they are stored.
  bool is_passed() const { return !is_gemm() || program().passes > 0; }
  std::uint64_t passes() const { return is_gemm() ? program().passes : program().vector.passes; }
  std::uint64_t accumulator_bits() const { return accumulator_bits_; }
  int exponent() const { return exponent_; }
  const TileLimits& limits() const { return limits_; }
  const WeightConverter* converter() const { return converter_; }  // of W; null: none

  std::uint64_t block_count() const {
    if (is_gemm()) return blocks_->size();
    return (program().vector.elements + block_elements_ - 1) / block_elements_;
  }
  // Of a vector operator: a block that loads an input and emits.
  Block block(std::uint64_t index) const {
    if (is_gemm()) return blocks_->at(index);
    Block block;
    block.loads_w = false;
    block.m0 = index * block_elements_;
    block.m = std::min(block_elements_, program().vector.elements - block.m0);
    return block;
  }

  // What a block moves, in bits; DRAM holds whole bytes of it.
  std::uint64_t bits(Tensor tensor, const Block& block) const {
    switch (tensor) {
      case Tensor::activations:
        return is_gemm() ? block.m * block.k * a_bits_ : block.m * program().vector.input_bits;
      case Tensor::weights:
        if (converter_ != nullptr) {
          return parameter_bits(block) +
                 block.k * block.n * static_cast<std::uint64_t>(converter_->stored->bits);
        }
        // And, behind them, their scales.
        return block.k * block.n * w_bits_ + scale_rows(block) * block.n * design_.scale_bits();
      case Tensor::results:
        return block.m * block.n *
               (is_gemm() ? program().output_bits : program().vector.output_bits);
    }
    throw InternalError("a tensor of no kind");
  }
  // What lies in front of weights that are converted.
  std::uint64_t parameter_bits(const Block& block) const {
    return converter_->parameter_rows(block.k) * block.n * converter_->parameter_bits();
  }
  std::uint64_t scale_rows(const Block& block) const { return design_.scale_rows(block.k); }
  std::uint64_t bytes(Tensor tensor, const Block& block) const {
    return (bits(tensor, block) + 7) / 8;
  }

  // Every block of a tensor is contiguous at an address of its own.
  std::uint64_t address(Tensor tensor, std::uint64_t index) const {
    return (static_cast<std::uint64_t>(tensor) << kTensorShift) | (index << block_shift_);
  }
  struct Place {
    Tensor tensor;
    std::uint64_t block;
    std::uint64_t offset;
  };
  Place place_of(std::uint64_t address) const {
    const std::uint64_t within = address & ((std::uint64_t{1} << kTensorShift) - 1);
    return {static_cast<Tensor>(address >> kTensorShift), within >> block_shift_,
            within & ((std::uint64_t{1} << block_shift_) - 1)};
  }

  // Counted by the modules where the events happen.
  SystemCounts counts;

 private:
  static constexpr int kTensorShift = 60;

  // The first block is the largest.
  void lay_out_memory() {
    const Block first = block(0);
    for (const Tensor tensor : {Tensor::activations, Tensor::weights, Tensor::results}) {
      while ((bytes(tensor, first) >> block_shift_) != 0) ++block_shift_;
    }
    check((block_count() >> (kTensorShift - block_shift_)) == 0, "more blocks than addresses");
  }

  const PlannedOperator& planned_;
  std::size_t number_;
  TileLimits limits_;
  const Design& design_;
  std::optional<BlockSequence> blocks_;
  std::uint64_t block_elements_ = 0;  // of a vector operator
  std::uint64_t a_bits_ = 0, w_bits_ = 0;
  std::uint64_t accumulator_bits_ = 0;
  const WeightConverter* converter_ = nullptr;
  int exponent_ = 0;
  int block_shift_ = 0;
};

// One dimension of a block in tiles.
struct TileCut {
  std::uint64_t size = 1;
  std::uint32_t limit = 1;

  std::uint64_t count() const { return (size + limit - 1) / limit; }
  std::uint32_t length(std::uint64_t tile) const {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(limit, size - tile * limit));
  }
};

// The jobs of a block in order, with the tiles they are about.
class JobWalk {
 public:
  JobWalk() = default;
  JobWalk(const Block& block, const TileLimits& limits)
      : m_{block.m, limits.m},
        n_{block.n, limits.n},
        k_{block.k, limits.k},
        tiles_n_(n_.count()),
        tiles_k_(k_.count()),
        left_(m_.count() * tiles_n_ * tiles_k_),
        accumulate_(block.accumulate),
        emit_(block.emit) {}

  bool at_end() const { return left_ == 0; }
  std::uint64_t jobs_left() const { return left_; }
  std::uint64_t a_tile() const { return mi_ * tiles_k_ + ki_; }
  std::uint64_t w_tile() const { return ni_ * tiles_k_ + ki_; }
  std::uint64_t row() const { return mi_ * m_.limit; }
  std::uint64_t column() const { return ni_ * n_.limit; }
  Job job() const {
    return {m_.length(mi_), n_.length(ni_), k_.length(ki_), accumulate_ || ki_ > 0,
            emit_ && ki_ + 1 == tiles_k_};
  }
  void next() {
    --left_;
    if (++ki_ < tiles_k_) return;
    ki_ = 0;
    if (++ni_ < tiles_n_) return;
    ni_ = 0;
    ++mi_;
  }

 private:
  TileCut m_, n_, k_;
  std::uint64_t tiles_n_ = 1, tiles_k_ = 1;
  std::uint64_t left_ = 0;
  std::uint64_t mi_ = 0, ni_ = 0, ki_ = 0;
  bool accumulate_ = false, emit_ = true;
};

// A block as the sequencer hands it out.
struct BlockRun {
  ScWork* work = nullptr;
  std::uint64_t index = 0;
  Block block;
  std::uint64_t a_load = 0, w_load = 0;  // of its operands; number % 2 is the half
  std::uint64_t store = 0;  // of its results, if it emits, from the start; number % 2 is the half
  std::uint64_t gemm_stores_before = 0;  // of GEMMs alone
  std::uint64_t operands_at_ports = 0;   // edge; a vector operator's: at the vector unit
};

// Those whom the sequencer tells about a dispatched block: at least two edges before its operands
// have to be at the ports, so the order of the processes at an edge makes no difference.
class DispatchIf : public virtual sc_core::sc_interface {
 public:
  virtual void start(const BlockRun& run) = 0;
};

}  // namespace bitsmith
