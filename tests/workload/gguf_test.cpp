// Headers of GGUF files: what is read, and what is refused.
#include "workload/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/gguf_bytes.h"
#include "support/safetensors_bytes.h"

namespace bitsmith {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

GgufHeader parse(const std::string& file) { return parse_gguf(bytes_of(file), "f.gguf"); }
std::string refusal(const std::string& file) {
  return user_error([&] { parse(file); });
}
std::string refusal(const GgufBytes& file) { return refusal(file.file()); }

std::string scalar(const GgufHeader& header, std::string_view key) {
  const YamlNode* const node = header.metadata.find(key);
  return node == nullptr ? "none" : node->scalar;
}

TEST(Gguf, EveryKindOfMetadata) {
  GgufBytes file;
  file.add("a.u8", GgufBytes::u8, "\xFF");
  file.add("a.i8", GgufBytes::i8, "\xFF");
  file.add("a.u16", GgufBytes::u16, "\xFE\xFF");
  file.add("a.i16", GgufBytes::i16, "\xFE\xFF");
  file.add_u32("a.u32", 4000000000U);
  file.add("a.i32", GgufBytes::i32, number_bytes(std::int32_t{-7}));
  file.add_f32("a.f32", 1e-5F);
  file.add("a.bool", GgufBytes::boolean, "\x01");
  file.add_text("a.text", "x \xc3\xa9");
  file.add("a.u64", GgufBytes::u64, number_bytes(~std::uint64_t{0}));
  file.add("a.i64", GgufBytes::i64, number_bytes(INT64_MIN));
  file.add("a.f64", GgufBytes::f64, number_bytes(0.1));
  const std::string words = number_bytes(std::uint32_t{GgufBytes::string}) +
                            number_bytes(std::uint64_t{2}) + gguf_string("one") + gguf_string("");
  file.add("a.list", GgufBytes::array, words);
  file.add("a.lists", GgufBytes::array,
           number_bytes(std::uint32_t{GgufBytes::array}) + number_bytes(std::uint64_t{2}) + words +
               number_bytes(std::uint32_t{GgufBytes::u16}) + number_bytes(std::uint64_t{3}) +
               "123456");
  file.add_u32("a.last", 5);
  const GgufHeader header = parse(file.file());
  EXPECT_EQ(scalar(header, "a.u8"), "255");
  EXPECT_EQ(scalar(header, "a.i8"), "-1");
  EXPECT_EQ(scalar(header, "a.u16"), "65534");
  EXPECT_EQ(scalar(header, "a.i16"), "-2");
  EXPECT_EQ(scalar(header, "a.u32"), "4000000000");
  EXPECT_EQ(scalar(header, "a.i32"), "-7");
  EXPECT_EQ(scalar(header, "a.f32"), "1e-05");  // shortest text: no digits of FP32's rounding
  EXPECT_EQ(scalar(header, "a.bool"), "true");
  EXPECT_EQ(scalar(header, "a.text"), "x \xc3\xa9");
  EXPECT_TRUE(header.metadata.find("a.text")->quoted);
  EXPECT_EQ(scalar(header, "a.u64"), "18446744073709551615");
  EXPECT_EQ(scalar(header, "a.i64"), "-9223372036854775808");
  EXPECT_EQ(scalar(header, "a.f64"), "0.1");
  EXPECT_EQ(header.metadata.find("a.lists")->kind, YamlNode::Kind::sequence);
  EXPECT_EQ(scalar(header, "a.last"), "5");
  EXPECT_TRUE(header.tensors.empty());
}

TEST(Gguf, TensorsLieWhereTheHeaderSays) {
  GgufBytes file;
  file.add_tensor("matrix", {4, 2}, kGgufF16, std::string(16, 'a'));
  file.add_tensor("blocks", {64, 3}, kGgufQ4_0, std::string(108, 'b'));
  file.add_tensor("number", {}, kGgufF32, "1234");
  const std::string bytes = file.file();
  const GgufHeader header = parse(bytes);
  ASSERT_EQ(header.tensors.size(), 3U);
  EXPECT_EQ(header.tensors[0].name, "matrix");
  EXPECT_EQ(header.tensors[0].type->name, "F16");
  EXPECT_THAT(header.tensors[0].shape, ElementsAre(2, 4));
  EXPECT_THAT(header.tensors[1].shape, ElementsAre(3, 64));
  EXPECT_EQ(header.tensors[1].bytes, 108U);
  EXPECT_TRUE(header.tensors[2].shape.empty());
  EXPECT_EQ(bytes.substr(header.tensors[0].offset, header.tensors[0].bytes), std::string(16, 'a'));
  EXPECT_EQ(bytes.substr(header.tensors[1].offset, header.tensors[1].bytes), std::string(108, 'b'));
  EXPECT_EQ(bytes.substr(header.tensors[2].offset, header.tensors[2].bytes), "1234");
}

TEST(Gguf, AlignmentIsThatOfTheFile) {
  GgufBytes file;
  file.alignment = 256;
  file.add_u32("general.alignment", 256);
  file.add_tensor("a", {1}, kGgufF32, "1234");
  file.add_tensor("b", {1}, kGgufF32, "5678");
  const std::string bytes = file.file();
  const GgufHeader header = parse(bytes);
  EXPECT_EQ(header.tensors[1].offset % 256, 0U);
  EXPECT_EQ(bytes.substr(header.tensors[1].offset, 4), "5678");
  const auto claimed = [](std::uint32_t alignment) {
    GgufBytes wrong;
    wrong.add_u32("general.alignment", alignment);
    return refusal(wrong);
  };
  EXPECT_EQ(claimed(0),
            "f.gguf: 'general.alignment': expected an integer in 8..1073741824, found '0'");
  EXPECT_EQ(claimed(24), "f.gguf: 'general.alignment': 24 is no power of two");
  EXPECT_THAT(claimed(0x80000000U), HasSubstr("expected an integer"));
}

TEST(Gguf, OtherFilesAreRefused) {
  EXPECT_EQ(refusal(std::string("GGU")), "f.gguf: is no GGUF file, which starts with 'GGUF'");
  EXPECT_EQ(refusal(std::string()), "f.gguf: is no GGUF file, which starts with 'GGUF'");
  EXPECT_EQ(refusal(std::string("GGML\3\0\0\0", 8)),
            "f.gguf: is no GGUF file, which starts with 'GGUF'");
  GgufBytes file;
  file.version = 1;
  EXPECT_EQ(refusal(file), "f.gguf: is GGUF of version 1; versions 2 and 3 are read");
  file.version = 0x03000000;
  EXPECT_EQ(refusal(file), "f.gguf: is a big-endian GGUF file; only little-endian ones are read");
  file.version = 2;
  EXPECT_EQ(refusal(file), "no error");
}

// Whatever byte is the last, the reader says what it missed and reads nothing behind it.
TEST(Gguf, EveryTruncationIsRefused) {
  GgufBytes file;
  file.add_text("general.architecture", "llama");
  file.add("list", GgufBytes::array,
           number_bytes(std::uint32_t{GgufBytes::string}) + number_bytes(std::uint64_t{1}) +
               gguf_string("word"));
  file.add_tensor("t", {8}, kGgufF32, std::string(32, 'x'));
  const std::string whole = file.file();
  ASSERT_EQ(refusal(whole), "no error");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THAT(refusal(whole.substr(0, length)), testing::StartsWith("f.gguf: ")) << length;
  }
  EXPECT_EQ(refusal(whole.substr(0, 6)),
            "f.gguf: at byte 4: the version takes 4 bytes, but the file ends after 2");
}

