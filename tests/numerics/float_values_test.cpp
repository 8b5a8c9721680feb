// Values of rows of codes: every code of every minifloat beside decode().
#include "numerics/float_values.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

#include "common/error.h"

namespace bitsmith {
namespace {

TEST(FloatValues, EveryCodeOfEveryFormatEqualsItsDecoding) {
  int formats = 0;
  for (const Format& f : all_formats()) {
    if (f.kind != FormatKind::minifloat || !f.is_signed || f.exponent_bits == 0) continue;
    ++formats;
    // Bits above the format's are ignored.
    std::vector<std::uint16_t> codes(0x10000);
    for (std::uint32_t code = 0; code < codes.size(); ++code) {
      codes[code] = static_cast<std::uint16_t>(code);
    }
    std::vector<float> values(codes.size());
    float_values(f, codes, values);
    for (std::uint32_t code = 0; code < codes.size(); ++code) {
      const double expected = decode(f, code);
      const auto bits = std::bit_cast<std::uint32_t>(values[code]);
      if (std::isnan(expected)) {
        ASSERT_EQ(bits, 0x7FC00000U) << f.name << " " << code;
      } else {
        ASSERT_EQ(bits, std::bit_cast<std::uint32_t>(static_cast<float>(expected)))
            << f.name << " " << code;
      }
    }
  }
  EXPECT_GE(formats, 7);
}

TEST(FloatValues, OtherFormatsAreRefused) {
  std::vector<std::uint16_t> codes(1);
  std::vector<float> values(1);
  EXPECT_THROW(float_values(format("int8"), codes, values), InternalError);
  EXPECT_THROW(float_values(format("fp16"), codes, {}), InternalError);
}

}  // namespace
}  // namespace bitsmith
