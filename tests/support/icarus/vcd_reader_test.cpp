#include "support/icarus/vcd_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/error.h"
#include "common/file.h"
#include "common/process.h"

namespace bitsmith {
namespace {

// "time variable=value" of every change, with the names of one letter that `keep` holds.
std::vector<std::string> changes_of(const std::string& text, const std::string& keep) {
  const TemporaryFolder folder(std::filesystem::temp_directory_path());
  write_file_atomically(folder.path() / "x.vcd", text);
  VcdReader reader(folder.path() / "x.vcd", [&](std::string_view name) -> std::uint32_t {
    return keep.find(name) == std::string::npos ? VcdReader::kIgnored
                                                : static_cast<std::uint32_t>(name[0]);
  });
  std::vector<std::string> changes;
  for (VcdReader::Change change{}; reader.next(change);) {
    changes.push_back(
        fmt::format("{} {}={}", change.time, static_cast<char>(change.variable), change.value));
  }
  return changes;
}

constexpr const char* kHeader =
    "$date now $end $timescale 1fs $end $scope module t $end\n$var wire 1 ! a $end\n"
    "$var reg 1 \"# b $end\n$var wire 8 # v [7:0] $end\n$upscope $end $enddefinitions $end\n";

TEST(VcdReader, GivesChangesOfTheChosenVariables) {
  const std::string body = "#0\n$dumpvars\nx!\n0\"#\nb101 #\n$end\n#12500\n1!\n1\"#\n#12501\n0!\n";
  EXPECT_THAT(changes_of(kHeader + body, "abv"),
              testing::ElementsAre("0 a=x", "0 b=0", "12500 a=1", "12500 b=1", "12501 a=0"));
  EXPECT_THAT(changes_of(kHeader + body, "b"), testing::ElementsAre("0 b=0", "12500 b=1"));
}

// Longer than the buffer: words are cut at its end.
TEST(VcdReader, ReadsAsAStream) {
  std::string body;
  for (int i = 0; i < 400'000; ++i) body += fmt::format("#{}\n{}!\n", i, i % 2);
  const auto changes = changes_of(kHeader + body, "a");
  ASSERT_EQ(changes.size(), 400'000U);
  for (int i = 0; i < 400'000; ++i)
    ASSERT_EQ(changes[static_cast<std::size_t>(i)], fmt::format("{} a={}", i, i % 2));
}

TEST(VcdReader, RefusesWhatIsNoDump) {
  for (const std::string& text :
       {std::string(), std::string("$var wire 1"), std::string(kHeader) + "#1x\n",
        std::string(kHeader) + "1~~~\n", std::string(kHeader) + "?!\n"}) {
    EXPECT_THROW(changes_of(text, "a"), UserError) << text;
  }
  EXPECT_THROW(VcdReader("/nowhere.vcd", [](std::string_view) { return 0U; }), UserError);
}

}  // namespace
}  // namespace bitsmith