TEST(Gguf, SizesBeyondTheFileAreRefusedBeforeTheyAreBelieved) {
  const auto head = [](std::uint64_t tensors, std::uint64_t metadata) {
    return "GGUF" + number_bytes(std::uint32_t{3}) + number_bytes(tensors) + number_bytes(metadata);
  };
  const std::uint64_t huge = ~std::uint64_t{0};
  EXPECT_EQ(refusal(head(huge, 0)),
            "f.gguf: at byte 24: 18446744073709551615 tensors, allowed are 1048576");
  EXPECT_EQ(refusal(head(0, huge)),
            "f.gguf: at byte 24: 18446744073709551615 metadata, allowed are 65536");
  EXPECT_THAT(refusal(head(0, 1) + number_bytes(huge)),
              HasSubstr("key 0 takes 18446744073709551615 bytes, but the file ends after 0"));
  const auto value = [](std::uint32_t type, const std::string& bytes) {
    GgufBytes file;
    file.add("k", type, bytes);
    return refusal(file);
  };
  EXPECT_THAT(value(GgufBytes::string, number_bytes(huge)),
              HasSubstr("the value of 'k' takes 18446744073709551615 bytes"));
  const auto array = [&](std::uint32_t type, std::uint64_t count, const std::string& rest = "") {
    return value(GgufBytes::array, number_bytes(type) + number_bytes(count) + rest);
  };
  EXPECT_THAT(array(GgufBytes::u64, huge / 8 + 2), HasSubstr("which the file cannot hold"));
  EXPECT_THAT(array(GgufBytes::string, huge), HasSubstr("but the file ends after"));
  EXPECT_THAT(array(GgufBytes::array, huge), HasSubstr("but the file ends after"));
  EXPECT_THAT(array(13, 0), HasSubstr("the value of 'k' has type 13; types are 0 to 12"));
  EXPECT_THAT(value(99, ""), HasSubstr("has type 99"));
  EXPECT_THAT(value(GgufBytes::boolean, "\x02"), HasSubstr("a truth value of 2"));
  // Five levels.
  std::string nested = number_bytes(std::uint32_t{GgufBytes::u8}) + number_bytes(std::uint64_t{0});
  for (int i = 0; i < 3; ++i) {
    nested =
        number_bytes(std::uint32_t{GgufBytes::array}) + number_bytes(std::uint64_t{1}) + nested;
  }
  EXPECT_EQ(value(GgufBytes::array, nested), "no error");
  nested = number_bytes(std::uint32_t{GgufBytes::array}) + number_bytes(std::uint64_t{1}) + nested;
  EXPECT_THAT(value(GgufBytes::array, nested), HasSubstr("more than 4 levels of arrays"));
}

