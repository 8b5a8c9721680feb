// Tokens out of files, and their windows.
#include "inference/perplexity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/file.h"
#include "common/process.h"
#include "support/safetensors_bytes.h"

namespace bitsmith {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t kAll = 1000;

std::vector<std::pair<std::size_t, std::size_t>> windows(std::size_t tokens, std::size_t size) {
  std::vector<std::pair<std::size_t, std::size_t>> result;
  for (const Window& window : cut_windows(tokens, size)) {
    result.emplace_back(window.first, window.size);
  }
  return result;
}

TEST(Windows, AShorterLastOneCountsASingleTokenDoesNot) {
  using P = std::pair<std::size_t, std::size_t>;
  EXPECT_THAT(windows(8, 4), ElementsAre(P{0, 4}, P{4, 4}));
  EXPECT_THAT(windows(9, 4), ElementsAre(P{0, 4}, P{4, 4}));
  EXPECT_THAT(windows(10, 4), ElementsAre(P{0, 4}, P{4, 4}, P{8, 2}));
  EXPECT_THAT(windows(2, 4), ElementsAre(P{0, 2}));
  EXPECT_THAT(user_error([] { cut_windows(1, 4); }), HasSubstr("at least 2 are needed"));
  EXPECT_THAT(user_error([] { cut_windows(0, 4); }), HasSubstr("at least 2 are needed"));
}

class TokenFiles : public testing::Test {
 protected:
  std::filesystem::path file(std::string_view content) const {
    write_file_atomically(folder_.path() / "t", content);
    return folder_.path() / "t";
  }

 private:
  TemporaryFolder folder_{std::filesystem::temp_directory_path()};
};

TEST_F(TokenFiles, BytesAreTokens) {
  const auto text = file(std::string_view("a\0\xff\n", 4));
  EXPECT_THAT(read_bytes(text, kAll), ElementsAre(97, 0, 255, 10));
  EXPECT_THAT(read_bytes(text, 2), ElementsAre(97, 0));
}

TEST_F(TokenFiles, Numbers) {
  const auto numbers = file("1 22\t333\r\n\n4294967295");
  EXPECT_THAT(read_tokens(numbers, kAll), ElementsAre(1, 22, 333, 4294967295));
  EXPECT_THAT(read_tokens(numbers, 3), ElementsAre(1, 22, 333));
  EXPECT_THAT(read_tokens(file(""), kAll), testing::IsEmpty());
  EXPECT_THAT(user_error([&] { read_tokens(file("1 2\n 3 four 5"), kAll); }),
              HasSubstr(":2:4: 'four' is no token"));
  for (const char* wrong : {"-1", "1.5", "4294967296", "0x1", "+1"}) {
    EXPECT_THAT(user_error([&] { read_tokens(file(wrong), kAll); }),
                HasSubstr(fmt::format(":1:1: '{}' is no token", wrong)));
  }
}

}  // namespace
}  // namespace bitsmith
