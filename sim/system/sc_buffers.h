// Contents of the three buffers: halves with the bytes that the DMA moves and the beats that the
// array sees. Beats are packed once per load.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "common/error.h"
#include "mapping/weight_converter.h"
#include "numerics/pack.h"
#include "pe/design.h"
#include "pe/matrix.h"
#include "system/program.h"
#include "system/sc_work.h"

namespace bitsmith {

// Bytes of DRAM as packed words and back: byte i is bits [8*i +: 8].
inline void words_of_bytes(std::span<const std::uint8_t> bytes, std::vector<std::uint32_t>& words) {
  words.assign(words_for_bits(bytes.size() * 8), 0);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    words[i / 4] |= std::uint32_t{bytes[i]} << (8 * (i % 4));
  }
}
inline void bytes_of_words(std::span<const std::uint32_t> words, std::span<std::uint8_t> bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(words[i / 4] >> (8 * (i % 4)));
  }
}

// Half of the activation or the weight buffer.
class OperandHalf {
 public:
  // Room for `size` bytes that the DMA is about to load.
  std::uint8_t* room(std::uint64_t size) {
    bytes_.assign(size, 0);
    return bytes_.data();
  }

  // Packs the beats of a loaded block. Returns their number.
  std::uint64_t pack_activations(const Design& design, const Block& block,
                                 const TileLimits& limits) {
    unpack(block.m * block.k, design.activation_format().bits);
    begin_beats(design.channel_widths().a);
    const TileCut m{block.m, limits.m}, n{block.n, limits.n}, k{block.k, limits.k};
    for (std::uint64_t mi = 0; mi < m.count(); ++mi) {
      for (std::uint64_t ki = 0; ki < k.count(); ++ki) {
        const Job job{m.length(mi), n.length(0), k.length(ki), false, true};
        const CodeView view{codes_.data() + mi * m.limit * block.k + ki * k.limit, job.m, job.k,
                            block.k};
        add_tile(design.beats(job).a, [&](std::uint64_t beat, std::span<std::uint32_t> words) {
          design.pack_a(job, view, beat, words);
        });
      }
    }
    return beat_count();
  }
  std::uint64_t pack_weights(const Design& design, const Block& block, const TileLimits& limits,
                             const WeightConverter* converter) {
    if (converter == nullptr) {
      unpack(block.k * block.n, design.weight_format().bits);
    } else {
      unpack_converted(design, block, *converter);
    }
    begin_beats(design.channel_widths().w);
    const TileCut m{block.m, limits.m}, n{block.n, limits.n}, k{block.k, limits.k};
    for (std::uint64_t ni = 0; ni < n.count(); ++ni) {
      for (std::uint64_t ki = 0; ki < k.count(); ++ki) {
        const Job job{m.length(0), n.length(ni), k.length(ki), false, true};
        const CodeView view{codes_.data() + ki * k.limit * block.n + ni * n.limit, job.k, job.n,
                            block.n};
        add_tile(design.beats(job).w, [&](std::uint64_t beat, std::span<std::uint32_t> words) {
          design.pack_w(job, view, beat, words);
        });
      }
    }
    return beat_count();
  }

  // Scales lie behind the weights that were loaded with them.
  std::uint64_t pack_scales(const Design& design, const Block& block, const TileLimits& limits,
                            const OperandHalf& weights) {
    const auto width = static_cast<int>(design.scale_bits());
    std::uint64_t at = block.k * block.n * static_cast<std::uint64_t>(design.weight_format().bits);
    codes_.resize(design.scale_rows(block.k) * block.n);
    for (std::uint16_t& code : codes_) {
      code = static_cast<std::uint16_t>(get_bits(weights.packed_, at, width));
      at += design.scale_bits();
    }
    begin_beats(design.channel_widths().s);
    const TileCut m{block.m, limits.m}, n{block.n, limits.n}, k{block.k, limits.k};
    for (std::uint64_t ni = 0; ni < n.count(); ++ni) {
      for (std::uint64_t ki = 0; ki < k.count(); ++ki) {
        const Job job{m.length(0), n.length(ni), k.length(ki), false, true};
        const std::uint64_t row = design.scale_rows(ki * k.limit);
        const CodeView view{codes_.data() + row * block.n + ni * n.limit, design.scale_rows(job.k),
                            job.n, block.n};
        add_tile(design.beats(job).s, [&](std::uint64_t beat, std::span<std::uint32_t> words) {
          design.pack_s(job, view, beat, words);
        });
      }
    }
    return beat_count();
  }

