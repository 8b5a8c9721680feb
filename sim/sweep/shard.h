// A part of a sweep's points, chosen by their keys alone: every process that knows the keys makes
// the same parts, in any order and on any machine, and what is done already changes no part.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace bitsmith {

inline constexpr std::uint32_t kMostShards = 100'000;

struct Shard {
  std::uint32_t number = 1;  // 1..count
  std::uint32_t count = 1;
};

// The number of the shard that a key belongs to, of `count`; keys are hashes (ResultStore).
std::uint32_t shard_of(const std::string& key, std::uint32_t count);

// The points (places in `keys`) of a shard, ascending. The shards of one count are disjoint and
// hold all points; equal keys are in the same shard.
std::vector<std::size_t> points_of(const Shard& shard, const std::vector<std::string>& keys);

}  // namespace bitsmith
