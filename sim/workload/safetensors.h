// Tensors in files: the safetensors format of Hugging Face, read without trust and written without
// ever holding a whole tensor.
//
// A file is the length of the header (8 bytes, little-endian), the header, and the data. The header
// is a JSON object of one entry per tensor, {"name": {"dtype": "F16", "shape": [2, 3],
// "data_offsets": [begin, end]}}, and "__metadata__", an object of strings. Offsets are in bytes
// from the start of the data; numbers are little-endian, the last dimension runs fastest.
//
// Source: https://huggingface.co/docs/safetensors (Format) and the reference implementation,
// https://github.com/huggingface/safetensors (safetensors/src/tensor.rs, validate). We are stricter
// than that: repeated and unknown keys are refused (the reference ignores unknown ones), a
// "__metadata__" of null is, and so are more than kLargestRank dimensions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/file.h"
#include "common/mapped_file.h"
#include "numerics/format.h"

namespace bitsmith {

// ---------------------------------------------------------------------------------- description

enum class Dtype : std::uint8_t {
  boolean,
  u8,
  i8,
  f8_e5m2,
  f8_e4m3,
  i16,
  u16,
  f16,
  bf16,
  i32,
  u32,
  f32,
  f64,
  i64,
  u64
};

// As in the header: "BOOL", "U8", ...
std::string_view dtype_name(Dtype dtype);
std::optional<Dtype> find_dtype(std::string_view name);
// Bytes of one number, 1, 2, 4 or 8.
std::uint64_t dtype_bytes(Dtype dtype);

struct TensorInfo {
  std::string name;
  Dtype dtype = Dtype::u8;
  std::vector<std::uint64_t> shape;  // empty for a single number
  std::uint64_t offset = 0;          // of the first byte, from the start of the data
  std::uint64_t bytes = 0;

  bool operator==(const TensorInfo&) const = default;
};

// Free text of the user, by key.
using TensorMetadata = std::map<std::string, std::string>;

struct SafetensorsHeader {
  std::vector<TensorInfo> tensors;  // in the order of their data
  TensorMetadata metadata;
  std::uint64_t data_start = 0;  // from the start of the file

  bool operator==(const SafetensorsHeader&) const = default;
};

// The limit of the reference implementation.
inline constexpr std::uint64_t kLargestSafetensorsHeader = 100'000'000;  // bytes
inline constexpr std::size_t kLargestRank = 64;

// ---------------------------------------------------------------------------------- reading

// Reads and checks the header of `file`, the bytes of a whole file; the data are not touched. What
// is returned can be relied on: every tensor has a name of its own, its shape takes exactly its
// bytes, and the tensors lie one after the other and fill the data to the last byte.
//
// Throws UserError; `name` stands for the file in messages. Where the header is no JSON, or a
// value is missing or of the wrong kind, that is the only message; else all tensors that are wrong
// are named.
SafetensorsHeader parse_safetensors(std::span<const std::byte> file, const std::string& name);

// A file mapped into memory; common/mapped_file.h says what happens when it changes meanwhile.
class SafetensorsFile {
 public:
  // Throws UserError when there is no such file or parse_safetensors() refuses it.
  explicit SafetensorsFile(std::filesystem::path path);

  // In the order of their data, which need not be that of the header.
  const std::vector<TensorInfo>& tensors() const { return header_.tensors; }
  // The same order. Valid as long as this object or the one it was moved to.
  std::vector<std::string_view> names() const;
  const TensorMetadata& metadata() const { return header_.metadata; }
  const SafetensorsHeader& header() const { return header_; }

  bool contains(std::string_view name) const { return index_.contains(name); }
  // Throws UserError when there is no such tensor.
  const TensorInfo& info(std::string_view name) const;
  // The bytes of the tensor, not aligned to anything. Throws UserError when there is no such tensor
  // and when the file has been truncated.
  std::span<const std::byte> data(std::string_view name) const;

 private:
  MappedFile file_;
  SafetensorsHeader header_;
  std::map<std::string, std::size_t, std::less<>> index_;
};

// ---------------------------------------------------------------------------------- writing

struct TensorSpec {
  std::string name;
  Dtype dtype = Dtype::u8;
  std::vector<std::uint64_t> shape;
};

// The tensors as they will lie in a file: in this order, without gaps. Throws UserError, located in
// `name`, when two have the same name, or one has a name that the format cannot hold
// ("__metadata__", text that is no UTF-8), more than kLargestRank dimensions or a size beyond 64
// bits.
std::vector<TensorInfo> lay_out(std::vector<TensorSpec> tensors, const std::string& name);

// What precedes the data of these tensors: length and header, padded with spaces to a multiple of 8
// bytes. The same arguments give the same bytes. Throws UserError, located in `name`, when the
// metadata are no UTF-8 or the header is longer than kLargestSafetensorsHeader.
std::string safetensors_head(const TensorMetadata& metadata, std::span<const TensorInfo> tensors,
                             const std::string& name);

// Writes a file through AtomicFile: nothing is at `path` before finish() is done, and nothing stays
// of a writer that dies without it. Throws what lay_out(), safetensors_head() and AtomicFile throw.
// Bytes in the wrong order, too many or too few are our own mistakes: InternalError.
class SafetensorsWriter {
 public:
  SafetensorsWriter(const std::filesystem::path& path, const TensorMetadata& metadata,
                    std::vector<TensorSpec> tensors);

  // The next bytes of a tensor, as many as the caller has at hand. Tensors are written in the order
  // of the constructor; those without bytes need no call.
  void write(std::string_view name, std::span<const std::byte> piece);
  // Once, after the last byte.
  void finish();

 private:
  bool is_complete() const;

  std::vector<TensorInfo> tensors_;
  AtomicFile file_;
  std::size_t current_ = 0;    // index of the tensor being written
  std::uint64_t written_ = 0;  // bytes of it
};

// ---------------------------------------------------------------------------------- codes

// The natural dtype of a format: fp16 F16, bf16 BF16, fp8_e4m3 F8_E4M3, fp8_e5m2 F8_E5M2, int8 I8,
// int16 I16. All others are raw codes, one per number and right aligned: U8 up to 8 bits, else U16
// (the two's complement of a negative int12 is not extended).
Dtype dtype_of(const Format& f);

// The bytes of dtype_of(f), little-endian; bits of a code above the width of the format become 0.
// InternalError unless bytes.size() is codes.size() times dtype_bytes(dtype_of(f)).
void codes_to_bytes(const Format& f, std::span<const std::uint16_t> codes,
                    std::span<std::byte> bytes);

// The inverse. Throws UserError when a number has bits above the width of the format (several codes
// packed into a byte, perhaps); `where` starts the message, for example "w.safetensors: tensor
// 'q'".
void bytes_to_codes(const Format& f, std::span<const std::byte> bytes,
                    std::span<std::uint16_t> codes, std::string_view where);

}  // namespace bitsmith
