#include "common/text.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace bitsmith {
namespace {

using namespace std::string_literals;

// The encoder of the Unicode standard (table 3-6), to compare with.
std::string encode(char32_t code) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80U | ((code >> shift) & 0x3FU)); };
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) return {static_cast<char>(0xC0U | (code >> 6)), tail(0)};
  if (code < 0x10000) return {static_cast<char>(0xE0U | (code >> 12)), tail(6), tail(0)};
  return {static_cast<char>(0xF0U | (code >> 18)), tail(12), tail(6), tail(0)};
}

TEST(Utf8Length, AcceptsEveryCodePointButSurrogates) {
  for (char32_t code = 0; code < 0x110000; ++code) {
    const std::string text = encode(code);
    const bool surrogate = code >= 0xD800 && code < 0xE000;
    ASSERT_EQ(utf8_length(text), surrogate ? 0 : text.size()) << static_cast<std::uint32_t>(code);
    ASSERT_EQ(utf8_length(text + "x"), surrogate ? 0 : text.size());
    if (text.size() == 1) continue;
    ASSERT_EQ(utf8_length(text.substr(0, text.size() - 1)), 0U);
  }
}

TEST(Utf8Length, RefusesOverlongBeyondTheLastAndStrayBytes) {
  for (const std::string_view bad :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xF0\x80\x80\x80",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFE", "\xFF", "\xC3x",
        "\xE2\x82x", "\xF0\x9F\x98x"}) {
    EXPECT_EQ(utf8_length(bad), 0U) << printable(bad, 10);
  }
}

TEST(StartsWithControl, KnowsC0DelAndC1AndNothingElse) {
  for (char32_t code = 0; code < 0x1000; ++code) {
    const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
    ASSERT_EQ(starts_with_control(encode(code)), control) << static_cast<std::uint32_t>(code);
  }
}

TEST(Printable, LeavesTextAsItIs) {
  EXPECT_EQ(printable("", 10), "");
  EXPECT_EQ(printable("a b\xC3\xA9\\", 10), "a b\xC3\xA9\\");
}

TEST(Printable, EscapesControlCharactersAndWhatIsNoText) {
  EXPECT_EQ(printable("a\0b\n\x1B[31m\x7F"s, 20), "a\\x00b\\x0a\\x1b[31m\\x7f");
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m\xFF\xC3",
                      20),
            "\\xc2\\x9b31m\\xff\\xc3");
}

TEST(Printable, ShortensAfterWholeCharacters) {
  EXPECT_EQ(printable("abcd", 4), "abcd");
  EXPECT_EQ(printable("abcde", 4), "abcd...");
  EXPECT_EQ(printable("\xC3\xA9\xC3\xA9\xC3\xA9", 2), "\xC3\xA9\xC3\xA9...");
  EXPECT_EQ(printable("\n\n\n", 2), "\\x0a\\x0a...");
}

}  // namespace
}  // namespace bitsmith
