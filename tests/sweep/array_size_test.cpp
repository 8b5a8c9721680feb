#include "sweep/array_size.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <tuple>

#include "common/file.h"

namespace bitsmith {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// A design that ships, and how its two sizes are called.
struct Case {
  const char* file;
  const char* rows;
  const char* cols;
  std::uint64_t most_rows, most_cols;
};

class ArraySizesOf : public testing::TestWithParam<Case> {
 protected:
  Accelerator make(const std::vector<Override>& overrides) {
    return files_.load(home_folder() / "configs/accelerators" / GetParam().file, overrides);
  }
  ArraySizes sizes() {
    return ArraySizes([this](const std::vector<Override>& overrides) { return make(overrides); });
  }
  std::pair<std::uint64_t, std::uint64_t> sizes_of(const Accelerator& accelerator) {
    const auto resolved = accelerator.design->resolved();
    return {resolved.at(GetParam().rows), resolved.at(GetParam().cols)};
  }
  Accelerator sized(std::uint64_t rows, std::uint64_t cols) {
    return make({{{"design", GetParam().rows}, std::to_string(rows), {"test", 0, 0}},
                 {{"design", GetParam().cols}, std::to_string(cols), {"test", 0, 0}}});
  }
  // Every array that the design accepts and that keeps the shape, with its distortion.
  template <class Visitor>
  void for_each_array(Visitor visit) {
    const auto [own_rows, own_cols] = sizes_of(make({}));
    for (std::uint64_t rows = 1; rows <= GetParam().most_rows; ++rows) {
      for (std::uint64_t cols = 1; cols <= GetParam().most_cols; ++cols) {
        const double shape = static_cast<double>(rows) / static_cast<double>(own_rows) *
                             static_cast<double>(own_cols) / static_cast<double>(cols);
        const double distortion = std::max(shape, 1 / shape);
        if (distortion > 2 + 1e-9) continue;
        try {
          visit(sized(rows, cols), distortion);
        } catch (const UserError&) {
        }
      }
    }
  }
  // Grows with rows and columns, not in proportion to PEs.
  std::optional<double> area(const Accelerator& accelerator) {
    const auto [rows, cols] = sizes_of(accelerator);
    return 100 + 7 * static_cast<double>(rows) + 3 * static_cast<double>(cols) +
           11 * static_cast<double>(rows * cols);
  }

  AcceleratorFiles files_;
};

TEST_P(ArraySizesOf, PesAreTheNearestOfAllArrays) {
  using Rank = std::tuple<double, double>;
  for (const std::uint64_t wanted : {1, 60, 64, 100, 256, 509, 1000}) {
    Rank best(1e300, 0);
    for_each_array([&](const Accelerator& accelerator, double distortion) {
      const auto [less, more] = std::minmax({wanted, accelerator.design->pe_count()});
      best = std::min(best, Rank(static_cast<double>(more) / static_cast<double>(less),
                                 std::round(distortion * 1e6)));
    });
    const Accelerator chosen = sizes().with_pes(wanted);
    const auto [less, more] = std::minmax({wanted, chosen.design->pe_count()});
    EXPECT_EQ(static_cast<double>(more) / static_cast<double>(less), std::get<0>(best)) << wanted;
    const auto [rows, cols] = sizes_of(chosen);
    const auto [own_rows, own_cols] = sizes_of(make({}));
    const double shape =
        static_cast<double>(rows * own_cols) / static_cast<double>(cols * own_rows);
    EXPECT_EQ(std::round(std::max(shape, 1 / shape) * 1e6), std::get<1>(best)) << wanted;
  }
}

TEST_P(ArraySizesOf, WithinAnAreaTheArrayIsTheLargestOfAll) {
  for (const double wanted : {900.0, 1777.0, 4000.0, 20000.0}) {
    std::uint64_t most = 0;
    for_each_array([&](const Accelerator& accelerator, double) {
      if (*area(accelerator) <= wanted) most = std::max(most, accelerator.design->pe_count());
    });
    const auto search = [&] {
      return sizes().within_area(wanted, [&](const Accelerator& a) { return area(a); });
    };
    if (most == 0) {
      EXPECT_THROW(search(), UserError) << wanted;
      continue;
    }
    const Accelerator chosen = search();
    EXPECT_EQ(chosen.design->pe_count(), most) << wanted;
    EXPECT_LE(*area(chosen), wanted);
  }
}

TEST_P(ArraySizesOf, ItsOwnPesGiveTheArrayOfTheFile) {
  const Accelerator own = make({});
  const Accelerator same = sizes().with_pes(own.design->pe_count());
  EXPECT_EQ(same.resolved(), own.resolved());
}

TEST_P(ArraySizesOf, AnUnknownAreaIsRefused) {
  EXPECT_THROW(sizes().within_area(1e6, [](const Accelerator&) { return std::nullopt; }),
               UserError);
}

INSTANTIATE_TEST_SUITE_P(
    Designs, ArraySizesOf,
    testing::Values(Case{"systolic_int8_16x16.yaml", "rows", "cols", 60, 60},
                    Case{"bit_serial_fp4_8x8.yaml", "rows", "cols", 64, 64},
                    Case{"lut_tensor_core_2x64x4.yaml", "unit_rows", "unit_cols", 16, 16},
                    Case{"mixpe_int8_uint4_16x16.yaml", "rows", "cols", 64, 64}),
    [](const auto& test) {
      const std::string name = test.param.file;
      return name.substr(0, name.find('.'));
    });

// 32 rows in 4 tiles: multiples of 4. 8 x 13 is nearer to 100 than 8 x 12, and 4 x 25 has lost the
// shape.
TEST(ArraySizes, OnlySizesThatTheDesignAccepts) {
  AcceleratorFiles files;
  const ArraySizes sizes([&](const std::vector<Override>& overrides) {
    return files.load(home_folder() / "configs/accelerators/bit_serial_fp4_32x32_cloud.yaml",
                      overrides);
  });
  const json design = sizes.with_pes(100).design->resolved();
  EXPECT_EQ(design["rows"], 8);
  EXPECT_EQ(design["cols"], 13);
}

}  // namespace
}  // namespace bitsmith
