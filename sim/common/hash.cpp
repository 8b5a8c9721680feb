#include "common/hash.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <cstdint>

#include "common/file.h"

namespace bitsmith {
namespace {

constexpr std::size_t kFileLimit = std::size_t{1} << 30;

}  // namespace

ContentHash::ContentHash() : state_(XXH3_createState()) { XXH3_128bits_reset(state_); }
ContentHash::~ContentHash() { XXH3_freeState(state_); }

void ContentHash::add(std::string_view text) {
  const std::uint64_t size = text.size();
  XXH3_128bits_update(state_, &size, sizeof size);
  XXH3_128bits_update(state_, text.data(), text.size());
}

std::string ContentHash::hex() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(state_);
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::string hash_of_file(const std::filesystem::path& path) {
  ContentHash hash;
  hash.add(read_file(path, kFileLimit));
  return hash.hex();
}

}  // namespace bitsmith
