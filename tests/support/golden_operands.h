// Operands that look for differences between two forms of the same sums.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "numerics/format.h"
#include "pe/matrix.h"

namespace bitsmith::test {

// Shapes that fit no vector, and codes of one kind per GEMM: all alike, numbers of a few binades,
// sums that cancel, or with a special value among them now and then.
class GoldenOperands {
 public:
  GoldenOperands(const Format& activation, const Format& weight, std::mt19937_64& random)
      : m(1 + random() % 4),
        n(1 + random() % (random() % 4 == 0 ? 150 : 20)),
        k(1 + random() % (random() % 3 == 0 ? 300 : 40)),
        a_(codes(activation, m * k, random)),
        w_(codes(weight, k * n, random)) {}

  CodeView a() const { return {a_.data(), m, k, k}; }
  CodeView w() const { return {w_.data(), k, n, n}; }
  MatrixView<std::int64_t> view(std::vector<std::int64_t>& y) const { return {y.data(), m, n, n}; }

  std::size_t m, n, k;

  // `count` codes; bits above the format's are noise.
  static std::vector<std::uint16_t> codes(const Format& f, std::size_t count,
                                          std::mt19937_64& random) {
    const auto kind = random() % 5;
    const std::uint64_t one_in = 20 << random() % 6;  // a special value in so many
    const auto sign = std::uint64_t{1} << (f.bits - 1);
    std::vector<std::uint16_t> result(count);
    const std::uint64_t base = random();
    for (auto& code : result) {
      std::uint64_t drawn = random();
      if (f.kind == FormatKind::minifloat && random() % one_in != 0) {
        const std::uint64_t binade = std::uint64_t{1} << f.mantissa_bits;
        if (kind == 0) drawn = base % sign + drawn % 3 + (drawn & sign);         // nearly equal
        if (kind == 1) drawn = drawn % (4 * binade) + (drawn >> 40 & 1) * sign;  // the smallest
        if (kind == 2) drawn = base % sign / 2 + drawn % (3 * binade) + (drawn & sign);
        while (!std::isfinite(decode(f, static_cast<std::uint32_t>(drawn & 0xFFFF)))) {
          drawn = random();
        }
      } else if (f.kind == FormatKind::integer) {
        if (kind == 0) drawn = sign;                    // the most negative
        if (kind == 1) drawn = sign - 1;                // the largest of two's complement
        if (kind == 2 && random() % 4 != 0) drawn = 0;  // mostly zeros
      }
      code = static_cast<std::uint16_t>(drawn);
    }
    return result;
  }

 private:
  std::vector<std::uint16_t> a_, w_;
};

}  // namespace bitsmith::test