TEST(Gguf, KeysAndNamesAreOneOfAKind) {
  GgufBytes twice;
  twice.add_u32("a", 1);
  twice.add_u32("a", 1);
  EXPECT_THAT(refusal(twice), HasSubstr("key 'a' is there twice"));
  GgufBytes odd;
  odd.add_u32("a\nb", 1);
  EXPECT_THAT(refusal(odd), HasSubstr("key 0 'a\\x0ab': expected 1 to 65535 characters of ASCII"));
  GgufBytes nameless;
  nameless.add_tensor("", {1}, kGgufF32, "1234");
  EXPECT_THAT(refusal(nameless), HasSubstr("a tensor with a name of 0 bytes; allowed are 1 to 64"));
  GgufBytes same;
  same.add_tensor("t", {1}, kGgufF32, "1234");
  same.add_tensor("t", {1}, kGgufF32, "1234");
  EXPECT_EQ(refusal(same), "f.gguf: tensor 't' is there twice");
}

// Every mistake of every tensor at once.
TEST(Gguf, TensorsThatCannotBeAreAllNamed) {
  GgufBytes file;
  const std::uint64_t huge = std::uint64_t{1} << 63;
  file.add_info("type", {1}, 31, 0);
  file.add_info("unknown", {1}, 40, 0);
  file.add_info("elements", {huge, 2}, kGgufF32, 0);
  file.add_info("bytes", {huge}, kGgufF32, 0);
  file.add_info("rows", {31, 32}, kGgufQ4_0, 0);
  file.add_info("place", {1}, kGgufF32, 4);
  file.add_info("behind", {1}, kGgufF32, huge);
  file.add_info("long", {17}, kGgufF32, 0);
  file.add_data(std::string(64, 'x'));
  EXPECT_EQ(refusal(file),
            "f.gguf: tensor 'type': no type has the number 31\n"
            "f.gguf: tensor 'unknown': no type has the number 40\n"
            "f.gguf: tensor 'elements': shape [2, 9223372036854775808] has more elements than 64 "
            "bits count\n"
            "f.gguf: tensor 'bytes': shape [9223372036854775808] takes more bytes than 64 bits "
            "count\n"
            "f.gguf: tensor 'rows': rows of 31 numbers do not divide into the 32 of a Q4_0 block\n"
            "f.gguf: tensor 'place': offset 4 is no multiple of 32, the alignment\n"
            "f.gguf: tensor 'behind': 4 bytes from offset 9223372036854775808 on reach beyond the "
            "64 bytes of data\n"
            "f.gguf: tensor 'long': 68 bytes from offset 0 on reach beyond the 64 bytes of data");
  GgufBytes deep;
  deep.add_info("t", {1, 1, 1, 1, 1}, kGgufF32, 0);
  EXPECT_THAT(refusal(deep), HasSubstr("tensor 't' has 5 dimensions, allowed are 4"));
}

TEST(Gguf, TensorsDoNotShareBytes) {
  GgufBytes file;
  file.add_info("second", {1}, kGgufF32, 32);
  file.add_info("first", {9}, kGgufF32, 0);
  file.add_data(std::string(64, 'x'));
  EXPECT_THAT(refusal(file), HasSubstr("tensor 'second' starts at byte "));
  EXPECT_THAT(refusal(file), HasSubstr(", inside tensor 'first', which ends at "));
  GgufBytes apart;
  apart.add_info("second", {1}, kGgufF32, 32);
  apart.add_info("first", {8}, kGgufF32, 0);
  apart.add_data(std::string(64, 'x'));
  EXPECT_EQ(refusal(apart), "no error");
}

}  // namespace
}  // namespace bitsmith
