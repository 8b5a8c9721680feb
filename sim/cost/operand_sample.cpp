#include "cost/operand_sample.h"

#include <array>
#include <bit>
#include <cmath>
#include <memory>
#include <random>
#include <span>

#include "common/error.h"
#include "mapping/operand_source.h"
#include "numerics/pack.h"
#include "workload/operand_stream.h"

namespace bitsmith {
namespace {

// Rows of A and W that tiles are taken from in turn.
constexpr std::uint64_t kRows = 128;
constexpr float kWeightDeviation = 0.02F;
constexpr std::uint64_t kWeightSeed = 0x9e3779b97f4a7c15U;

OperandQuantization per_row(const Format& format) {
  OperandQuantization wanted;
  wanted.granularity = Granularity::channel;
  Quantizer& q = wanted.quantizer;
  q = {QuantMethod::absmax, &format, {}, nullptr, nullptr};
  if (format.kind == FormatKind::integer && !format.is_signed) q.method = QuantMethod::zero_point;
  if (format.kind == FormatKind::codebook) q.method = QuantMethod::absmean;
  const bool as_it_is = format.kind == FormatKind::minifloat && format.bits == 16;
  // Formats without zero have the sign alone.
  if (as_it_is || invalid(q)) q = {QuantMethod::none, &format, {}, nullptr, nullptr};
  if (q.method == QuantMethod::none) wanted.granularity = Granularity::tensor;
  return wanted;
}

OperandQuantization weights_of(const Design& design) {
  if (design.scale_bits() == 0) return per_row(design.weight_format());
  const OperandQuantization wanted = weight_quantization(design);
  return invalid(wanted.quantizer) ? per_row(design.weight_format()) : wanted;
}

// One GEMM of random tensors, quantized and held as a whole.
class SampledOperands final : public QuantizedOperands {
 public:
  SampledOperands(const Design& design, Distribution activations, std::uint64_t seed)
      : a_(per_row(design.activation_format())), w_(weights_of(design)) {
    Operator op;
    op.name = "sample";
    op.gemm = {kRows, kRows, kSampledK};
    workload_ = {"sample", {op}};
    RandomTensor values;
    values.distribution = activations;
    values.seed = seed;
    fill(a_, values);
    values.distribution = Distribution::normal;
    values.seed = seed ^ kWeightSeed;
    values.stddev = kWeightDeviation;
    fill(w_, values);
  }

  const Workload& workload() const override { return workload_; }
  std::string name() const override { return "sample"; }
  const OperandQuantization& quantization(std::size_t, OperandRole role) const override {
    return of(role).quantization;
  }
  void read(std::size_t, OperandRole role, std::uint64_t row, std::uint64_t k,
            std::span<std::uint16_t> out) const override {
    const auto begin = of(role).codes.begin() + static_cast<std::ptrdiff_t>(row * kSampledK + k);
    std::copy_n(begin, out.size(), out.begin());
  }
  void read_scales(std::size_t, OperandRole role, std::uint64_t row, std::uint64_t group,
                   std::span<std::uint16_t> out) const override {
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<std::uint16_t>(parameters(role, row, group + i).scale_code);
  }
  void read_selects(std::size_t, OperandRole role, std::uint64_t row, std::uint64_t group,
                    std::span<std::uint16_t> out) const override {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = parameters(role, row, group + i).select;
  }
  void read_zero_points(std::size_t, OperandRole role, std::uint64_t row, std::uint64_t group,
                        std::span<std::uint16_t> out) const override {
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = parameters(role, row, group + i).zero_point;
  }

 private:
  struct Operand {
    explicit Operand(OperandQuantization wanted) : quantization(std::move(wanted)) {}
    OperandQuantization quantization;
    std::vector<std::uint16_t> codes;
    OperandParameters parameters;
  };
  static void fill(Operand& operand, const RandomTensor& values) {
    operand.parameters =
        stream_operand(values, operand.quantization, {kRows, kSampledK},
                       [&](std::span<const std::uint16_t> codes) {
                         operand.codes.insert(operand.codes.end(), codes.begin(), codes.end());
                       })
            .parameters;
  }
  const Operand& of(OperandRole role) const { return role == OperandRole::activation ? a_ : w_; }
  const GroupParameters& parameters(OperandRole role, std::uint64_t row,
                                    std::uint64_t group) const {
    const OperandParameters& all = of(role).parameters;
    return all.groups.at(all.shape.size() < 2 ? 0 : row * all.shape[1] + group);
  }

