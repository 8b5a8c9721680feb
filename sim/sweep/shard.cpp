#include "sweep/shard.h"

#include <charconv>

#include "common/error.h"

namespace bitsmith {

std::uint32_t shard_of(const std::string& key, std::uint32_t count) {
  constexpr std::size_t kDigits = 16;
  std::uint64_t hash = 0;
  const char* end = key.data() + kDigits;
  check(key.size() >= kDigits && std::from_chars(key.data(), end, hash, 16).ptr == end,
        "a key that is no hash");
  return static_cast<std::uint32_t>(hash % count) + 1;
}

std::vector<std::size_t> points_of(const Shard& shard, const std::vector<std::string>& keys) {
  std::vector<std::size_t> points;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (shard_of(keys[i], shard.count) == shard.number) points.push_back(i);
  }
  return points;
}

}  // namespace bitsmith
