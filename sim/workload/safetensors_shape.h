// What reader and writer of safetensors have in common; not for others.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "workload/safetensors.h"

namespace bitsmith {

inline constexpr std::string_view kMetadataKey = "__metadata__";
inline constexpr std::size_t kLengthBytes = 8;  // of the length of the header

// "tensor 'x'", clean and not too long.
std::string tensor_text(std::string_view name);
// "[2, 3]".
std::string shape_text(std::span<const std::uint64_t> shape);
// Bytes of a tensor; nothing when a product, taken from the first dimension on, exceeds 64 bits.
std::optional<std::uint64_t> tensor_bytes(Dtype dtype, std::span<const std::uint64_t> shape);
// Index of the first byte that starts no UTF-8 character.
std::optional<std::size_t> find_non_utf8(std::string_view text);

}  // namespace bitsmith
