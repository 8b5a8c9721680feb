#include "cost/synthesis.h"

#include <gtest/gtest.h>

#include "common/error.h"
#include "pe/bit_serial/design.h"
#include "pe/systolic/design.h"

namespace bitsmith {
namespace {

systolic::Params tiny() {
  systolic::Params params;
  params.rows = 2;
  params.cols = 3;
  params.activation = params.weight = find_format("int4");
  params.accumulator_bits = 12;
  return params;
}

TEST(Synthesis, ArrayIsTheSumOfItsModules) {
  const ArrayCost cost = synthesise(systolic::Design(tiny()), {default_liberty()});
  ASSERT_EQ(cost.modules.size(), 2U);
  const ModuleCost& pe = cost.modules[0];
  const ModuleCost& edge = cost.modules[1];
  EXPECT_EQ(pe.instances, 6U);
  EXPECT_DOUBLE_EQ(cost.area_um2(), 6 * pe.area_um2 + edge.area_um2);
  EXPECT_EQ(cost.cells(), 6 * pe.cells + edge.cells);
  EXPECT_DOUBLE_EQ(cost.critical_path_ps(), std::max(pe.critical_path_ps, edge.critical_path_ps));
  for (const ModuleCost& module : cost.modules) {
    EXPECT_NEAR(module.combinational_um2 + module.sequential_um2 + module.buffer_um2,
                module.area_um2, 1e-6);
    EXPECT_GT(module.critical_path_ps, 500);  // a flip-flop and some gates of 180 nm
    EXPECT_LT(module.critical_path_ps, 20000);
  }
}

// The registers of a PE are known: 2 x 4 operand bits, clear and two pad bits, 12 + 12 sum bits as
// DFFPOSX1 (96 um2), valid and emit as DFFSR (176 um2).
TEST(Synthesis, RegistersOfAPeAreCounted) {
  const ArrayCost cost = synthesise(systolic::Design(tiny()), {default_liberty()});
  const double registers = 8 + 1 + 2 + 24;
  EXPECT_DOUBLE_EQ(cost.modules[0].sequential_um2, registers * 96 + 2 * 176);
}

TEST(Synthesis, SerialDrainSavesTheDrainRegisters) {
  systolic::Params serial = tiny();
  serial.drain = systolic::Drain::serial;
  const double overlapped_um2 =
      synthesise(systolic::Design(tiny()), {default_liberty()}).modules[0].sequential_um2;
  const double serial_um2 =
      synthesise(systolic::Design(serial), {default_liberty()}).modules[0].sequential_um2;
  EXPECT_DOUBLE_EQ(overlapped_um2 - serial_um2, 12 * 96.0);
}

TEST(Synthesis, AModuleAloneIsAsInItsArray) {
  const systolic::Design design(tiny());
  const ArrayCost cost = synthesise(design, {default_liberty()});
  const ModuleCost pe = synthesise(design, design.rtl().modules[0], {default_liberty()});
  EXPECT_EQ(pe.instances, cost.modules[0].instances);
  EXPECT_EQ(pe.cells, cost.modules[0].cells);
  EXPECT_EQ(pe.area_um2, cost.modules[0].area_um2);
  EXPECT_EQ(pe.critical_path_ps, cost.modules[0].critical_path_ps);
  EXPECT_EQ(hash_of_rtl(design), cost.rtl_hash);
}

// The figures of sim/pe/bit_serial/README.md, to what the mapper makes of other versions of tools
// and RTL. A PE depends on lanes and activations alone.
TEST(Synthesis, IntegerActivationsSaveAThirdOfABitSerialPe) {
  bit_serial::Params params;
  params.rows = params.cols = 1;
  const auto pe_um2 = [&](const char* activation) {
    params.activation = find_format(activation);
    return synthesise(bit_serial::Design(params), {default_liberty()}).modules[0].area_um2;
  };
  const double fp16 = pe_um2("fp16");
  const double int8 = pe_um2("int8");
  EXPECT_NEAR(fp16, 96300, 0.06 * 96300);
  EXPECT_NEAR(int8 / fp16, 0.65, 0.06);
}

TEST(Synthesis, MissingLibraryIsTheUsersMistake) {
  EXPECT_THROW(synthesise(systolic::Design(tiny()), {"/nowhere.lib"}), UserError);
}

}  // namespace
}  // namespace bitsmith
