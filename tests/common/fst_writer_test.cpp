#include "common/fst_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/process.h"
#include "support/fst_wave.h"

namespace bitsmith {
namespace {

namespace fs = std::filesystem;
using test::Changes;
using test::read_wave;
using test::Wave;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

std::string bits_of(const std::vector<std::uint32_t>& words, std::uint32_t bits) {
  std::string text;
  for (std::uint32_t i = bits; i-- > 0;) text += (words[i / 32] >> (i % 32) & 1) != 0 ? '1' : '0';
  return text;
}

class FstWriterTest : public testing::Test {
 protected:
  fs::path in_folder(const std::string& name) const { return folder_.path() / name; }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_.path()), {}));
  }

 private:
  TemporaryFolder folder_{fs::temp_directory_path()};
};

TEST_F(FstWriterTest, ValuesTimesAndScopesComeBack) {
  const fs::path path = in_folder("wave.fst");
  {
    FstWriter wave(path);
    const int busy = wave.add("accelerator.dma", "busy", 1);
    const int clock = wave.add("accelerator", "clk", 1);
    const int address = wave.add("accelerator.dma", "address", 7);
    wave.set(busy, 0);
    wave.time(0);
    wave.set(clock, 1);
    wave.set(address, 0xFFFFFF85);  // bits beyond the seventh are not the signal's
    wave.time(500);
    wave.set(clock, 0);
    wave.set(address, 0x05);  // no change
    wave.time(1'000'000'000'007);
    wave.set(clock, 1);
    wave.set(busy, 1);
    wave.time(1'000'000'000'009);
    EXPECT_FALSE(fs::exists(path)) << "not before it is complete";
    wave.finish();
  }
  const Wave wave = read_wave(path);
  EXPECT_EQ(wave.timescale, -12);
  EXPECT_EQ(wave.end, 1'000'000'000'009U);
  EXPECT_THAT(wave.signals,
              ElementsAre(Pair("accelerator.clk", ElementsAre(Pair(0, "1"), Pair(500, "0"),
                                                              Pair(1'000'000'000'007, "1"))),
                          Pair("accelerator.dma.address [6:0]", ElementsAre(Pair(0, "0000101"))),
                          Pair("accelerator.dma.busy",
                               ElementsAre(Pair(0, "0"), Pair(1'000'000'000'007, "1")))));
  EXPECT_EQ(files(), 1U);
}

TEST_F(FstWriterTest, EveryWidthComesBack) {
  constexpr std::uint64_t kSteps = 50;
  std::mt19937 random(1);
  const std::vector<std::uint32_t> widths = {1, 2, 31, 32, 33, 63, 64, 65, 96, 128, 1000, 4096};
  std::map<std::string, Changes> expected;
  {
    FstWriter wave(in_folder("wave.fst"), 1000);
    std::vector<int> ids;
    for (const std::uint32_t bits : widths) {
      ids.push_back(wave.add("top", fmt::format("of_{}", bits), bits));
    }
    for (std::uint64_t step = 0; step < kSteps; ++step) {
      wave.time(step * 3000);
      for (std::size_t i = 0; i < widths.size(); ++i) {
        std::vector<std::uint32_t> words((widths[i] + 31) / 32);
        for (std::uint32_t& word : words) word = static_cast<std::uint32_t>(random());
        wave.set(ids[i], words);
        Changes& changes =
            expected[widths[i] == 1 ? "top.of_1"
                                    : fmt::format("top.of_{} [{}:0]", widths[i], widths[i] - 1)];
        const std::string value = bits_of(words, widths[i]);
        if (changes.empty() || changes.back().second != value) {
          changes.emplace_back(step * 3, value);
        }
      }
    }
    wave.finish();
  }
  const Wave wave = read_wave(in_folder("wave.fst"));
  EXPECT_EQ(wave.timescale, -9);
  EXPECT_EQ(wave.signals, expected);
}

TEST_F(FstWriterTest, AWaveformOfAFailureIsKeptUnderAnotherName) {
  try {
    FstWriter wave(in_folder("new/folder/wave.fst"));
    const int signal = wave.add("", "signal", 1);
    wave.time(0);
    wave.set(signal, 1);
    throw std::runtime_error("failure");
  } catch (const std::runtime_error&) {
  }
  EXPECT_THAT(read_wave(in_folder("new/folder/wave.fst.partial")).signals,
              ElementsAre(Pair("signal", ElementsAre(Pair(0, "1")))));
}

TEST_F(FstWriterTest, NoSignalsAndNoTimesAreAFileToo) {
  FstWriter(in_folder("empty.fst")).finish();
  EXPECT_TRUE(fs::exists(in_folder("empty.fst")));
  {
    FstWriter wave(in_folder("unknown.fst"));
    wave.add("a.b", "c", 1);
    wave.finish();
  }
  EXPECT_EQ(read_wave(in_folder("unknown.fst")).signals.count("a.b.c"), 1U);
}

TEST_F(FstWriterTest, AFileThatCannotBeIsAUsersMistake) {
  std::ofstream(in_folder("file")) << "content";
  const auto error_of = [](const fs::path& path) -> std::string {
    try {
      FstWriter wave(path);
    } catch (const UserError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(error_of(in_folder("")), HasSubstr("cannot write"));
  EXPECT_THAT(error_of(in_folder("file/wave.fst")), HasSubstr("file/wave.fst: cannot write"));
  EXPECT_THAT(error_of("/dev/null"), HasSubstr("/dev/null: cannot write"));
  EXPECT_EQ(files(), 1U);
}

TEST_F(FstWriterTest, WrongUseIsOurBug) {
  EXPECT_THROW(FstWriter(in_folder("wave.fst"), 3), InternalError);
  FstWriter wave(in_folder("wave.fst"), 10);
  EXPECT_THROW(wave.add("a", "b", 0), InternalError);
  const int signal = wave.add("a", "b", 33);
  wave.time(20);
  EXPECT_THROW(wave.add("a", "c", 1), InternalError);
  EXPECT_THROW(wave.time(10), InternalError);
  EXPECT_THROW(wave.time(25), InternalError);
  EXPECT_THROW(wave.set(signal, 1), InternalError);
  wave.finish();
  EXPECT_THROW(wave.finish(), InternalError);
  EXPECT_THROW(wave.time(30), InternalError);
}

}  // namespace
}  // namespace bitsmith