  // Beats first_beat(tile) .. first_beat(tile + 1) - 1 are those of a tile.
  std::uint64_t first_beat(std::uint64_t tile) const { return first_beat_[tile]; }
  const std::uint32_t* beat(std::uint64_t number) const { return beats_.data() + number * words_; }
  std::size_t words_per_beat() const { return words_; }
  std::uint64_t beat_count() const { return first_beat_.back(); }

 private:
  void unpack(std::uint64_t count, int width) {
    words_of_bytes(bytes_, packed_);
    codes_.resize(count);
    unpack_codes(packed_, width, codes_);
  }
  // Parameters lie in front of their weights.
  void unpack_converted(const Design& design, const Block& block,
                        const WeightConverter& converter) {
    words_of_bytes(bytes_, packed_);
    std::uint64_t at = 0;
    const auto take = [&](std::vector<std::uint16_t>& codes, std::uint64_t count, int width) {
      codes.resize(count);
      for (std::uint16_t& code : codes) {
        code = static_cast<std::uint16_t>(get_bits(packed_, at, width));
        at += static_cast<std::uint64_t>(width);
      }
    };
    const std::uint64_t rows = converter.parameter_rows(block.k);
    take(parameters_, rows * block.n, static_cast<int>(converter.parameter_bits()));
    take(stored_, block.k * block.n, converter.stored->bits);
    codes_.resize(stored_.size());
    convert_weights(converter, design.weight_format(), {stored_.data(), block.k, block.n, block.n},
                    {parameters_.data(), rows, block.n, block.n}, codes_);
  }
  void begin_beats(std::uint32_t width) {
    words_ = words_for_bits(width);
    beats_.clear();
    first_beat_.assign(1, 0);
  }
  template <class Pack>
  void add_tile(std::uint64_t count, Pack pack) {
    const std::uint64_t first = first_beat_.back();
    beats_.resize((first + count) * words_);
    for (std::uint64_t i = 0; i < count; ++i) {
      pack(i, std::span(beats_.data() + (first + i) * words_, words_));
    }
    first_beat_.push_back(first + count);
  }

  std::vector<std::uint8_t> bytes_;
  std::vector<std::uint32_t> packed_;
  std::vector<std::uint16_t> codes_;
  std::vector<std::uint16_t> parameters_, stored_;  // of converted weights
  std::size_t words_ = 1;
  std::vector<std::uint32_t> beats_;
  std::vector<std::uint64_t> first_beat_{0};
};

// Half of the result buffer: results as unpack_y gives them, then as they are stored.
class ResultHalf {
 public:
  void begin(const Block& block) {
    values_.assign(block.m * block.n, 0);
    columns_ = block.n;
  }
  MatrixView<std::int64_t> tile(std::uint64_t row, std::uint64_t column, const Job& job) {
    return {values_.data() + row * columns_ + column, job.m, job.n, columns_};
  }

  // Results in their stored form, when the vector unit has converted them or nothing is to convert.
  void pack(const Design& design, const ScWork& work, const Block& block) {
    const std::uint64_t bytes = work.bytes(Tensor::results, block);
    bytes_.assign(bytes, 0);
    if (!work.is_gemm()) return;
    const ProgramOperator& program = work.program();
    const auto width = static_cast<int>(program.output_bits);
    packed_.assign(words_for_bits(bytes * 8), 0);
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const auto code = program.output == nullptr
                            ? static_cast<std::uint64_t>(values_[i])
                            : convert_result(design, values_[i], *program.output, work.exponent());
      put_bits(packed_, i * program.output_bits, width, code);
    }
    bytes_of_words(packed_, bytes_);
  }
  std::uint8_t* bytes() { return bytes_.data(); }

 private:
  std::vector<std::int64_t> values_;
  std::uint64_t columns_ = 1;
  std::vector<std::uint32_t> packed_;
  std::vector<std::uint8_t> bytes_;
};

struct ScBuffers {
  std::array<OperandHalf, 2> activations, weights, scales;
  std::array<ResultHalf, 2> results;
};

}  // namespace bitsmith
