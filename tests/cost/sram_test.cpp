#include "cost/sram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "common/error.h"
#include "common/file.h"

namespace bitsmith {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kTable =
    "# two sizes, two widths\n"
    "node_nm,device,bytes,word_bits,access_ns,cycle_ns,read_pj,write_pj,leakage_mw,area_mm2\n"
    "22,hp,1024,64,,,1,2,0.5,0.001\n"
    "22,hp,1024,128,,,4,4,0.5,0.004\n"
    "22,hp,4096,64,,,4,8,2,0.004\n"
    "22,hp,4096,128,,,16,16,2,0.016\n"
    "130,foundry,512,64,,,40,50,0.1,0.05\n";
const SramTechnology kHp{22, "hp"};

TEST(Sram, AMacroOfTheTableHasItsFigures) {
  const SramTable table(kTable, "t.csv");
  EXPECT_THAT(table.technologies(), ElementsAre(kHp, SramTechnology{130, "foundry"}));
  const SramMacro macro = table.macro(kHp, 256, 128);  // 4096 bytes
  EXPECT_DOUBLE_EQ(macro.figures.read_pj, 16);
  EXPECT_DOUBLE_EQ(macro.figures.write_pj, 16);
  EXPECT_DOUBLE_EQ(macro.figures.leakage_mw, 2);
  EXPECT_DOUBLE_EQ(macro.figures.area_um2, 16000);
  EXPECT_FALSE(macro.is_upper_bound);
}

TEST(Sram, BetweenThemLogarithmsAreLinear) {
  const SramTable table(kTable, "t.csv");
  // 2048 bytes are half way from 1024 to 4096: the geometric mean of 1 and 4 at 64 bits.
  EXPECT_NEAR(table.macro(kHp, 256, 64).figures.read_pj, 2, 1e-12);
  // 96 bits are log2(96/64) of the way from 64 to 128, and 3072 bytes half of log2(3) of that from
  // 1024 to 4096; read energy grows by 4 along each.
  const double x = std::log2(1.5), y = std::log2(3.0) / 2;
  EXPECT_NEAR(table.macro(kHp, 256, 96).figures.read_pj, std::pow(4, x + y), 1e-9);
}

TEST(Sram, BeyondTheTableMacrosAreCombined) {
  const SramTable table(kTable, "t.csv");
  const SramMacro wide = table.macro(kHp, 256, 256);  // two of 128 bits, 4096 bytes each
  EXPECT_EQ(wide.side_by_side, 2U);
  EXPECT_DOUBLE_EQ(wide.figures.read_pj, 32);
  EXPECT_DOUBLE_EQ(wide.figures.leakage_mw, 4);
  EXPECT_FALSE(wide.is_upper_bound);
  const SramMacro large = table.macro(kHp, 1024, 64);  // two of 4096 bytes
  EXPECT_EQ(large.stacked, 2U);
  EXPECT_DOUBLE_EQ(large.figures.read_pj, 4);
  EXPECT_DOUBLE_EQ(large.figures.leakage_mw, 4);
  EXPECT_DOUBLE_EQ(large.figures.area_um2, 8000);
  const SramMacro small = table.macro(kHp, 64, 64);  // 512 bytes
  EXPECT_TRUE(small.is_upper_bound);
  EXPECT_DOUBLE_EQ(small.figures.read_pj, 1);
  EXPECT_TRUE(table.macro(kHp, 4096, 8).is_upper_bound);  // 8 bits
}

TEST(Sram, TheShippedTableIsReadAndGrows) {
  const SramTable table(home_folder() / "configs/tech/sram.csv");
  EXPECT_EQ(table.technologies().size(), 19U);  // 6 nodes of 3 devices, and a foundry
  EXPECT_THAT(table.technologies(), Contains(SramTechnology{22, "itrs-hp"}));
  // CACTI: 16 KB of 64 bits at 22 nm hp; the foundry's 4 KB.
  EXPECT_DOUBLE_EQ(table.macro({22, "itrs-hp"}, 2048, 64).figures.read_pj, 2.8867);
  EXPECT_NEAR(table.macro({130, "ihp-sg13g2"}, 512, 64).figures.write_pj, 80.02, 1e-9);
  for (const SramTechnology& technology : table.technologies()) {
    double before = 0;
    for (std::uint64_t words = 256; words <= std::uint64_t{1} << 18; words *= 2) {
      const double area = table.macro(technology, words, 64).figures.area_um2;
      EXPECT_GT(area, before) << technology.node_nm << ' ' << technology.device << ' ' << words;
      before = area;
    }
  }
}

TEST(Sram, MistakesAreLocatedAllAtOnce) {
  const std::string text = std::string(kTable) +
                           "22,hp,1024,64,,,1,2,0.5,0.001\n"
                           "22,hp,x,64,,,1,2,0.5,0.001\n"
                           "22,hp,1,64,,,1,-2,0.5,0.001\n"
                           "22,hp,8192,64,,,1,2,0.5,0.001\n"
                           "22,hp\n";
  try {
    const SramTable table(text, "t.csv");
    FAIL() << "accepted";
  } catch (const UserError& error) {
    EXPECT_THAT(error.messages(),
                ElementsAre(HasSubstr("t.csv:8:1: a second macro"),
                            HasSubstr("t.csv:9:1: 'x' is no integer"),
                            HasSubstr("t.csv:10:1: '-2' is no positive number"),
                            HasSubstr("t.csv:12:1: 2 fields"),
                            HasSubstr("22 nm hp: not every size has every width")));
  }
  EXPECT_THROW(SramTable("node\n", "t.csv"), UserError);
  EXPECT_THROW(SramTable("", "t.csv"), UserError);
  try {
    SramTable(kTable, "t.csv").macro({7, "hp"}, 1, 1);
    FAIL() << "accepted";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("no SRAM of 7 nm hp; it has 22 nm hp, 130 nm foundry"));
  }
}

}  // namespace
}  // namespace bitsmith
