// The header of a GGUF file, version 2 or 3 (the same but for big-endian files, which are refused).
//
// A file is "GGUF", version, number of tensors, number of metadata; the metadata, each key, type,
// value; the tensors, each name, dimensions (fastest first), type, offset; and, from the next
// multiple of general.alignment (32 without one) on, the data. Numbers are little-endian, strings
// a length of 64 bits and bytes, arrays a type, a length and the elements, perhaps arrays again.
//
// Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. We are stricter: alignments
// are powers of two (as ggml itself asks), tensors have names of their own, at most four
// dimensions, and bytes that no other tensor has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "config/yaml.h"
#include "workload/stored_type.h"

namespace bitsmith {

struct GgufTensor {
  std::string name;
  const StoredType* type = nullptr;
  std::vector<std::uint64_t> shape;  // outermost first
  std::uint64_t offset = 0;          // of the first byte, from the start of the file
  std::uint64_t bytes = 0;
};

struct GgufHeader {
  // A map from key to value, in the order of the file: strings are quoted scalars, numbers and
  // truth values plain ones. Arrays are sequences without items: checked, not kept.
  YamlNode metadata;
  std::vector<GgufTensor> tensors;  // in the order of the header
};

// Reads and checks the header of `file`, the bytes of a whole file; the data are not touched. What
// is returned can be relied on: every tensor has a name of its own and its shape takes exactly its
// bytes, which are in the file and belong to no other. Sizes are checked before anything is
// allocated: memory is at most a few times the size of the header.
//
// Throws UserError; `name` stands for the file in messages. Where the header cannot be read on,
// that is the only message; else all tensors that are wrong are named.
GgufHeader parse_gguf(std::span<const std::byte> file, const std::string& name);

}  // namespace bitsmith
