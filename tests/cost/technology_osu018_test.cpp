// The shipped records of osu018 against a new one.
#include <gtest/gtest.h>

#include "common/file.h"
#include "cost/record_making.h"
#include "pe/registry.h"

namespace bitsmith {
namespace {

TEST(TechnologyOsu018, AShippedRecordIsMadeAgainWithinOnePercent) {
  const Technology shipped = read_technology(technology_file("osu018"));
  const std::shared_ptr<const Design> design =
      load_design(home_folder() / "configs/designs/systolic/int8_4x4.yaml");
  const SynthesisOptions options{default_liberty(), shipped.source.target_period_ps};
  const LibertyLibrary library = read_liberty(options.liberty);
  const WantedRecord pe = modules_of(design).at(0);
  const ModuleRecord* kept = shipped.record(pe.module.name, pe.module.parameters, pe.rtl_hash);
  ASSERT_NE(kept, nullptr) << pe.key() << " is missing or stale: the RTL has changed since "
                           << "configs/tech/osu018.yaml was made; sim/cost/README.md says how to";
  const ModuleRecord made = make_record(pe, options, library, true);
  EXPECT_NEAR(made.cost.area_um2 / kept->cost.area_um2, 1, 0.01);
  EXPECT_NEAR(made.cost.critical_path_ps / kept->cost.critical_path_ps, 1, 0.01);
  for (const OperandClass operands : {OperandClass::uniform, OperandClass::llm}) {
    for (std::size_t i = 0; i < kPeCycleClasses; ++i) {
      const auto cycle = static_cast<PeCycleClass>(i);
      ASSERT_TRUE(kept->energies.at(operands, cycle) && made.energies.at(operands, cycle));
      EXPECT_NEAR(dynamic_pj(*made.energies.at(operands, cycle)) /
                      dynamic_pj(*kept->energies.at(operands, cycle)),
                  1, 0.01);
    }
  }
  EXPECT_NEAR(*made.cost.leakage_uw / *kept->cost.leakage_uw, 1, 0.01);
}

}  // namespace
}  // namespace bitsmith
