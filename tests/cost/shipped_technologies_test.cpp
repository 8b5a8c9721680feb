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
      EXPECT_TRUE(figures.known() && has_energies(figures.record) && !figures.other_operands)
          << entry.path().filename() << ": " << wanted.key();
      ++modules;
    }
  }
  EXPECT_GE(modules, 80U);
}

// As sim/cost/README.md has them, of what depends on the array's size and of what does not.
TEST_P(ShippedTechnologies, EstimatesAreAsGoodAsPublished) {
  const Technology technology = read_technology(technology_file(GetParam()));
  const ComponentModel model(technology);
  const auto expect_within = [](const std::optional<double>& error, double least, double most) {
    ASSERT_TRUE(error.has_value());
    EXPECT_GE(*error, least);
    EXPECT_LE(*error, most);
  };
  const HeldOutError edges = model.estimate({"new", {{"Rows", 2}}, {}}).value().held_out;
  expect_within(edges.area, 0.0125, 0.0185);
  expect_within(edges.leakage, 0.0145, 0.0225);
  expect_within(edges.energy, 0.085, 0.195);
  const HeldOutError pes = model.estimate({"new", {}, {}}).value().held_out;
  expect_within(pes.area, 0.03, 0.055);
  expect_within(pes.leakage, 0.035, 0.065);
  expect_within(pes.energy, 0.215, 0.385);
}

INSTANTIATE_TEST_SUITE_P(All, ShippedTechnologies,
                         testing::Values("asap7", "sky130hd", "ihp130", "osu018"),
                         [](const auto& parameter) { return std::string(parameter.param); });

}  // namespace
}  // namespace bitsmith
