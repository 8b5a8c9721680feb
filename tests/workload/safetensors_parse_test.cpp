// What the reader of safetensors takes and what it refuses, with every message.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "support/safetensors_bytes.h"
#include "workload/safetensors.h"

namespace bitsmith {
namespace {

using testing::ElementsAre;
using testing::Pair;

SafetensorsHeader parse(const std::string& file) { return parse_safetensors(bytes_of(file), "f"); }

std::string error_of(const std::string& header, std::size_t data_bytes = 0) {
  return user_error([&] { parse(file_of(header, std::string(data_bytes, '\0'))); });
}

// The error of a file whose only tensor has this dtype, shape and these offsets.
std::string error_of_tensor(const std::string& dtype, const std::string& shape,
                            const std::string& offsets, std::size_t data_bytes = 8) {
  return error_of(
      fmt::format(R"({{"w":{{"dtype":{},"shape":{},"data_offsets":{}}}}})", dtype, shape, offsets),
      data_bytes);
}

// ---------------------------------------------------------------------------------- good files

TEST(SafetensorsParse, ReadsEveryField) {
  const std::string text = R"({"__metadata__":{"format":"pt","b":"\u00e9"},)"
                           R"("w":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]},)"
                           R"("s":{"data_offsets":[12,20],"shape":[],"dtype":"F64"}}  )";
  const SafetensorsHeader header = parse(file_of(text, std::string(20, 'x')));
  EXPECT_THAT(header.tensors, ElementsAre(TensorInfo{"w", Dtype::f16, {2, 3}, 0, 12},
                                          TensorInfo{"s", Dtype::f64, {}, 12, 8}));
  EXPECT_THAT(header.metadata, ElementsAre(Pair("b", "é"), Pair("format", "pt")));
  EXPECT_EQ(header.data_start, 8 + text.size());
}

TEST(SafetensorsParse, KnowsAllDtypesAndTheirSizes) {
  const std::vector<std::pair<std::string, std::uint64_t>> dtypes{
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1},
      {"I16", 2},  {"U16", 2}, {"F16", 2}, {"BF16", 2},    {"I32", 4},
      {"U32", 4},  {"F32", 4}, {"F64", 8}, {"I64", 8},     {"U64", 8}};
  for (const auto& [name, size] : dtypes) {
    ASSERT_TRUE(find_dtype(name)) << name;
    EXPECT_EQ(dtype_name(*find_dtype(name)), name);
    EXPECT_EQ(dtype_bytes(*find_dtype(name)), size) << name;
    EXPECT_EQ(error_of_tensor('"' + name + '"', "[3]", fmt::format("[0,{}]", 3 * size), 3 * size),
              "no error");
  }
  EXPECT_FALSE(find_dtype("f16"));
  EXPECT_FALSE(find_dtype(""));
}

TEST(SafetensorsParse, GivesTensorsInTheOrderOfTheirData) {
  const SafetensorsHeader header = parse(file_of(
      "{" + entry("c", 4, 7) + "," + entry("a", 2, 4) + "," + entry("b", 0, 2) + "}", "bbaaccc"));
  std::vector<std::string> names;
  for (const TensorInfo& tensor : header.tensors) names.push_back(tensor.name);
  EXPECT_THAT(names, ElementsAre("b", "a", "c"));
}

TEST(SafetensorsParse, TakesTensorsWithoutBytesAnywhere) {
  EXPECT_EQ(error_of("{}"), "no error");
  EXPECT_EQ(error_of(R"({"__metadata__":{}})"), "no error");
  const std::string header = "{" + entry("z", 4, 4) + "," + entry("y", 4, 4) + "," +
                             entry("x", 0, 4) + "," + entry("w", 0, 0) + "}";
  std::vector<std::string> names;
  for (const TensorInfo& tensor : parse(file_of(header, "data")).tensors) {
    names.push_back(tensor.name);
  }
  EXPECT_THAT(names, ElementsAre("w", "x", "z", "y"));
  EXPECT_EQ(error_of_tensor("\"F64\"", "[0,9223372036854775807,4]", "[0,0]", 0), "no error");
}

TEST(SafetensorsParse, TakesStrangeNames) {
  const SafetensorsHeader header =
      parse(file_of(R"({"":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)"
                    R"("a\u0000\n\"é":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})"));
  EXPECT_EQ(header.tensors[0].name, "");
  EXPECT_EQ(header.tensors[1].name, std::string("a\0\n\"é", 6));
}

// ---------------------------------------------------------------------------------- bad files

TEST(SafetensorsRefuses, AFileTooShortForALength) {
  const auto error = [](const std::string& file) { return user_error([&] { parse(file); }); };
  EXPECT_EQ(error(""),
            "f: 0 bytes are no safetensors file, which starts with the length of its header in 8 "
            "bytes");
  EXPECT_EQ(error("1234567"),
            "f: 7 bytes are no safetensors file, which starts with the length of its header in 8 "
            "bytes");
}

TEST(SafetensorsRefuses, AHeaderBeyondTheLimit) {
  const auto error = [](std::uint64_t length) {
    return user_error([&] { parse(length_bytes(length) + "{}"); });
  };
  EXPECT_EQ(error(100'000'001),
            "f: is no safetensors file: its header would be 100000001 bytes long, allowed are "
            "100000000");
  EXPECT_EQ(error(std::numeric_limits<std::uint64_t>::max()),
            "f: is no safetensors file: its header would be 18446744073709551615 bytes long, "
            "allowed are 100000000");
  EXPECT_EQ(error(100'000'000),
            "f: the header should be 100000000 bytes long, but the file ends after 2");
}

TEST(SafetensorsRefuses, AHeaderBeyondTheFile) {
  EXPECT_EQ(user_error([] { parse(length_bytes(3) + "{}"); }),
            "f: the header should be 3 bytes long, but the file ends after 2");
}

TEST(SafetensorsRefuses, AHeaderThatIsNoObject) {
  EXPECT_EQ(error_of(""), "f: the header does not start with '{'");
  EXPECT_EQ(error_of("[]"), "f: the header does not start with '{'");
  EXPECT_EQ(error_of(" {}"), "f: the header does not start with '{'");
  EXPECT_EQ(error_of("\xEF\xBB\xBF{}"), "f: the header does not start with '{'");
}

TEST(SafetensorsRefuses, AHeaderThatIsNoUtf8) {
  EXPECT_EQ(error_of("{\"\xff\":1}"), "f: the header is no UTF-8 at its byte 3");
  EXPECT_EQ(error_of("{\"\xed\xa0\x80\":1}"), "f: the header is no UTF-8 at its byte 3");
  EXPECT_EQ(error_of("{\"a\xc3"), "f: the header is no UTF-8 at its byte 4");
}

TEST(SafetensorsRefuses, AHeaderThatIsNoJson) {
  EXPECT_EQ(error_of("{"), "f: the header is no JSON at its byte 2");
  EXPECT_EQ(error_of("{}}"), "f: the header is no JSON at its byte 3");
  EXPECT_EQ(error_of("{} {}"), "f: the header is no JSON at its byte 4");
  EXPECT_EQ(error_of("{,}"), "f: the header is no JSON at its byte 2");
  EXPECT_EQ(error_of(R"({"__metadata__":{"a":"b",}})"), "f: the header is no JSON at its byte 26");
  EXPECT_EQ(error_of("{\"a\n\":{}}"), "f: the header is no JSON at its byte 4");
  EXPECT_EQ(error_of(R"({"\ud800":{}})"), "f: the header is no JSON at its byte 9");
  EXPECT_EQ(error_of("{/**/}"), "f: the header is no JSON at its byte 2");
  EXPECT_EQ(error_of(std::string("{}\0", 3)), "f: the header is no JSON at its byte 3");
  EXPECT_EQ(error_of(std::string("{\0}", 3)), "f: the header is no JSON at its byte 2");
  EXPECT_EQ(error_of(std::string("{}\0{", 4)), "f: the header is no JSON at its byte 3");
  EXPECT_EQ(error_of_tensor("\"U8\"", "[01]", "[0,1]"), "f: the header is no JSON at its byte 30");
  EXPECT_EQ(error_of_tensor("\"U8\"", "[1e999]", "[0,1]"),
            "f: the header is no JSON at its byte 33");
}

TEST(SafetensorsRefuses, RepeatedKeys) {
  EXPECT_EQ(error_of("{" + entry("a", 0, 1) + "," + entry("a", 1, 2) + "}", 2),
            "f: the header has 'a' twice");
  // The same name in another spelling.
  EXPECT_EQ(error_of("{" + entry("a", 0, 1) + "," + entry("\\u0061", 1, 2) + "}", 2),
            "f: the header has 'a' twice");
  EXPECT_EQ(error_of(R"({"__metadata__":{},"__metadata__":{}})"),
            "f: the header has '__metadata__' twice");
  EXPECT_EQ(error_of(R"({"__metadata__":{"a":"1","a":"1"}})"), "f: __metadata__ has 'a' twice");
  EXPECT_EQ(error_of(R"({"w":{"dtype":"U8","dtype":"U8"}})"), "f: tensor 'w' has 'dtype' twice");
  EXPECT_EQ(error_of(R"({"w":{"shape":[],"shape":[]}})"), "f: tensor 'w' has 'shape' twice");
  EXPECT_EQ(error_of(R"({"w":{"data_offsets":[0,0],"data_offsets":[0,0]}})"),
            "f: tensor 'w' has 'data_offsets' twice");
}

TEST(SafetensorsRefuses, UnknownKeys) {
  EXPECT_EQ(error_of(R"({"w":{"dtypes":"U8"}})"),
            "f: tensor 'w': unknown key 'dtypes' (did you mean 'dtype'?); allowed: dtype, shape, "
            "data_offsets");
}

TEST(SafetensorsRefuses, MissingKeys) {
  EXPECT_EQ(error_of(R"({"w":{}})"), "f: tensor 'w' has no 'dtype'");
  EXPECT_EQ(error_of(R"({"w":{"dtype":"U8"}})"), "f: tensor 'w' has no 'shape'");
  EXPECT_EQ(error_of(R"({"w":{"dtype":"U8","shape":[]}})"), "f: tensor 'w' has no 'data_offsets'");
}

TEST(SafetensorsRefuses, ValuesOfTheWrongKind) {
  EXPECT_EQ(error_of(R"({"w":3})"), "f: tensor 'w': expected an object, found 3");
  EXPECT_EQ(error_of(R"({"w":null})"), "f: tensor 'w': expected an object, found null");
  EXPECT_EQ(error_of(R"({"w":"x"})"), "f: tensor 'w': expected an object, found a string");
  EXPECT_EQ(error_of(R"({"w":[]})"), "f: tensor 'w': expected an object, found a list");
  EXPECT_EQ(error_of_tensor("8", "[]", "[0,1]"),
            "f: tensor 'w': dtype: expected a string, found 8");
  EXPECT_EQ(error_of_tensor("[]", "[]", "[0,1]"),
            "f: tensor 'w': dtype: expected a string, found a list");
  EXPECT_EQ(error_of_tensor("\"U8\"", "true", "[0,1]"),
            "f: tensor 'w': shape: expected a list of non-negative integers, found true");
  EXPECT_EQ(error_of_tensor("\"U8\"", "{}", "[0,1]"),
            "f: tensor 'w': shape: expected a list of non-negative integers, found an object");
  EXPECT_EQ(error_of_tensor("\"U8\"", "[]", "\"0,1\""),
            "f: tensor 'w': data_offsets: expected a list of non-negative integers, found a "
            "string");
}

TEST(SafetensorsRefuses, MetadataOtherThanStrings) {
  EXPECT_EQ(error_of(R"({"__metadata__":null})"),
            "f: __metadata__: expected an object of strings, found null");
  EXPECT_EQ(error_of(R"({"__metadata__":"x"})"),
            "f: __metadata__: expected an object of strings, found a string");
  EXPECT_EQ(error_of(R"({"__metadata__":{"a":1.50}})"),
            "f: __metadata__: 'a': expected a string, found 1.50");
  EXPECT_EQ(error_of(R"({"__metadata__":{"a":false}})"),
            "f: __metadata__: 'a': expected a string, found false");
  EXPECT_EQ(error_of(R"({"__metadata__":{"a":{}}})"),
            "f: __metadata__: 'a': expected a string, found an object");
}

TEST(SafetensorsRefuses, DimensionsThatAreNoCounts) {
  const auto error = [](const std::string& shape) {
    return error_of_tensor("\"U8\"", shape, "[0,8]");
  };
  const std::string expected = "expected a non-negative integer of 64 bits, found ";
  EXPECT_EQ(error("[-1]"), "f: tensor 'w': shape[0]: " + expected + "-1");
  EXPECT_EQ(error("[-0]"), "f: tensor 'w': shape[0]: " + expected + "-0");
  EXPECT_EQ(error("[2,4.0]"), "f: tensor 'w': shape[1]: " + expected + "4.0");
  EXPECT_EQ(error("[8e0]"), "f: tensor 'w': shape[0]: " + expected + "8e0");
  EXPECT_EQ(error("[\"8\"]"), "f: tensor 'w': shape[0]: " + expected + "a string");
  EXPECT_EQ(error("[[8]]"), "f: tensor 'w': shape[0]: " + expected + "a list");
  EXPECT_EQ(error("[null]"), "f: tensor 'w': shape[0]: " + expected + "null");
  EXPECT_EQ(error("[18446744073709551616]"),
            "f: tensor 'w': shape[0]: " + expected + "18446744073709551616");
}

TEST(SafetensorsRefuses, TooManyDimensions) {
  const auto error = [](int rank) {
    std::string shape = "8";
    for (int i = 1; i < rank; ++i) shape += ",1";
    return error_of_tensor("\"U8\"", "[" + shape + "]", "[0,8]");
  };
  EXPECT_EQ(error(64), "no error");
  EXPECT_EQ(error(65), "f: tensor 'w': shape has more than 64 numbers");
}

TEST(SafetensorsRefuses, AnUnknownDtype) {
  EXPECT_EQ(error_of_tensor("\"F8_E4M4\"", "[8]", "[0,8]"),
            "f: tensor 'w': unknown dtype 'F8_E4M4' (did you mean 'F8_E4M3'?); allowed: BOOL, U8, "
            "I8, F8_E5M2, F8_E4M3, I16, U16, F16, BF16, I32, U32, F32, F64, I64, U64");
}

TEST(SafetensorsRefuses, ASizeBeyond64Bits) {
  EXPECT_EQ(error_of_tensor("\"U8\"", "[4294967296,4294967296]", "[0,8]"),
            "f: tensor 'w': shape [4294967296, 4294967296] of U8 takes more bytes than 64 bits "
            "count");
  // 2^61 numbers fit, 2^64 bytes do not.
  EXPECT_EQ(
      error_of_tensor("\"I64\"", "[2305843009213693952]", "[0,0]"),
      "f: tensor 'w': shape [2305843009213693952] of I64 takes more bytes than 64 bits count");
  // As the reference: the product is taken from the front, so a later 0 does not save it.
  EXPECT_EQ(error_of_tensor("\"U8\"", "[4294967296,4294967296,0]", "[0,0]", 0),
            "f: tensor 'w': shape [4294967296, 4294967296, 0] of U8 takes more bytes than 64 bits "
            "count");
}

TEST(SafetensorsRefuses, ASizeThatIsNotThatOfItsBytes) {
  EXPECT_EQ(error_of_tensor("\"F16\"", "[2,3]", "[0,8]"),
            "f: tensor 'w': shape [2, 3] of F16 takes 12 bytes, data_offsets [0, 8] hold 8");
  EXPECT_EQ(error_of_tensor("\"U8\"", "[]", "[0,8]"),
            "f: tensor 'w': shape [] of U8 takes 1 bytes, data_offsets [0, 8] hold 8");
}

TEST(SafetensorsRefuses, OffsetsThatAreNoRange) {
  EXPECT_EQ(error_of_tensor("\"U8\"", "[8]", "[]"),
            "f: tensor 'w': data_offsets [] are not [begin, end]");
  EXPECT_EQ(error_of_tensor("\"U8\"", "[8]", "[8]"),
            "f: tensor 'w': data_offsets [8] are not [begin, end]");
  EXPECT_EQ(error_of_tensor("\"U8\"", "[8]", "[0,8,8]"),
            "f: tensor 'w': data_offsets has more than 2 numbers");
  EXPECT_EQ(error_of_tensor("\"U8\"", "[8]", "[8,0]"),
            "f: tensor 'w': data_offsets [8, 0] end before they begin");
  EXPECT_EQ(error_of_tensor("\"U8\"", "[8]", "[-1,7]"),
            "f: tensor 'w': data_offsets[0]: expected a non-negative integer of 64 bits, found -1");
}

TEST(SafetensorsRefuses, OffsetsBeyondTheFile) {
  EXPECT_EQ(error_of_tensor("\"U8\"", "[9]", "[0,9]"),
            "f: tensor 'w': data_offsets [0, 9] reach beyond the 8 bytes of data");
  EXPECT_EQ(error_of_tensor("\"U8\"", "[1]", "[18446744073709551614,18446744073709551615]"),
            "f: tensor 'w': data_offsets [18446744073709551614, 18446744073709551615] reach beyond "
            "the 8 bytes of data");
}

TEST(SafetensorsRefuses, Overlaps) {
  EXPECT_EQ(error_of("{" + entry("a", 0, 5) + "," + entry("b", 3, 8) + "}", 8),
            "f: tensor 'b' starts at byte 3 of the data, inside tensor 'a', which ends at 5");
  EXPECT_EQ(error_of("{" + entry("a", 0, 8) + "," + entry("b", 0, 8) + "}", 8),
            "f: tensor 'b' starts at byte 0 of the data, inside tensor 'a', which ends at 8");
  EXPECT_EQ(error_of("{" + entry("empty", 4, 4) + "," + entry("a", 0, 8) + "}", 8),
            "f: tensor 'empty' starts at byte 4 of the data, inside tensor 'a', which ends at 8");
}

TEST(SafetensorsRefuses, HolesAndBytesOfNobody) {
  EXPECT_EQ(error_of("{" + entry("a", 0, 3) + "," + entry("b", 5, 8) + "}", 8),
            "f: bytes [3, 5) of the data, before tensor 'b', belong to no tensor");
  EXPECT_EQ(error_of("{" + entry("a", 1, 8) + "}", 8),
            "f: bytes [0, 1) of the data, before tensor 'a', belong to no tensor");
  EXPECT_EQ(error_of("{" + entry("a", 0, 7) + "}", 8),
            "f: bytes [7, 8) of the data, the last ones, belong to no tensor");
  EXPECT_EQ(error_of("{}", 1), "f: bytes [0, 1) of the data, the last ones, belong to no tensor");
}

TEST(SafetensorsRefuses, EveryWrongTensorAtOnce) {
  EXPECT_EQ(error_of(R"({"a":{"dtype":"U8","shape":[],"data_offsets":[1]},)"
                     R"("b":{"dtype":"U8","shape":[],"data_offsets":[0,2]},)" +
                         entry("c", 0, 9) + "}",
                     8),
            "f: tensor 'a': data_offsets [1] are not [begin, end]\n"
            "f: tensor 'b': shape [] of U8 takes 1 bytes, data_offsets [0, 2] hold 2\n"
            "f: tensor 'c': data_offsets [0, 9] reach beyond the 8 bytes of data");
}

TEST(SafetensorsRefuses, DeepNestingAtItsFirstLevel) {
  const std::string lists(1'000'000, '[');
  EXPECT_EQ(error_of("{\"a\":" + lists), "f: tensor 'a': expected an object, found a list");
  std::string objects;
  for (int i = 0; i < 1'000'000; ++i) objects += "{\"a\":";
  EXPECT_EQ(error_of(objects),
            "f: tensor 'a': unknown key 'a'; allowed: dtype, shape, data_offsets");
  EXPECT_EQ(error_of(R"({"a":{"dtype":"U8","shape":)" + lists),
            "f: tensor 'a': shape[0]: expected a non-negative integer of 64 bits, found a list");
}

TEST(SafetensorsRefuses, HostileNamesInOneCleanLine) {
  EXPECT_EQ(error_of(R"({"\u001b[31m\n\u0085":3})"),
            "f: tensor '\\x1b[31m\\x0a\\xc2\\x85': expected an object, found 3");
  EXPECT_EQ(error_of("{\"" + std::string(1000, 'n') + "\":3}"),
            "f: tensor '" + std::string(200, 'n') + "...': expected an object, found 3");
}

}  // namespace
}  // namespace bitsmith
