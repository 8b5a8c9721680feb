#include "workload/safetensors.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "common/error.h"
#include "common/text.h"
#include "config/scalar.h"
#include "numerics/pack.h"
#include "workload/safetensors_shape.h"

namespace bitsmith {
namespace {

struct DtypeRow {
  Dtype dtype;
  std::string_view name;
  std::uint64_t bytes;
};

// In the order of Dtype.
constexpr std::array kDtypes{
    DtypeRow{Dtype::boolean, "BOOL", 1},    DtypeRow{Dtype::u8, "U8", 1},
    DtypeRow{Dtype::i8, "I8", 1},           DtypeRow{Dtype::f8_e5m2, "F8_E5M2", 1},
    DtypeRow{Dtype::f8_e4m3, "F8_E4M3", 1}, DtypeRow{Dtype::i16, "I16", 2},
    DtypeRow{Dtype::u16, "U16", 2},         DtypeRow{Dtype::f16, "F16", 2},
    DtypeRow{Dtype::bf16, "BF16", 2},       DtypeRow{Dtype::i32, "I32", 4},
    DtypeRow{Dtype::u32, "U32", 4},         DtypeRow{Dtype::f32, "F32", 4},
    DtypeRow{Dtype::f64, "F64", 8},         DtypeRow{Dtype::i64, "I64", 8},
    DtypeRow{Dtype::u64, "U64", 8},
};

constexpr bool is_in_order() {
  for (std::size_t i = 0; i < kDtypes.size(); ++i) {
    if (static_cast<std::size_t>(kDtypes[i].dtype) != i) return false;
  }
  return true;
}
static_assert(is_in_order());

constexpr const DtypeRow& row(Dtype dtype) { return kDtypes[static_cast<std::size_t>(dtype)]; }

constexpr std::size_t kShownCharacters = 200;

}  // namespace

// ---------------------------------------------------------------------------------- description

std::string_view dtype_name(Dtype dtype) { return row(dtype).name; }
std::uint64_t dtype_bytes(Dtype dtype) { return row(dtype).bytes; }

std::optional<Dtype> find_dtype(std::string_view name) {
  const auto found = std::ranges::find(kDtypes, name, &DtypeRow::name);
  return found == kDtypes.end() ? std::nullopt : std::optional(found->dtype);
}

std::string tensor_text(std::string_view name) {
  return fmt::format("tensor '{}'", printable(name, kShownCharacters));
}

std::string shape_text(std::span<const std::uint64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

std::optional<std::uint64_t> tensor_bytes(Dtype dtype, std::span<const std::uint64_t> shape) {
  std::uint64_t bytes = 1;
  for (const std::uint64_t size : shape) {
    if (__builtin_mul_overflow(bytes, size, &bytes)) return std::nullopt;
  }
  if (__builtin_mul_overflow(bytes, dtype_bytes(dtype), &bytes)) return std::nullopt;
  return bytes;
}

std::optional<std::size_t> find_non_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const bool is_ascii = static_cast<unsigned char>(text[i]) < 0x80;  // nearly all of it
    const std::size_t length = is_ascii ? 1 : utf8_length(text.substr(i));
    if (length == 0) return i;
    i += length;
  }
  return std::nullopt;
}

// ---------------------------------------------------------------------------------- reading

SafetensorsFile::SafetensorsFile(std::filesystem::path path)
    : file_(std::move(path)), header_(parse_safetensors(file_.bytes(), file_.path().string())) {
  for (std::size_t i = 0; i < header_.tensors.size(); ++i) {
    index_.emplace(header_.tensors[i].name, i);
  }
}

std::vector<std::string_view> SafetensorsFile::names() const {
  std::vector<std::string_view> names;
  names.reserve(header_.tensors.size());
  for (const TensorInfo& tensor : header_.tensors) names.push_back(tensor.name);
  return names;
}

