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

// Where the string, number, word, object or array that begins at `at` ends; npos when it does not.
std::size_t end_of_value(std::string_view text, std::size_t at) {
  std::size_t depth = 0;
  do {
    // What ends a value, or may hide such a character.
    at = text.find_first_of("\"{}[],", at);
    if (at == std::string_view::npos) return at;
    switch (text[at]) {
      case '"':
        ++at;
        while ((at = text.find_first_of("\"\\", at)) != std::string_view::npos && text[at] != '"') {
          at += 2;  // escaped
        }
        if (at == std::string_view::npos) return at;
        break;
      case '{':
      case '[':
        ++depth;
        break;
      case '}':
      case ']':
        if (depth == 0) return at;  // of a number, by the end of what it is in
        --depth;
        break;
      default:
        if (depth == 0) return at;
    }
    ++at;
  } while (depth > 0);
  return at;
}

// The text of an object with only some of its members; nothing when it is no object that
// ResultStore::write() made.
std::optional<std::string> members_of(std::string_view object,
                                      std::span<const std::string_view> names) {
  std::string result = "{";
  std::size_t at = 1;
  while (at < object.size() && object[at] != '}') {
    const std::size_t name_end = end_of_value(object, at);
    if (name_end >= object.size() || object[name_end] != ':') return std::nullopt;
    const std::size_t end = end_of_value(object, name_end + 1);
    if (end >= object.size()) return std::nullopt;
    const std::string_view name = object.substr(at + 1, name_end - at - 2);
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      if (result.size() > 1) result += ',';
      result += object.substr(at, end - at);
    }
    at = end + (object[end] == ',' ? 1 : 0);
  }
  return result + "}";
}

constexpr const char* kKey = "key";

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

std::optional<nlohmann::ordered_json> ResultStore::read(const std::string& key) const {
  return parsed(key, text_of(key));
}

std::optional<nlohmann::ordered_json> ResultStore::read(
    const std::string& key, std::span<const std::string_view> members) const {
  const std::optional<std::string> text = text_of(key);
  if (!text) return std::nullopt;
  std::vector<std::string_view> names(members.begin(), members.end());
  names.push_back(kKey);
  return parsed(key, members_of(*text, names));
}

std::optional<nlohmann::ordered_json> ResultStore::parsed(const std::string& key,
                                                          const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  auto json = nlohmann::ordered_json::parse(*text, nullptr, false);
  if (!json.is_object() || json.value(kKey, "") != key) return std::nullopt;
  return json;
}

void ResultStore::write(const std::string& key, nlohmann::ordered_json record) const {
  nlohmann::ordered_json keyed = {{kKey, key}};
  keyed.update(record);
  const std::string text = keyed.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string file;
  file.reserve(text.size() + 64);
  file.append(kHead).append(checksum(text)).append(kMiddle).append(text).append(kEnd);
  write_file_atomically(file_of(key), file);
}

}  // namespace bitsmith
