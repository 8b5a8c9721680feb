// Products and sums of floating-point codes by MPFR: the reference for float_arithmetic and for the
// RTL cells. It shares nothing with float_arithmetic but the description of a layout.
#pragma once

#include <mpfr.h>

#include <cstdint>

#include "numerics/float_arithmetic.h"

namespace bitsmith::test {

class MpfrFloat {
 public:
  MpfrFloat() {
    mpfr_inits2(24, a_, b_, nullptr);
    mpfr_init2(result_, 24);
  }
  ~MpfrFloat() { mpfr_clears(a_, b_, result_, nullptr); }
  MpfrFloat(const MpfrFloat&) = delete;
  MpfrFloat& operator=(const MpfrFloat&) = delete;

  std::uint32_t multiply(FloatLayout a_layout, std::uint32_t a, FloatLayout b_layout,
                         std::uint32_t b, FloatLayout out) {
    set(a_, a_layout, a);
    set(b_, b_layout, b);
    mpfr_set_prec(result_, out.mantissa_bits + 1);
    return rounded(out, mpfr_mul(result_, a_, b_, MPFR_RNDN));
  }

  std::uint32_t add(FloatLayout layout, std::uint32_t a, std::uint32_t b) {
    set(a_, layout, a);
    set(b_, layout, b);
    mpfr_set_prec(result_, layout.mantissa_bits + 1);
    return rounded(layout, mpfr_add(result_, a_, b_, MPFR_RNDN));
  }

 private:
  static void set(mpfr_t value, FloatLayout layout, std::uint32_t code) {
    const int mantissa_bits = layout.mantissa_bits;
    const std::uint32_t mantissa = code % (1U << mantissa_bits);
    const std::uint32_t field = (code >> mantissa_bits) % (1U << layout.exponent_bits);
    const bool ones = field == (1U << layout.exponent_bits) - 1;
    if (layout.specials == Specials::ieee && ones && mantissa == 0) {
      mpfr_set_inf(value, 1);
    } else if ((layout.specials == Specials::ieee && ones) ||
               (layout.specials == Specials::nan_only && ones &&
                mantissa == (1U << mantissa_bits) - 1)) {
      mpfr_set_nan(value);
    } else if (field == 0) {
      mpfr_set_ui_2exp(value, mantissa, 1 - layout.bias() - mantissa_bits, MPFR_RNDN);
    } else {
      mpfr_set_ui_2exp(value, (1U << mantissa_bits) + mantissa,
                       static_cast<int>(field) - layout.bias() - mantissa_bits, MPFR_RNDN);
    }
    const bool negative = ((code >> (layout.exponent_bits + mantissa_bits)) & 1) != 0;
    mpfr_setsign(value, value, negative ? 1 : 0, MPFR_RNDN);
  }

  // The code of result_, which has the layout's precision but any exponent. `ternary` tells MPFR
  // where the exact value lies, so that the narrow exponent range does not round twice.
  std::uint32_t rounded(FloatLayout layout, int ternary) {
    const mpfr_exp_t emin = mpfr_get_emin();
    const mpfr_exp_t emax = mpfr_get_emax();
    mpfr_set_emin(2 - layout.bias() - layout.mantissa_bits);
    mpfr_set_emax(layout.bias() + 1);
    ternary = mpfr_check_range(result_, ternary, MPFR_RNDN);
    mpfr_subnormalize(result_, ternary, MPFR_RNDN);
    mpfr_set_emin(emin);
    mpfr_set_emax(emax);

    const int mantissa_bits = layout.mantissa_bits;
    const std::uint32_t infinity = ((1U << layout.exponent_bits) - 1) << mantissa_bits;
    if (mpfr_nan_p(result_) != 0) return infinity | (1U << (mantissa_bits - 1));
    const std::uint32_t sign = mpfr_signbit(result_) != 0 ? 1U << (layout.bits() - 1) : 0;
    if (mpfr_inf_p(result_) != 0) return sign | infinity;
    if (mpfr_zero_p(result_) != 0) return sign;
    const auto exponent = static_cast<int>(mpfr_get_exp(result_)) - 1;
    const bool subnormal = exponent < 1 - layout.bias();
    const int scale = subnormal ? 1 - layout.bias() : exponent;
    mpfr_abs(result_, result_, MPFR_RNDN);
    mpfr_mul_2si(result_, result_, mantissa_bits - scale, MPFR_RNDN);
    const auto significand = static_cast<std::uint32_t>(mpfr_get_ui(result_, MPFR_RNDN));
    if (subnormal) return sign | significand;
    const auto field = static_cast<std::uint32_t>(exponent + layout.bias());
    return sign | (field << mantissa_bits) | (significand - (1U << mantissa_bits));
  }

  mpfr_t a_, b_, result_;
};

}  // namespace bitsmith::test
