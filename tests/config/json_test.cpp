// Strict JSON: the tree, its places, and what is refused.
#include "config/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/safetensors_bytes.h"

namespace bitsmith {
namespace {

using testing::HasSubstr;

std::string refusal(std::string_view text, JsonLimits limits = {}) {
  return user_error([&] { parse_json(text, "f", limits); });
}

// Every node in one line: path, place, kind or text.
std::string outline(const YamlNode& node, const std::string& path = "") {
  std::string lines = fmt::format("{}@{}:{} ", path, node.where.line, node.where.column);
  switch (node.kind) {
    case YamlNode::Kind::empty:
      return lines + "null\n";
    case YamlNode::Kind::scalar:
      return lines + (node.quoted ? "'" + node.scalar + "'\n" : node.scalar + "\n");
    case YamlNode::Kind::sequence:
      lines += "list\n";
      for (const YamlNode& item : node.items) lines += outline(item, path + "[]");
      return lines;
    case YamlNode::Kind::map:
      lines += "object\n";
      for (const YamlEntry& entry : node.entries) {
        lines += outline(entry.value, fmt::format("{}.{}({}:{})", path, entry.key,
                                                  entry.key_where.line, entry.key_where.column));
      }
      return lines;
  }
  return "";
}

TEST(Json, EveryNodeHasItsPlace) {
  EXPECT_EQ(outline(parse_json("{\"a\": 1,\n  \"b\" :[-2.5e3,true , null,\"x\\\"\\u00e9\\\\\"],\n"
                               "\n\"c\":{\"d\":false},\"\\\\\":0}",
                               "f")),
            "@1:1 object\n"
            ".a(1:2)@1:7 1\n"
            ".b(2:3)@2:8 list\n"
            ".b(2:3)[]@2:9 -2.5e3\n"
            ".b(2:3)[]@2:16 true\n"
            ".b(2:3)[]@2:23 null\n"
            ".b(2:3)[]@2:28 'x\"\xc3\xa9\\'\n"
            ".c(4:1)@4:5 object\n"
            ".c(4:1).d(4:6)@4:10 false\n"
            ".\\(4:17)@4:22 0\n");
}

TEST(Json, NumbersKeepTheirText) {
  const YamlNode root = parse_json(R"({"a": 18446744073709551616, "b": 1e-05})", "f");
  EXPECT_EQ(root.find("a")->scalar, "18446744073709551616");
  EXPECT_EQ(root.find("b")->scalar, "1e-05");
}

TEST(Json, WhatIsNoJsonIsRefusedWhereItStands) {
  EXPECT_EQ(refusal("{\"a\": 1,\n \"b\": 2,}"), "f:2:9: this is no JSON");
  EXPECT_EQ(refusal("{\"a\": NaN}"), "f:1:7: this is no JSON");
  EXPECT_EQ(refusal("{\"a\": 1} x"), "f:1:10: this is no JSON");
  EXPECT_EQ(refusal("{\"a\": // 1\n}"), "f:1:7: this is no JSON");
  EXPECT_THAT(refusal("{\"a\": 1e999}"), HasSubstr("this is no JSON"));
  EXPECT_THAT(refusal("{\"a\": \"\xff\"}"), HasSubstr("this is no JSON"));
  EXPECT_THAT(refusal("{\"a\""), HasSubstr("this is no JSON"));
  EXPECT_THAT(refusal(""), HasSubstr("this is no JSON"));
  EXPECT_EQ(refusal("[1]"), "f:1:1: expected an object");
  EXPECT_EQ(refusal(" 12"), "f:1:2: expected an object");
  EXPECT_EQ(refusal(std::string_view("{}\0{", 4)), "f: has zero bytes");
}

TEST(Json, RepeatedKeysAreRefused) {
  EXPECT_EQ(refusal("{\"a\": 1,\n\"\\u0061\": 2}"), "f:2:1: 'a' is there twice");
  EXPECT_EQ(parse_json(R"({"a": {"x": 1}, "b": {"x": 2}})", "f").entries.size(), 2U);
}

TEST(Json, LimitsHold) {
  const auto nested = [](std::size_t levels) {
    return "{\"a\":" + std::string(levels - 1, '[') + std::string(levels - 1, ']') + "}";
  };
  EXPECT_EQ(refusal(nested(yaml::kDepthLimit)), "no error");
  EXPECT_EQ(refusal(nested(yaml::kDepthLimit + 1)), "f:1:37: more than 32 levels");
  EXPECT_EQ(refusal("{\"a\": [1, 2]}", {100, 4}), "no error");
  EXPECT_EQ(refusal("{\"a\": [1, 2]}", {100, 3}), "f:1:11: more than 3 values");
  EXPECT_EQ(refusal("{\"a\": [1, 2]}", {12, 3}), "f: is longer than 12 bytes");
}

}  // namespace
}  // namespace bitsmith
