// Compares the floating-point cells with MPFR: every pair of the small formats, corners and random
// pairs of the others. Exit code 1 if anything differs.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "Vfloat_cells.h"
#include "support/float_pairs.h"
#include "support/mpfr_float.h"

namespace bitsmith::test {
namespace {

constexpr FloatLayout kE4m3{4, 3, Specials::nan_only};
constexpr FloatLayout kE5m2{5, 2, Specials::ieee};
constexpr FloatLayout kE3m2{3, 2, Specials::none};
constexpr FloatLayout kE2m1{2, 1, Specials::none};
constexpr FloatLayout kE2m0{2, 0, Specials::none};
constexpr FloatLayout kIeeeE4m3{4, 3, Specials::ieee};
constexpr FloatLayout kIeeeE3m2{3, 2, Specials::ieee};
constexpr FloatLayout kFloat16{5, 10, Specials::ieee};
constexpr FloatLayout kBfloat16{8, 7, Specials::ieee};

struct Cell {
  bool multiplies;
  FloatLayout a, b, out;
};

constexpr Cell product(FloatLayout a, FloatLayout b, FloatLayout out) { return {true, a, b, out}; }
constexpr Cell sum(FloatLayout f) { return {false, f, f, f}; }

// By index, as in float_cells.sv.
constexpr std::array kCells{
    product(kE4m3, kE4m3, kFloat32),
    product(kE5m2, kE5m2, kFloat32),
    product(kE4m3, kE5m2, kFloat32),
    product(kE3m2, kE3m2, kFloat32),
    product(kE4m3, kE4m3, kFloat16),
    product(kE5m2, kE5m2, kFloat16),
    product(kE5m2, kE4m3, kE5m2),
    product(kE5m2, kE5m2, kIeeeE4m3),
    product(kE4m3, kE3m2, kE5m2),
    product(kE4m3, kE4m3, kIeeeE3m2),
    product(kE3m2, kE3m2, kIeeeE3m2),
    product(kIeeeE4m3, kIeeeE4m3, kIeeeE4m3),
    product(kE2m1, kE5m2, kIeeeE4m3),
    product(kE5m2, kE2m0, {5, 1, Specials::ieee}),
    sum(kIeeeE4m3),
    sum(kE5m2),
    sum(kIeeeE3m2),
    sum({2, 4, Specials::ieee}),
    sum({4, 1, Specials::ieee}),
    product(kFloat16, kFloat16, kFloat32),
    product(kBfloat16, kBfloat16, kFloat32),
    product(kBfloat16, kE5m2, kFloat32),
    product(kFloat16, kE4m3, kFloat32),
    product(kFloat16, kBfloat16, kFloat32),
    product(kFloat16, kFloat16, kFloat16),
    product(kFloat32, kFloat32, kFloat32),
    product(kE2m1, kFloat16, kFloat32),
    sum(kFloat16),
    sum(kBfloat16),
    sum(kFloat32),
    sum(kFloat32),
};

constexpr int kPairBitsForAll = 16;  // up to here every pair is tried
constexpr int kSteps = 1'000'000;

int run() {
  Vfloat_cells dut;
  MpfrFloat mpfr;
  std::vector<FloatPairs> random;
  for (std::size_t i = 0; i < kCells.size(); ++i) {
    random.emplace_back(kCells[i].a, kCells[i].b, kCells[i].out, i);
  }
  std::array<FloatPair, kCells.size()> pairs;
  std::array<int, kCells.size()> differences{};
  for (int step = 0; step < kSteps; ++step) {
    const auto count = static_cast<std::uint32_t>(step);
    for (std::size_t i = 0; i < kCells.size(); ++i) {
      const int a_bits = kCells[i].a.bits();
      const bool all = a_bits + kCells[i].b.bits() <= kPairBitsForAll;
      pairs[i] = all ? FloatPair{count & ((1U << a_bits) - 1), count >> a_bits} : random[i].next();
      dut.a_i[i] = pairs[i].first;
      dut.b_i[i] = pairs[i].second;
    }
    dut.eval();
    for (std::size_t i = 0; i < kCells.size(); ++i) {
      const Cell& cell = kCells[i];
      const int bits = cell.a.bits() + cell.b.bits();
      if (bits <= kPairBitsForAll && (count >> bits) != 0) continue;
      const auto [a, b] = pairs[i];
      const std::uint32_t expected =
          cell.multiplies ? mpfr.multiply(cell.a, a, cell.b, b, cell.out) : mpfr.add(cell.a, a, b);
      if (dut.y_o[i] == expected || differences[i]++ >= 3) continue;
      std::printf("cell %zu: %s of %x and %x is %x, by MPFR %x\n", i,
                  cell.multiplies ? "product" : "sum", a, b, dut.y_o[i], expected);
    }
  }
  const auto wrong =
      std::count_if(differences.begin(), differences.end(), [](int n) { return n > 0; });
  std::printf("%zu cells, %d steps: %d cells differ from MPFR\n", kCells.size(), kSteps,
              static_cast<int>(wrong));
  return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace bitsmith::test

int main() { return bitsmith::test::run(); }
