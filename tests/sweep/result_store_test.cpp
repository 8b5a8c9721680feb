#include "sweep/result_store.h"

#include <gtest/gtest.h>

#include "common/file.h"
#include "common/hash.h"
#include "common/process.h"

namespace bitsmith {
namespace {

using Json = nlohmann::ordered_json;
using Names = std::vector<std::string_view>;

class ResultStoreTest : public testing::Test {
 protected:
  std::string key() const {
    ContentHash hash;
    hash.add("a point");
    return hash.hex();
  }

  // With its checksum.
  void write_record(const std::string& record) const {
    ContentHash hash;
    hash.add(record);
    write_file_atomically(store_.file_of(key()),
                          R"({"checksum":")" + hash.hex() + R"(","record":)" + record + "}\n");
  }

  TemporaryFolder folder_{std::filesystem::temp_directory_path()};
  const ResultStore store_{folder_.path() / "out"};
};

// Members with all that could be taken for the end of one.
TEST_F(ResultStoreTest, MembersAreThoseOfTheWholeRecord) {
  const Json record = {{"status", "done"},
                       {"text", "quote \" backslash \\ both \\\" } ] , : {"},
                       {"backslash at the end", "\\"},
                       {"metrics", {{"a", 1}, {"b", nullptr}, {"c}", "]\"}"}, {"d", -2.5e-7}}},
                       {"empty", Json::object()},
                       {"operators", {{{"name", "x,\"y"}, {"deep", {1, {2, {3}}}}}, {"z"}}},
                       {"none", Json::array()},
                       {"flag", true},
                       {"count", 12345678901234567}};
  store_.write(key(), record);
  const auto whole = store_.read(key());
  ASSERT_TRUE(whole.has_value());
  EXPECT_EQ(whole->at("key"), key());
  for (const auto& [name, value] : record.items()) {
    EXPECT_EQ(whole->at(name), value);
    const Names one = {name};
    const auto part = store_.read(key(), one);
    ASSERT_TRUE(part.has_value()) << name;
    EXPECT_EQ(*part, (Json{{"key", key()}, {name, value}}));
  }
  const Names some = {"count", "status", "nowhere"};
  EXPECT_EQ(*store_.read(key(), some),
            (Json{{"key", key()}, {"status", "done"}, {"count", 12345678901234567}}));
  EXPECT_EQ(*store_.read(key(), Names{}), (Json{{"key", key()}}));
}

TEST_F(ResultStoreTest, MembersOfABrokenFileAreNone) {
  const Names names = {"status"};
  EXPECT_FALSE(store_.read(key(), names).has_value());
  store_.write(key(), {{"status", "done"}});
  ASSERT_TRUE(store_.read(key(), names).has_value());
  const std::string text = read_file(store_.file_of(key()), 1 << 16);
  std::string altered = text;
  altered[altered.find("done")] = 'g';
  for (const std::string& bad : {altered, text.substr(0, text.size() - 3), std::string()}) {
    write_file_atomically(store_.file_of(key()), bad);
    EXPECT_FALSE(store_.read(key(), names).has_value()) << bad;
  }
}

// Whole by its checksum, but not what a store writes.
TEST_F(ResultStoreTest, MembersOfTextThatIsNoRecordAreNone) {
  for (const std::string record : {"", "{", "[", "{\"status\"", "{\"status\":", "{\"status\":\"",
                                   "{\"status\":\"\\", "{{{{", "{,}", "{]", "{\"a\":1]", "1"}) {
    write_record(record);
    const Names names = {"status"};
    EXPECT_FALSE(store_.read(key(), names).has_value()) << record;
    EXPECT_FALSE(store_.read(key()).has_value()) << record;
  }
}

TEST_F(ResultStoreTest, AMemberThatDoesNotEndIsNone) {
  for (const std::string tail : {"", "\"do", "{\"a\":1", "{\"a\":[]", "[1,", "tru"}) {
    const std::string record = R"({"key":")" + key() + R"(","status":)" + tail;
    write_record(record);
    EXPECT_FALSE(store_.read(key(), Names{"status"}).has_value()) << record;
  }
}

}  // namespace
}  // namespace bitsmith
