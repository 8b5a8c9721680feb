#include "mapping/operand_source.h"

#include "common/error.h"
#include "numerics/pack.h"
#include "numerics/random_tensor.h"

namespace bitsmith {
namespace {

// Operands of different operators and GEMMs have nothing to do with each other.
enum class Stream { activations, weights, scales };

std::uint64_t stream_seed(std::uint64_t seed, std::size_t op, std::uint64_t gemm, Stream stream) {
  return seed + 0x9e3779b97f4a7c15U * (4 * op + static_cast<std::uint64_t>(stream) + 1) +
         0xd1b54a32d192ed03U * gemm;
}

// Random numbers of this width stand for floating-point ones.
constexpr int kNumberBits = 11;

}  // namespace

OperandSource::Drawn OperandSource::drawn(const Format& format) {
  if (format.kind != FormatKind::minifloat) return {&format, {}};
  Drawn result{find_format("int16"), {}};
  constexpr int kHalf = 1 << (kNumberBits - 1);
  for (int i = 0; i < 2 * kHalf; ++i) {
    const double magnitude = 0.0625 + 15.9375 * (i % kHalf) / kHalf;
    result.numbers.push_back(
        static_cast<std::uint16_t>(encode(format, i < kHalf ? magnitude : -magnitude)));
  }
  return result;
}

void OperandSource::draw(const Drawn& from, std::uint64_t seed, const TileArea& area,
                         std::span<std::uint16_t> codes) {
  fill_codes(*from.format, seed, area, codes);
  if (from.numbers.empty()) return;
  for (std::uint16_t& code : codes) code = from.numbers[code % from.numbers.size()];
}

OperandSource::OperandSource(const Design& design, std::uint64_t seed,
                             const WeightConverter* converter)
    : a_(drawn(design.activation_format())),
      w_(drawn(design.weight_format())),
      converter_(converter),
      scale_bits_(design.scale_bits()),
      seed_(seed) {
  if (converter == nullptr) return;
  stored_ = drawn(*converter->stored);
  if (converter->scale_format() != nullptr) scales_ = drawn(*converter->scale_format());
}

void OperandSource::read_a(std::size_t op, std::uint64_t gemm, std::uint64_t m0, std::uint64_t m,
                           std::uint64_t k0, std::uint64_t k,
                           std::span<std::uint16_t> codes) const {
  check(codes.size() == m * k, "room for another tile of A");
  if (trace_ != nullptr) return trace_->read_a(op, m0, m, k0, k, codes);
  draw(a_, stream_seed(seed_, op, gemm, Stream::activations), {m0, k0, m, k}, codes);
}

void OperandSource::read_w(std::size_t op, std::uint64_t gemm, std::uint64_t k0, std::uint64_t k,
                           std::uint64_t n0, std::uint64_t n,
                           std::span<std::uint16_t> codes) const {
  check(codes.size() == k * n, "room for another tile of W");
  if (trace_ != nullptr) return trace_->read_w(op, k0, k, n0, n, codes);
  draw(w_, stream_seed(seed_, op, gemm, Stream::weights), {k0, n0, k, n}, codes);
}

void OperandSource::read_stored_w(std::size_t op, std::uint64_t gemm, std::uint64_t k0,
                                  std::uint64_t k, std::uint64_t n0, std::uint64_t n,
                                  std::span<std::uint16_t> codes,
                                  std::span<std::uint16_t> parameters) const {
  check(converter_ != nullptr && k0 % converter_->group == 0, "no weights of whole groups");
  check(codes.size() == k * n && parameters.size() == converter_->parameter_rows(k) * n,
        "room for another tile of stored W");
  draw(stored_, stream_seed(seed_, op, gemm, Stream::weights), {k0, n0, k, n}, codes);
  const std::uint64_t seed = stream_seed(seed_, op, gemm, Stream::scales);
  const std::uint64_t first = converter_->parameter_rows(k0);
  for (std::uint64_t row = 0; row < converter_->parameter_rows(k); ++row) {
    const bool is_zero_point =
        converter_->zero_points && (row + 1) % converter_->rows_per_group() == 0;
    draw(is_zero_point ? stored_ : scales_, seed, {first + row, n0, 1, n},
         parameters.subspan(row * n, n));
  }
}

void OperandSource::read_s(std::size_t op, std::uint64_t gemm, std::uint64_t row,
                           std::uint64_t rows, std::uint64_t n0, std::uint64_t n,
                           std::span<std::uint16_t> codes) const {
  check(codes.size() == rows * n, "room for another tile of scales");
  if (trace_ != nullptr) return trace_->read_s(op, row, rows, n0, n, codes);
  check(scale_bits_ > 0, "scales that are not there");
  fill_codes(*find_format("uint16"), stream_seed(seed_, op, gemm, Stream::scales),
             {row, n0, rows, n}, codes);
  for (std::uint16_t& code : codes) {
    code = static_cast<std::uint16_t>(code & low_mask(static_cast<int>(scale_bits_)));
  }
}

}  // namespace bitsmith
