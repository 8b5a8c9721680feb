// Content hashes (XXH3, 128 bits) for caches and provenance.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

struct XXH3_state_s;

namespace bitsmith {

class ContentHash {
 public:
  ContentHash();
  ~ContentHash();
  ContentHash(const ContentHash&) = delete;
  ContentHash& operator=(const ContentHash&) = delete;

  // Adds a text and its length, so that "a" then "bc" differs from "ab" then "c".
  void add(std::string_view text);
  // 32 hexadecimal digits.
  std::string hex() const;

 private:
  XXH3_state_s* state_;
};

std::string hash_of_file(const std::filesystem::path& path);

}  // namespace bitsmith
