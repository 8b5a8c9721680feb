#include "numerics/staircase.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "common/error.h"

namespace bitsmith {

Staircase::Staircase(const Format& f) : threshold_{}, code_{} {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  check(f.kind == FormatKind::codebook, "staircase: not a codebook");
  std::vector<double> numbers(f.codebook.begin(), f.codebook.end());
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());  // ternary: two zeros
  check(numbers.size() <= kSteps, "staircase: more than 16 numbers");
  threshold_.fill(infinity);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    code_[i] = static_cast<std::uint16_t>(bitsmith::encode(f, numbers[i]));
    if (i == 0) continue;
    // The middle itself goes where encode() of the format puts it.
    const double middle = (numbers[i - 1] + numbers[i]) / 2;
    const bool up = bitsmith::encode(f, middle) == code_[i];
    threshold_[i - 1] = up ? std::nextafter(middle, -infinity) : middle;
  }
}

// Threshold by threshold over some values at a time: loops without branches, which vectorise.
void Staircase::encode(double scale, std::span<const float> values,
                       std::span<std::uint16_t> codes) const {
  check(values.size() == codes.size(), "staircase: as many codes as values");
  constexpr std::size_t kLanes = 64;
  std::array<double, kLanes> x{};
  std::array<std::int64_t, kLanes> step{};
  for (std::size_t start = 0; start < values.size(); start += kLanes) {
    const std::size_t lanes = std::min(kLanes, values.size() - start);
    for (std::size_t i = 0; i < lanes; ++i) x[i] = values[start + i] / scale;
    step.fill(0);
    for (const double t : threshold_) {
      for (std::size_t i = 0; i < kLanes; ++i) step[i] += x[i] > t ? 1 : 0;
    }
    for (std::size_t i = 0; i < lanes; ++i) {
      codes[start + i] = code_[static_cast<std::size_t>(step[i])];
    }
  }
}

const Staircase* find_staircase(const Format& f) {
  struct Entry {
    const Format* format;
    Staircase staircase;
  };
  static const std::vector<Entry> all = [] {
    std::vector<Entry> entries;
    for (const Format& row : all_formats()) {
      if (row.kind == FormatKind::codebook) entries.push_back({&row, Staircase(row)});
    }
    return entries;
  }();
  const auto it =
      std::find_if(all.begin(), all.end(), [&f](const Entry& e) { return e.format == &f; });
  return it == all.end() ? nullptr : &it->staircase;
}

}  // namespace bitsmith
