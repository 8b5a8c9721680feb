// What the technologies that ship know of the designs that ship.
#include <gtest/gtest.h>

#include "common/file.h"
#include "cost/estimate.h"
#include "cost/record_making.h"
#include "pe/registry.h"

namespace bitsmith {
namespace {

namespace fs = std::filesystem;

class ShippedTechnologies : public testing::TestWithParam<const char*> {};

// No record is stale either: the RTL has not changed since.
TEST_P(ShippedTechnologies, AnswerForEveryShippedDesign) {
  const Technology technology = read_technology(technology_file(GetParam()));
  std::size_t modules = 0;
  for (const auto& entry : fs::recursive_directory_iterator(home_folder() / "configs/designs")) {
    if (entry.path().extension() != ".yaml") continue;
    const std::shared_ptr<const Design> design = load_design(entry.path());
    for (const WantedRecord& wanted : modules_of(design)) {
      const ModuleFigures figures = technology.find(wanted.module, wanted.rtl_hash, wanted.sizes());
      EXPECT_TRUE(figures.known() && has_energies(figures.record))
          << entry.path().filename() << ": " << wanted.key();
      ++modules;
    }
  }
  EXPECT_GE(modules, 80U);
}

// As sim/cost/README.md has them.
TEST_P(ShippedTechnologies, EstimatesAreAsGoodAsPublished) {
  const Technology technology = read_technology(technology_file(GetParam()));
  const auto estimate = ComponentModel(technology).estimate({"new", {}, {}});
  ASSERT_TRUE(estimate.has_value());
  const auto expect_within = [](const std::optional<double>& error, double least, double most) {
    ASSERT_TRUE(error.has_value());
    EXPECT_GE(*error, least);
    EXPECT_LE(*error, most);
  };
  expect_within(estimate->held_out.area, 0.0155, 0.0215);
  expect_within(estimate->held_out.leakage, 0.0175, 0.0255);
  expect_within(estimate->held_out.energy, 0.135, 0.245);
}

INSTANTIATE_TEST_SUITE_P(All, ShippedTechnologies,
                         testing::Values("asap7", "sky130hd", "ihp130", "osu018"),
                         [](const auto& parameter) { return std::string(parameter.param); });

}  // namespace
}  // namespace bitsmith