  Operand a_, w_;
  Workload workload_;
};

// Tiles of what it owns.
struct Sample {
  Sample(const Design& design, Distribution activations, std::uint64_t seed)
      : operands(design, activations, seed),
        traced(operands, design, false),
        tiles(operand_tiles(traced, 0)) {}
  SampledOperands operands;
  TraceOperands traced;
  OperandTiles tiles;
};

OperandTiles sampled(const Design& design, Distribution activations, std::uint64_t seed) {
  return [sample = std::make_shared<Sample>(design, activations, seed)](
             std::uint32_t m, std::uint32_t n, std::uint64_t k) { return sample->tiles(m, n, k); };
}

OperandTiles uniform(const Design& design, std::uint64_t seed) {
  return [codes = OperandSource(design, seed), scales = sampled(design, Distribution::normal, seed),
          number = std::size_t{0}](std::uint32_t m, std::uint32_t n, std::uint64_t k) mutable {
    OperandTile tile = scales(m, n, k);
    codes.read_a(number, 0, 0, m, 0, k, tile.a);
    codes.read_w(number, 0, 0, k, 0, n, tile.w);
    ++number;
    return tile;
  };
}

OperandTiles zero(const Design& design) {
  return [&design](std::uint32_t m, std::uint32_t n, std::uint64_t k) {
    return OperandTile{std::vector<std::uint16_t>(m * k), std::vector<std::uint16_t>(k * n),
                       std::vector<std::uint16_t>(design.scale_rows(k) * n)};
  };
}

// `code(line, i)`: the i-th code along k of a line.
template <class Code>
CodeStatistics statistics_of(const Format& format, std::size_t lines, std::size_t k, Code code) {
  check(lines > 0 && k > 1, "statistics of codes along k");
  std::uint64_t zeros = 0, toggles = 0;
  for (std::size_t line = 0; line < lines; ++line) {
    for (std::size_t i = 0; i < k; ++i) {
      if (code(line, i) == 0) ++zeros;
      if (i == 0) continue;
      const auto changed = static_cast<std::uint32_t>(code(line, i) ^ code(line, i - 1));
      toggles += static_cast<std::uint64_t>(std::popcount(changed));
    }
  }
  return {static_cast<double>(zeros) / static_cast<double>(lines * k),
          static_cast<double>(toggles) /
              static_cast<double>(lines * (k - 1) * static_cast<std::size_t>(format.bits))};
}

// In 0 .. 1: of 16 consecutive `i` each in another sixteenth, of 8 in every other one.
double spread(std::uint64_t i, std::mt19937_64& random) {
  constexpr std::array<std::uint8_t, 16> kBitsReversed = {0, 8, 4, 12, 2, 10, 6, 14,
                                                          1, 9, 5, 13, 3, 11, 7, 15};
  return (kBitsReversed[i % 16] + std::uniform_real_distribution()(random)) / 16;
}

std::uint64_t at(double place, std::uint64_t count) {
  return std::min(static_cast<std::uint64_t>(place * static_cast<double>(count)), count - 1);
}

template <class Read>
std::vector<std::uint16_t> line_of(std::uint64_t size, Read read) {
  std::vector<std::uint16_t> line(size);
  read(std::span<std::uint16_t>(line));
  return line;
}

// Of a row and of a column of PEs, tile after tile, all parts of M and of N; the same every time.
class SpreadTiles {
 public:
  SpreadTiles(const TraceOperands& trace, std::size_t op)
      : trace_(trace), op_(op), gemm_(trace.shape(op)) {}

  OperandTile operator()(std::uint32_t m, std::uint32_t n, std::uint64_t k) {
    const Design& design = trace_.design();
    const std::uint64_t k0 = first_k();
    const std::uint64_t scale_rows = design.scale_rows(k);
    OperandTile tile{std::vector<std::uint16_t>(m * k), std::vector<std::uint16_t>(k * n),
                     std::vector<std::uint16_t>(scale_rows * n)};
    for (std::uint32_t i = 0; i < m; ++i) {
      const std::uint64_t row = at(spread(tiles_, random_), gemm_.m);
      const auto line =
          line_of(gemm_.k, [&](auto codes) { trace_.read_a(op_, row, 1, 0, gemm_.k, codes); });
      for (std::uint64_t step = 0; step < k; ++step)
        tile.a[i * k + step] = line[(k0 + step) % gemm_.k];
    }
    for (std::uint32_t j = 0; j < n; ++j) {
      const std::uint64_t col = at(spread(tiles_, random_), gemm_.n);
      const auto line =
          line_of(gemm_.k, [&](auto codes) { trace_.read_w(op_, 0, gemm_.k, col, 1, codes); });
      for (std::uint64_t step = 0; step < k; ++step)
        tile.w[step * n + j] = line[(k0 + step) % gemm_.k];
      if (scale_rows == 0) continue;
      const std::uint64_t own_rows = design.scale_rows(gemm_.k);
      const auto scales =
          line_of(own_rows, [&](auto codes) { trace_.read_s(op_, 0, own_rows, col, 1, codes); });
      for (std::uint64_t row = 0; row < scale_rows; ++row)
        tile.s[row * n + j] = scales[(design.scale_rows(k0) + row) % own_rows];
    }
    ++tiles_;
    return tile;
  }