const TensorInfo& SafetensorsFile::info(std::string_view name) const {
  if (const auto found = index_.find(name); found != index_.end()) {
    return header_.tensors[found->second];
  }
  const Location where{file_.path().string()};
  if (tensors().empty()) {
    throw UserError(where, fmt::format("has no {}, nor any other tensor", tensor_text(name)));
  }
  std::vector<std::string> shown;
  for (const TensorInfo& tensor : tensors()) {
    shown.push_back(printable(tensor.name, kShownCharacters));
  }
  const std::vector<std::string_view> allowed(shown.begin(), shown.end());
  constexpr std::size_t kListed = 16;  // a model has hundreds
  if (allowed.size() <= kListed) throw UserError(where, unknown_word("tensor", name, allowed));
  throw UserError(where, fmt::format("unknown {}{}; the file has {} tensors", tensor_text(name),
                                     did_you_mean(name, allowed), allowed.size()));
}

std::span<const std::byte> SafetensorsFile::data(std::string_view name) const {
  const TensorInfo& tensor = info(name);
  file_.check_size();
  return file_.bytes().subspan(header_.data_start + tensor.offset, tensor.bytes);
}

// ---------------------------------------------------------------------------------- writing

namespace {

// Why the format cannot hold such a tensor, or "".
std::string objection_to(const TensorSpec& tensor) {
  if (tensor.name == kMetadataKey) return "the name means the metadata";
  if (find_non_utf8(tensor.name)) return "the name is no UTF-8";
  if (tensor.shape.size() > kLargestRank) {
    return fmt::format("{} dimensions, allowed are {}", tensor.shape.size(), kLargestRank);
  }
  return "";
}

// A JSON string with its quotes.
std::string json_string(std::string_view text) { return nlohmann::json(text).dump(); }

std::string entry_of(const TensorInfo& tensor) {
  return fmt::format(R"({}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                     json_string(tensor.name), dtype_name(tensor.dtype),
                     fmt::join(tensor.shape, ","), tensor.offset, tensor.offset + tensor.bytes);
}

std::string entry_of(const TensorMetadata& metadata, const std::string& name) {
  std::string text;
  for (const auto& [key, value] : metadata) {
    if (find_non_utf8(key) || find_non_utf8(value)) {
      throw UserError(Location{name}, fmt::format("the metadata '{}' are no UTF-8",
                                                  printable(key, kShownCharacters)));
    }
    text += fmt::format("{}{}:{}", text.empty() ? "" : ",", json_string(key), json_string(value));
  }
  return fmt::format("{}:{{{}}}", json_string(kMetadataKey), text);
}

std::string little_endian(std::uint64_t value) {
  std::string bytes;
  for (std::size_t i = 0; i < kLengthBytes; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

}  // namespace

std::vector<TensorInfo> lay_out(std::vector<TensorSpec> tensors, const std::string& name) {
  std::vector<TensorInfo> laid_out;
  std::set<std::string_view> names;
  std::uint64_t end = 0;
  for (TensorSpec& tensor : tensors) {
    const auto refuse = [&](std::string_view why) {
      throw UserError(Location{name}, fmt::format("{}: {}", tensor_text(tensor.name), why));
    };
    if (const std::string why = objection_to(tensor); !why.empty()) refuse(why);
    if (!names.insert(tensor.name).second) refuse("is there twice");
    const auto bytes = tensor_bytes(tensor.dtype, tensor.shape);
    const std::uint64_t begin = end;
    if (!bytes || __builtin_add_overflow(begin, *bytes, &end)) {
      refuse(fmt::format("ends beyond 64 bits with shape {} of {}", shape_text(tensor.shape),
                         dtype_name(tensor.dtype)));
    }
    // The name is copied: the set looks at the one in `tensors`.
    laid_out.push_back({tensor.name, tensor.dtype, std::move(tensor.shape), begin, *bytes});
  }
  return laid_out;
}

std::string safetensors_head(const TensorMetadata& metadata, std::span<const TensorInfo> tensors,
                             const std::string& name) {
  std::string header = "{";
  if (!metadata.empty()) header += entry_of(metadata, name);
  for (const TensorInfo& tensor : tensors) {
    if (header.size() > 1) header += ',';
    header += entry_of(tensor);
  }
  header += '}';
  // The length takes 8 bytes as well, so this aligns the data.
  header.append((8 - header.size() % 8) % 8, ' ');
  if (header.size() > kLargestSafetensorsHeader) {
    throw UserError(Location{name}, fmt::format("the header takes {} bytes, allowed are {}",
                                                header.size(), kLargestSafetensorsHeader));
  }
  return little_endian(header.size()) + header;
}

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path,
                                     const TensorMetadata& metadata,
                                     std::vector<TensorSpec> tensors)
    : tensors_(lay_out(std::move(tensors), path.string())), file_(path) {
  file_.write(safetensors_head(metadata, tensors_, path.string()));
}

bool SafetensorsWriter::is_complete() const { return written_ == tensors_[current_].bytes; }

void SafetensorsWriter::write(std::string_view name, std::span<const std::byte> piece) {
  while (current_ < tensors_.size() && tensors_[current_].name != name && is_complete()) {
    ++current_;
    written_ = 0;
  }
  check(current_ < tensors_.size() && tensors_[current_].name == name,
        fmt::format("{} is written out of order", tensor_text(name)));
  check(piece.size() <= tensors_[current_].bytes - written_,
        fmt::format("more than {} bytes for {}", tensors_[current_].bytes, tensor_text(name)));
  file_.write({reinterpret_cast<const char*>(piece.data()), piece.size()});
  written_ += piece.size();
}

void SafetensorsWriter::finish() {
  for (; current_ < tensors_.size(); ++current_, written_ = 0) {
    check(is_complete(),
          fmt::format("{} of {} bytes were written for {}", written_, tensors_[current_].bytes,
                      tensor_text(tensors_[current_].name)));
  }
  file_.finish();
}

// ---------------------------------------------------------------------------------- codes

Dtype dtype_of(const Format& f) {
  using Row = std::pair<std::string_view, Dtype>;
  constexpr std::array kNatural{Row{"fp16", Dtype::f16},         Row{"bf16", Dtype::bf16},
                                Row{"fp8_e4m3", Dtype::f8_e4m3}, Row{"fp8_e5m2", Dtype::f8_e5m2},
                                Row{"int8", Dtype::i8},          Row{"int16", Dtype::i16}};
  const auto found = std::ranges::find(kNatural, f.name, &Row::first);
  if (found != kNatural.end()) return found->second;
  return f.bits <= 8 ? Dtype::u8 : Dtype::u16;
}

void codes_to_bytes(const Format& f, std::span<const std::uint16_t> codes,
                    std::span<std::byte> bytes) {
  const std::size_t width = dtype_bytes(dtype_of(f));
  check(bytes.size() == codes.size() * width, "as many bytes as the codes take");
  const auto mask = static_cast<std::uint16_t>(low_mask(f.bits));
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const auto code = static_cast<std::uint16_t>(codes[i] & mask);
    bytes[i * width] = static_cast<std::byte>(code & 0xFFU);
    if (width == 2) bytes[i * width + 1] = static_cast<std::byte>(code >> 8U);
  }
}

void bytes_to_codes(const Format& f, std::span<const std::byte> bytes,
                    std::span<std::uint16_t> codes, std::string_view where) {
  const std::size_t width = dtype_bytes(dtype_of(f));
  check(bytes.size() == codes.size() * width, "as many codes as the bytes hold");
  for (std::size_t i = 0; i < codes.size(); ++i) {
    auto code = std::to_integer<std::uint16_t>(bytes[i * width]);
    if (width == 2) {
      code = static_cast<std::uint16_t>(
          code | (std::to_integer<std::uint16_t>(bytes[i * width + 1]) << 8U));
    }
    if (code > low_mask(f.bits)) {
      throw UserError(fmt::format("{}: number {} is {:#x}, which is no code of {} ({} bits)", where,
                                  i, code, f.name, f.bits));
    }
    codes[i] = code;
  }
}

}  // namespace bitsmith
