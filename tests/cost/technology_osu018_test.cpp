// The shipped records of osu018 against a new one.
#include <gtest/gtest.h>

#include <algorithm>

#include "common/error.h"
#include "common/file.h"
#include "cost/record_making.h"
#include "cost/size_fit.h"
#include "pe/registry.h"

namespace bitsmith {
namespace {

struct Sampled {
  std::string design;
  bool edge;  // the smallest of the modules that know a size of the array, instead of a PE
};

class TechnologyOsu018 : public testing::TestWithParam<Sampled> {};

WantedRecord sampled(const Sampled& sample) {
  const std::vector<WantedRecord> all =
      modules_at_any_size(load_design(home_folder() / "configs/designs" / sample.design));
  const auto found = std::find_if(all.begin(), all.end(), [&](const WantedRecord& wanted) {
    return sample.edge ? SizedModule(wanted.module.parameters, wanted.sizes()).has_sizes()
                       : wanted.module.is_pe;
  });
  if (found == all.end()) throw InternalError(sample.design + " has no such module");
  return *found;
}

void expect_within_one_percent(double made, double kept) { EXPECT_NEAR(made / kept, 1, 0.01); }

TEST_P(TechnologyOsu018, AShippedRecordIsMadeAgainWithinOnePercent) {
  const Technology shipped = read_technology(technology_file("osu018"));
  const SynthesisOptions options{default_liberty(), shipped.source.target_period_ps};
  const LibertyLibrary library = read_liberty(options.liberty);
  const WantedRecord wanted = sampled(GetParam());
  const ModuleRecord* kept = shipped.record(wanted.module, wanted.rtl_hash);
  ASSERT_NE(kept, nullptr)
      << wanted.key() << " is missing or stale: RTL or method have changed "
      << "since configs/tech/osu018.yaml was made; sim/cost/README.md says how";
  const auto recorded = grouped_by_array({wanted}).front().recorded();
  PreparedModule module(wanted);
  const ModuleRecord made = make_record(module, options, library, recorded.get());
  expect_within_one_percent(made.cost.area_um2, kept->cost.area_um2);
  expect_within_one_percent(made.cost.critical_path_ps, kept->cost.critical_path_ps);
  expect_within_one_percent(*made.cost.leakage_uw, *kept->cost.leakage_uw);
  std::size_t compared = 0;
  for (std::size_t o = 0; o < kOperandClasses; ++o) {
    for (std::size_t c = 0; c < kPeCycleClasses; ++c) {
      const auto operands = static_cast<OperandClass>(o);
      const auto cycle = static_cast<PeCycleClass>(c);
      ASSERT_EQ(kept->energies.at(operands, cycle).has_value(),
                made.energies.at(operands, cycle).has_value());
      if (!kept->energies.at(operands, cycle)) continue;
      expect_within_one_percent(dynamic_pj(*made.energies.at(operands, cycle)),
                                dynamic_pj(*kept->energies.at(operands, cycle)));
      ++compared;
    }
  }
  EXPECT_GE(compared, 3 * kOperandClasses);
}

INSTANTIATE_TEST_SUITE_P(
    Synthesis, TechnologyOsu018,
    testing::Values(Sampled{"systolic/int8_4x4.yaml", false},
                    Sampled{"systolic/int8_4x4.yaml", true},
                    Sampled{"systolic/int8_4x4_ws.yaml", true},
                    Sampled{"mixpe/int8_uint4_4x4.yaml", false},
                    Sampled{"bit_serial/int8_int4_4x8.yaml", false},
                    Sampled{"lut_tensor_core/int8_ternary_2x16x4.yaml", false}),
    [](const auto& parameter) {
      std::string name = parameter.param.design + (parameter.param.edge ? "_edge" : "_pe");
      std::replace_if(
          name.begin(), name.end(), [](char c) { return c == '/' || c == '.'; }, '_');
      return name;
    });

}  // namespace
}  // namespace bitsmith
