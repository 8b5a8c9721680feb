#include "pe/mixpe/golden_gemm.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "common/error.h"
#include "numerics/float_values.h"
#include "numerics/pack.h"
#include "pe/mixpe/golden.h"

namespace bitsmith::mixpe {
namespace {

// A row of FP32 sums as results. The host rounds each operation as IEEE 754 asks; its NaNs are of
// any kind.
void write_results(const std::vector<float>& sums, std::int64_t* y) {
  constexpr std::int32_t kNan = 0x7FC00000;
  for (std::size_t n = 0; n < sums.size(); ++n) {
    y[n] = std::isnan(sums[n]) ? kNan : std::bit_cast<std::int32_t>(sums[n]);
  }
}
void write_results(const std::vector<std::int64_t>& sums, std::int64_t* y) {
  using Limits = std::numeric_limits<std::int32_t>;
  for (std::size_t n = 0; n < sums.size(); ++n) {
    check(sums[n] >= Limits::min() && sums[n] <= Limits::max(), "a sum does not fit 32 bits");
    y[n] = sums[n];
  }
}

// S: the sum of L products of a beat. Rows of weights are `cols` apart.
template <std::size_t L, class Number>
Number sum_of_products(const Number* a, const Number* w, std::size_t cols) {
  if constexpr (L == 1) {
    return a[0] * w[0];
  } else {
    return sum_of_products<L - L / 2>(a + L / 2, w + L / 2 * cols, cols) +
           sum_of_products<L / 2>(a, w, cols);
  }
}

// SW of every column, and SA, of one row and the weights of one group, beat by beat.
template <std::size_t L, class Number>
Number add_group(const Number* a, const Number* w, std::size_t count, std::vector<Number>& sums) {
  const std::size_t cols = sums.size();
  constexpr Number kOnes[4] = {1, 1, 1, 1};
  Number of_activations = 0;
  for (std::size_t k = 0; k < count; k += L) {
    for (std::size_t n = 0; n < cols; ++n) {
      sums[n] += sum_of_products<L>(a + k, w + k * cols + n, cols);
    }
    of_activations += sum_of_products<L>(a + k, kOnes, 1);
  }
  return of_activations;
}

// Number: float, or integers that hold a group's exact sums. Total: float or exact integers.
template <class Number, class Total>
class Gemm {
 public:
  Gemm(const Params& params, const OperandViews& x)
      : params_(params),
        x_(x),
        cols_(x.w.cols),
        groups_(group_count(params, x.a.cols)),
        padded_k_((x.a.cols + params.lanes - 1) / params.lanes * params.lanes),
        weights_(padded_k_ * cols_),
        scales_(groups_ * cols_),
        zeros_(has_zero_points(params) ? groups_ * cols_ : 0) {
    decode_weights();
    decode_scales();
  }

  void run(MatrixView<std::int64_t> y) const {
    std::vector<Number> activations(padded_k_);
    for (std::size_t m = 0; m < y.rows; ++m) {
      decode_activations(m, activations);
      std::vector<Total> totals(cols_);
      for (std::size_t g = 0; g < groups_; ++g) add_group_of_row(g, activations, totals);
      write_results(totals, &y(m, 0));
    }
  }

 private:
  void decode_weights() {
    std::vector<Number> values(std::size_t{1} << weight_bits(params_));
    for (std::uint32_t code = 0; code < values.size(); ++code) {
      values[code] = static_cast<Number>(product(params_, 1, code));
    }
    for (std::size_t k = 0; k < x_.w.rows; ++k) {
      for (std::size_t n = 0; n < cols_; ++n) {
        weights_[k * cols_ + n] = values[x_.w(k, n) & (values.size() - 1)];
      }
    }
  }

  void decode_scales() {
    const std::size_t rows = scale_rows_per_group(params_);
    const std::uint64_t zero_mask = low_mask(params_.weight->bits);
    for (std::size_t g = 0; g < groups_; ++g) {
      Total* scales = &scales_[g * cols_];
      if constexpr (std::is_same_v<Total, float>) {
        float_values(*params_.scale, {&x_.s(rows * g, 0), cols_}, {scales, cols_});
      } else {
        for (std::size_t n = 0; n < cols_; ++n) {
          scales[n] = sign_extend(x_.s(rows * g, n), params_.scale->bits);
        }
      }
      for (std::size_t n = 0; n < cols_ && has_zero_points(params_); ++n) {
        zeros_[g * cols_ + n] = static_cast<Number>(x_.s(rows * g + 1, n) & zero_mask);
      }
    }
  }

  // +0 beyond the end.
  void decode_activations(std::size_t m, std::vector<Number>& activations) const {
    if constexpr (std::is_same_v<Number, float>) {
      float_values(*params_.activation, {&x_.a(m, 0), x_.a.cols}, {activations.data(), x_.a.cols});
    } else {
      for (std::size_t k = 0; k < x_.a.cols; ++k) {
        activations[k] = static_cast<Number>(sign_extend(x_.a(m, k), params_.activation->bits));
      }
    }
  }

  void add_group_of_row(std::size_t g, const std::vector<Number>& activations,
                        std::vector<Total>& totals) const {
    const std::size_t begin = g * group_size(params_);
    const std::size_t count = std::min<std::size_t>(group_size(params_), padded_k_ - begin);
    std::vector<Number> sums(cols_);
    const Number* a = &activations[begin];
    const Number* w = &weights_[begin * cols_];
    const Number of_activations = params_.lanes == 1   ? add_group<1>(a, w, count, sums)
                                  : params_.lanes == 2 ? add_group<2>(a, w, count, sums)
                                                       : add_group<4>(a, w, count, sums);
    if (has_zero_points(params_)) {
      const Number* zeros = &zeros_[g * cols_];
      for (std::size_t n = 0; n < cols_; ++n) sums[n] -= zeros[n] * of_activations;
    }
    const Total* scales = &scales_[g * cols_];
    for (std::size_t n = 0; n < cols_; ++n) totals[n] += static_cast<Total>(sums[n]) * scales[n];
  }

  const Params& params_;
  const OperandViews& x_;
  std::size_t cols_, groups_, padded_k_;
  std::vector<Number> weights_;
  std::vector<Total> scales_;
  std::vector<Number> zeros_;
};

template <class Number>
void run_integers(const Params& params, const OperandViews& x, MatrixView<std::int64_t> y) {
  if (results_are_floating_point(params)) return Gemm<Number, float>(params, x).run(y);
  Gemm<Number, std::int64_t>(params, x).run(y);
}

}  // namespace

void golden_gemm(const Params& params, const OperandViews& x, MatrixView<std::int64_t> y) {
  check(x.a.cols == x.w.rows && y.rows == x.a.rows && y.cols == x.w.cols && x.s.cols == x.w.cols &&
            x.s.rows == scale_rows_per_group(params) * group_count(params, x.a.cols),
        "shapes of a GEMM do not agree");
  if (sums_are_floating_point(params)) return Gemm<float, float>(params, x).run(y);
  if (exact_sum_bits(params) <= 32) return run_integers<std::int32_t>(params, x, y);
  run_integers<std::int64_t>(params, x, y);
}

}  // namespace bitsmith::mixpe