 private:
  // The begin of a group, where these fill k; else 0, so that scales stay with their weights.
  std::uint64_t first_k() {
    const Design& design = trace_.design();
    const std::uint64_t group = design.scale_bits() == 0 ? 1 : design.scale_scheme().group;
    if (gemm_.k % group != 0) return 0;
    return at(std::uniform_real_distribution()(random_), gemm_.k / group) * group;
  }

  const TraceOperands& trace_;
  std::size_t op_;
  GemmShape gemm_;
  std::uint64_t tiles_ = 0;
  std::mt19937_64 random_{1};
};

double distance(const CodeStatistics& a, const CodeStatistics& b) {
  return std::abs(a.zeros - b.zeros) + std::abs(a.toggles - b.toggles);
}

}  // namespace

OperandTiles operand_tiles(const Design& design, OperandClass operands, std::uint64_t seed) {
  switch (operands) {
    case OperandClass::uniform:
      return uniform(design, seed);
    case OperandClass::normal:
      return sampled(design, Distribution::normal, seed);
    case OperandClass::llm:
      return sampled(design, Distribution::activations, seed);
    case OperandClass::zero:
      return zero(design);
  }
  throw InternalError("operands of no class");
}

OperandTiles operand_tiles(const TraceOperands& trace, std::size_t op) {
  const GemmShape& gemm = trace.shape(op);
  return [&trace, op, gemm, m0 = std::uint64_t{0}, n0 = std::uint64_t{0}](
             std::uint32_t m, std::uint32_t n, std::uint64_t k) mutable {
    check(m <= gemm.m && n <= gemm.n && k <= gemm.k, "a tile within the traced operands");
    if (m0 + m > gemm.m) m0 = 0;
    if (n0 + n > gemm.n) n0 = 0;
    OperandTile tile = trace.tile(op, m0, m, n0, n, k);
    m0 += m;
    n0 += n;
    return tile;
  };
}

OperandCodeStatistics code_statistics(const Design& design, const OperandViews& operands) {
  const CodeView& a = operands.a;
  const CodeView& w = operands.w;
  return {statistics_of(design.activation_format(), a.rows, a.cols,
                        [&](std::size_t row, std::size_t k) { return a(row, k); }),
          statistics_of(design.weight_format(), w.cols, w.rows,
                        [&](std::size_t col, std::size_t k) { return w(k, col); })};
}

OperandClass nearest_class(const Design& design, const OperandViews& operands) {
  constexpr std::uint64_t kSeed = 1;
  constexpr std::uint32_t kLines = 16;
  const OperandCodeStatistics wanted = code_statistics(design, operands);
  OperandClass nearest{};
  double least = INFINITY;
  for (std::size_t i = 0; i < kOperandClasses; ++i) {
    const auto candidate = static_cast<OperandClass>(i);
    const OperandTile tile = operand_tiles(design, candidate, kSeed)(kLines, kLines, kSampledK);
    const OperandCodeStatistics of_class =
        code_statistics(design, {{tile.a.data(), kLines, kSampledK, kSampledK},
                                 {tile.w.data(), kSampledK, kLines, kLines}});
    const double now = distance(of_class.a, wanted.a) + distance(of_class.w, wanted.w);
    if (now >= least) continue;
    least = now;
    nearest = candidate;
  }
  return nearest;
}

OperandTiles spread_tiles(const TraceOperands& trace, std::size_t op) {
  return SpreadTiles(trace, op);
}

std::size_t largest_gemm(const TraceOperands& trace) {
  const auto macs = [&](std::size_t op) { return trace.workload().operators[op].macs(); };
  return *std::max_element(trace.gemms().begin(), trace.gemms().end(),
                           [&](std::size_t a, std::size_t b) { return macs(a) < macs(b); });
}

OperandClass class_of(const TraceOperands& trace) {
  constexpr std::uint32_t kLines = 32;
  const std::size_t op = largest_gemm(trace);
  const std::uint64_t k = trace.shape(op).k;
  if (k < 2) return OperandClass::llm;  // nothing follows nothing
  const OperandTile tile = spread_tiles(trace, op)(kLines, kLines, k);
  return nearest_class(trace.design(),
                       {{tile.a.data(), kLines, k, k}, {tile.w.data(), k, kLines, kLines}});
}

}  // namespace bitsmith
