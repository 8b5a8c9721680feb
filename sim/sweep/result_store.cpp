#include "sweep/result_store.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/file.h"
#include "common/hash.h"

namespace bitsmith {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::size_t kByteLimit = std::size_t{64} << 20;
constexpr std::string_view kHead = R"({"checksum":")";
constexpr std::string_view kMiddle = R"(","record":)";
constexpr std::string_view kEnd = "}\n";
constexpr std::size_t kHashDigits = 32;

std::string checksum(std::string_view record) {
  ContentHash hash;
  hash.add(record);
  return hash.hex();
}

// The text of the record, when the file is whole.
std::optional<std::string_view> record_of(std::string_view text) {
  constexpr std::size_t kBefore = kHead.size() + kHashDigits + kMiddle.size();
  if (text.size() < kBefore + kEnd.size() || !text.starts_with(kHead) || !text.ends_with(kEnd) ||
      text.substr(kHead.size() + kHashDigits, kMiddle.size()) != kMiddle) {
    return std::nullopt;
  }
  const std::string_view record = text.substr(kBefore, text.size() - kBefore - kEnd.size());
  if (checksum(record) != text.substr(kHead.size(), kHashDigits)) return std::nullopt;
  return record;
}

// Takes some members of an object, and ends the reading when it has them: the rest of a record is
// most of its length. What is wrong behind them is for the checksum to find.
class MemberReader final : public Json::json_sax_t {
 public:
  explicit MemberReader(std::vector<std::string_view> names) : names_(std::move(names)) {}

  // Nothing when the text was no JSON.
  std::optional<Json> take() {
    return is_broken_ ? std::nullopt : std::optional(std::move(members_));
  }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(std::int64_t value) override { return add(value); }
  bool number_unsigned(std::uint64_t value) override { return add(value); }
  bool number_float(double value, const std::string&) override { return add(value); }
  bool string(std::string& value) override { return add(std::move(value)); }
  bool binary(Json::binary_t&) override { return false; }  // not in text
  bool start_object(std::size_t) override { return begin(Json::value_t::object); }
  bool start_array(std::size_t) override { return begin(Json::value_t::array); }
  bool end_object() override { return end(); }
  bool end_array() override { return end(); }
  bool key(std::string& name) override {
    if (depth_ == 1 && std::ranges::find(names_, name) != names_.end()) open_ = {&members_};
    if (!open_.empty()) name_ = std::move(name);
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const Json::exception&) override {
    is_broken_ = true;
    return false;
  }

 private:
  template <class Value>
  bool add(Value&& value) {
    if (!open_.empty()) append(std::forward<Value>(value));
    return goes_on();
  }
  bool begin(Json::value_t type) {
    if (!open_.empty()) open_.push_back(&append(type));
    ++depth_;
    return true;
  }
  bool end() {
    --depth_;
    if (!open_.empty()) open_.pop_back();
    return goes_on();
  }
  template <class Value>
  Json& append(Value&& value) {
    Json& to = *open_.back();
    return to.is_array() ? to.emplace_back(std::forward<Value>(value))
                         : to[name_] = std::forward<Value>(value);
  }
  // After a value.
  bool goes_on() {
    if (depth_ > 1) return true;
    open_.clear();
    return members_.size() < names_.size();
  }

  std::vector<std::string_view> names_;
  Json members_ = Json::object();
  std::vector<Json*> open_;  // objects and arrays that the next value is in, if it is wanted
  std::string name_;         // of that value, in an object
  std::size_t depth_ = 0;
  bool is_broken_ = false;
};

constexpr const char* kKey = "key";

// A record is of its key.
std::optional<Json> if_of(const std::string& key, std::optional<Json> record) {
  if (!record || !record->is_object() || record->value(kKey, "") != key) return std::nullopt;
  return record;
}

// Of AtomicFile and of the index.
bool is_temporary_name(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.starts_with(".bitsmith-") && name.ends_with(".tmp");
}

// Temporary files of writers that were killed, directly in the folder. Those of writers at work are
// younger: `now` is the time of whatever holds the folder, which need not be ours.
void remove_leftovers(const fs::path& folder, fs::file_time_type now) {
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  // Others may remove them too, at the same time.
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (!is_temporary_name(entry->path())) continue;
    std::error_code gone;
    const auto written = fs::last_write_time(entry->path(), gone);
    if (!gone && written < now - std::chrono::hours(1)) fs::remove(entry->path(), gone);
  }
}

void remove_all_leftovers(const fs::path& folder, fs::file_time_type now) {
  remove_leftovers(folder, now);
  remove_leftovers(folder / "results", now);
  constexpr int kFolders = 256;  // by the first two digits of keys
  for (int i = 0; i < kFolders; ++i) {
    remove_leftovers(folder / "results" / fmt::format("{:02x}", i), now);
  }
}

}  // namespace

ResultStore::ResultStore(std::filesystem::path folder) : folder_(std::move(folder)) {
  std::error_code error;
  std::filesystem::create_directories(folder_ / "results", error);
  if (error) {
    throw UserError(fmt::format("{}: cannot create: {}", folder_.string(), error.message()));
  }
  // A folder that cannot be written shows now and not after the first hour.
  const std::filesystem::path probe = folder_ / "results" / ".writable";
  write_file_atomically(probe, "");
  const fs::file_time_type now = fs::last_write_time(probe, error);
  if (!error) remove_all_leftovers(folder_, now);
  fs::remove(probe, error);
}

ResultStore ResultStore::existing(std::filesystem::path folder) {
  ResultStore store;
  store.folder_ = std::move(folder);
  return store;
}

std::filesystem::path ResultStore::file_of(const std::string& key) const {
  check(key.size() == kHashDigits, "a key that is no hash");
  return folder_ / "results" / key.substr(0, 2) / (key + ".json");
}

std::optional<std::string> ResultStore::text_of(const std::string& key) const {
  const std::filesystem::path file = file_of(key);
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) return std::nullopt;
  std::string text;
  try {
    text = read_file(file, kByteLimit);
  } catch (const UserError&) {
    return std::nullopt;
  }
  const auto record = record_of(text);
  return record ? std::optional(std::string(*record)) : std::nullopt;
}

std::optional<Json> ResultStore::read(const std::string& key) const {
  const std::optional<std::string> text = text_of(key);
  if (!text) return std::nullopt;
  return if_of(key, Json::parse(*text, nullptr, /*allow_exceptions=*/false));
}

std::optional<Json> ResultStore::read(const std::string& key,
                                      std::span<const std::string_view> members) const {
  const std::optional<std::string> text = text_of(key);
  if (!text) return std::nullopt;
  std::vector<std::string_view> names(members.begin(), members.end());
  names.push_back(kKey);
  MemberReader reader(std::move(names));
  Json::sax_parse(*text, &reader);
  return if_of(key, reader.take());
}

void ResultStore::write(const std::string& key, Json record) const {
  Json keyed = {{kKey, key}};
  keyed.update(record);
  const std::string text = keyed.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string file;
  file.reserve(text.size() + 64);
  file.append(kHead).append(checksum(text)).append(kMiddle).append(text).append(kEnd);
  write_file_atomically(file_of(key), file);
}

}  // namespace bitsmith
