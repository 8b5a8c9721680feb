// Results of a sweep in a folder: a file for each point, named by the hash of what it was computed
// from.
//
//   FOLDER/results/<first two digits of the key>/<key>.json
//   {"checksum":"<hash of the record's text>","record":{...}}
//
// Records have no white space outside of their strings. Files appear whole or not at all
// (common/file.h), so any number of processes may work on one folder: whoever is second writes the
// same bytes again.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace bitsmith {

class ResultStore {
 public:
  // Creates the folder. Throws UserError when it cannot be written.
  explicit ResultStore(std::filesystem::path folder);
  // One that is there, to be read: nothing is created.
  static ResultStore existing(std::filesystem::path folder);

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path file_of(const std::string& key) const;

  // What is stored under the key. Nothing when there is no such file, or one that is not what
  // write() wrote: cut, altered, of another key. Such a file is as good as none.
  std::optional<nlohmann::ordered_json> read(const std::string& key) const;

  // The same with only these members of the record: what comes after the last of them is not
  // parsed, which is most of the time where records are long.
  std::optional<nlohmann::ordered_json> read(const std::string& key,
                                             std::span<const std::string_view> members) const;

  // Throws UserError when the disk is full or the folder cannot be written; what was there stays.
  void write(const std::string& key, nlohmann::ordered_json record) const;

 private:
  ResultStore() = default;
  // Of a whole file of that key.
  std::optional<std::string> text_of(const std::string& key) const;

  std::filesystem::path folder_;
};

}  // namespace bitsmith
