#include "workload/gguf.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "common/error.h"
#include "common/text.h"
#include "config/scalar.h"
#include "workload/safetensors_shape.h"

namespace bitsmith {
namespace {

constexpr std::string_view kMagic = "GGUF";
constexpr std::uint64_t kMostMetadata = 65536;
constexpr std::uint64_t kMostTensors = std::uint64_t{1} << 20;
constexpr std::uint64_t kLongestKey = 65535;
constexpr std::uint64_t kLongestName = 64;
constexpr std::uint32_t kMostDimensions = 4;
constexpr int kDeepestArray = 4;
constexpr std::uint64_t kUsualAlignment = 32;
constexpr std::uint64_t kLeastAlignment = 8;
constexpr std::string_view kAlignmentKey = "general.alignment";
constexpr std::size_t kShown = 64;

// In the order of their numbers in the file; the empty ones are no longer, or never were, of files.
constexpr std::array<std::string_view, 40> kTensorTypes{
    "F32",     "F16",    "Q4_0",    "Q4_1",  "",       "",      "Q5_0",  "Q5_1",
    "Q8_0",    "",       "Q2_K",    "Q3_K",  "Q4_K",   "Q5_K",  "Q6_K",  "",
    "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS",
    "I8",      "I16",    "I32",     "I64",   "F64",    "IQ1_M", "BF16",  "",
    "",        "",       "TQ1_0",   "TQ2_0", "",       "",      "",      "MXFP4"};

enum class ValueType : std::uint32_t {
  u8,
  i8,
  u16,
  i16,
  u32,
  i32,
  f32,
  boolean,
  string,
  array,
  u64,
  i64,
  f64
};
constexpr std::uint32_t kValueTypes = 13;

// Bytes of a value; 0 for strings and arrays.
std::uint64_t value_bytes(ValueType type) {
  constexpr std::array<std::uint64_t, kValueTypes> kBytes{1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return kBytes[static_cast<std::size_t>(type)];
}

std::string quoted(std::string_view text) { return fmt::format("'{}'", printable(text, kShown)); }

// Reads one piece after the other; `what` names it in messages.
class Cursor {
 public:
  Cursor(std::span<const std::byte> file, const Location& where) : file_(file), where_(where) {}

  std::uint64_t position() const { return position_; }
  std::uint64_t left() const { return file_.size() - position_; }

  std::span<const std::byte> bytes(std::uint64_t count, std::string_view what) {
    if (count > left()) {
      fail(fmt::format("{} takes {} bytes, but the file ends after {}", what, count, left()));
    }
    position_ += count;
    return file_.subspan(position_ - count, count);
  }
  template <class Number>
  Number number(std::string_view what) {
    Number value;
    std::memcpy(&value, bytes(sizeof value, what).data(), sizeof value);
    return value;
  }
  std::string_view string(std::string_view what) {
    const std::span<const std::byte> text = bytes(number<std::uint64_t>(what), what);
    return {reinterpret_cast<const char*>(text.data()), text.size()};
  }
  [[noreturn]] void fail(std::string_view why) const {
    throw UserError(where_, fmt::format("at byte {}: {}", position_, why));
  }

 private:
  std::span<const std::byte> file_;
  Location where_;
  std::uint64_t position_ = 0;
};

static_assert(std::endian::native == std::endian::little, "files are little-endian");

class Reader {
 public:
  Reader(std::span<const std::byte> file, const std::string& name)
      : file_(file), where_{name}, cursor_(file, where_) {}

  GgufHeader read();

 private:
  struct RawTensor {
    std::string_view name;
    std::vector<std::uint64_t> dimensions;
    std::uint32_t type;
    std::uint64_t offset;  // from the start of the data
  };

  void read_start();
  void read_metadata();
  YamlNode value(ValueType type, const std::string& what);
  void skip_array(const std::string& what, int depth);
  ValueType value_type(const std::string& what);
  RawTensor raw_tensor();
  std::uint64_t alignment() const;
  std::string objection_to(const RawTensor& raw, std::uint64_t unit, std::uint64_t data_start,
                           GgufTensor& tensor) const;
  void require_apart() const;

  std::span<const std::byte> file_;
  Location where_;
  Cursor cursor_;
  std::uint64_t tensor_count_ = 0;
  std::uint64_t metadata_count_ = 0;
  GgufHeader header_;
};

void Reader::read_start() {
  const std::span<const std::byte> magic =
      file_.first(std::min<std::size_t>(file_.size(), kMagic.size()));
  if (std::memcmp(magic.data(), kMagic.data(), magic.size()) != 0 || magic.size() < kMagic.size()) {
    throw UserError(where_, "is no GGUF file, which starts with 'GGUF'");
  }
  cursor_.bytes(kMagic.size(), "the magic number");
  const auto version = cursor_.number<std::uint32_t>("the version");
  if ((version & 0xFFFFU) == 0 && version != 0) {
    throw UserError(where_, "is a big-endian GGUF file; only little-endian ones are read");
  }
  if (version != 2 && version != 3) {
    throw UserError(where_,
                    fmt::format("is GGUF of version {}; versions 2 and 3 are read", version));
  }
  tensor_count_ = cursor_.number<std::uint64_t>("the number of tensors");
  metadata_count_ = cursor_.number<std::uint64_t>("the number of metadata");
  if (tensor_count_ > kMostTensors) {
    cursor_.fail(fmt::format("{} tensors, allowed are {}", tensor_count_, kMostTensors));
  }
  if (metadata_count_ > kMostMetadata) {
    cursor_.fail(fmt::format("{} metadata, allowed are {}", metadata_count_, kMostMetadata));
  }
}

ValueType Reader::value_type(const std::string& what) {
  const auto type = cursor_.number<std::uint32_t>(what);
  if (type >= kValueTypes) {
    cursor_.fail(fmt::format("{} has type {}; types are 0 to {}", what, type, kValueTypes - 1));
  }
  return static_cast<ValueType>(type);
}

void Reader::read_metadata() {
  YamlNode& map = header_.metadata;
  map.kind = YamlNode::Kind::map;
  map.where = where_;
  std::set<std::string_view> keys;  // of the file, which stays
  for (std::uint64_t i = 0; i < metadata_count_; ++i) {
    const std::string_view key = cursor_.string(fmt::format("key {}", i));
    const bool is_text = std::ranges::all_of(key, [](char c) { return c > ' ' && c < 127; });
    if (key.empty() || key.size() > kLongestKey || !is_text) {
      cursor_.fail(fmt::format("key {} {}: expected 1 to {} characters of ASCII", i, quoted(key),
                               kLongestKey));
    }
    if (!keys.insert(key).second) cursor_.fail(fmt::format("key {} is there twice", quoted(key)));
    const std::string what = fmt::format("the value of {}", quoted(key));
    map.entries.push_back({std::string(key), where_, value(value_type(what), what)});
  }
}

YamlNode Reader::value(ValueType type, const std::string& what) {
  YamlNode node;
  node.kind = YamlNode::Kind::scalar;
  node.where = where_;
  const auto plain = [&]<class Number>(Number) {
    node.scalar = fmt::format("{}", cursor_.number<Number>(what));
  };
  switch (type) {
    case ValueType::u8:
      plain(std::uint8_t{});
      break;
    case ValueType::i8:
      node.scalar = fmt::format("{}", int{cursor_.number<std::int8_t>(what)});
      break;
    case ValueType::u16:
      plain(std::uint16_t{});
      break;
    case ValueType::i16:
      plain(std::int16_t{});
      break;
    case ValueType::u32:
      plain(std::uint32_t{});
      break;
    case ValueType::i32:
      plain(std::int32_t{});
      break;
    case ValueType::u64:
      plain(std::uint64_t{});
      break;
    case ValueType::i64:
      plain(std::int64_t{});
      break;
    case ValueType::f32:
      plain(float{});
      break;
    case ValueType::f64:
      plain(double{});
      break;
    case ValueType::boolean: {
      const auto flag = cursor_.number<std::uint8_t>(what);
      if (flag > 1) cursor_.fail(fmt::format("{} is a truth value of {}", what, flag));
      node.scalar = flag == 1 ? "true" : "false";
      break;
    }
    case ValueType::string:
      node.scalar = cursor_.string(what);
      node.quoted = true;
      break;
    case ValueType::array:
      skip_array(what, 1);
      node.kind = YamlNode::Kind::sequence;
      break;
  }
  return node;
}

void Reader::skip_array(const std::string& what, int depth) {
  if (depth > kDeepestArray) {
    cursor_.fail(fmt::format("{} has more than {} levels of arrays", what, kDeepestArray));
  }
  const ValueType type = value_type(what);
  const auto count = cursor_.number<std::uint64_t>(what);
  if (const std::uint64_t size = value_bytes(type); size != 0) {
    if (count > cursor_.left() / size) {
      cursor_.fail(fmt::format("{} has {} elements, which the file cannot hold", what, count));
    }
    cursor_.bytes(count * size, what);
    return;
  }
  // Every one takes bytes, so the file ends a loop that is too long.
  for (std::uint64_t i = 0; i < count; ++i) {
    if (type == ValueType::string) {
      cursor_.string(what);
    } else {
      skip_array(what, depth + 1);
    }
  }
}

Reader::RawTensor Reader::raw_tensor() {
  RawTensor raw;
  raw.name = cursor_.string("the name of a tensor");
  if (raw.name.empty() || raw.name.size() > kLongestName) {
    cursor_.fail(fmt::format("a tensor with a name of {} bytes; allowed are 1 to {}",
                             raw.name.size(), kLongestName));
  }
  const std::string what = tensor_text(raw.name);
  const auto dimensions = cursor_.number<std::uint32_t>(what);
  if (dimensions > kMostDimensions) {
    cursor_.fail(
        fmt::format("{} has {} dimensions, allowed are {}", what, dimensions, kMostDimensions));
  }
  for (std::uint32_t i = 0; i < dimensions; ++i) {
    raw.dimensions.push_back(cursor_.number<std::uint64_t>(what));
  }
  raw.type = cursor_.number<std::uint32_t>(what);
  raw.offset = cursor_.number<std::uint64_t>(what);
  return raw;
}

std::uint64_t Reader::alignment() const {
  const YamlNode* const node = header_.metadata.find(kAlignmentKey);
  if (node == nullptr) return kUsualAlignment;
  constexpr std::int64_t kMost = std::int64_t{1} << 30;
  Diagnostics mistakes;
  const auto value = read_integer(*node, kAlignmentKey, {kLeastAlignment, kMost}, mistakes);
  if (value && !std::has_single_bit(static_cast<std::uint64_t>(*value))) {
    mistakes.add(where_, fmt::format("'{}': {} is no power of two", kAlignmentKey, *value));
  }
  mistakes.throw_if_any();
  return static_cast<std::uint64_t>(*value);
}

// Why a tensor is wrong, or "" and `tensor` filled.
std::string Reader::objection_to(const RawTensor& raw, std::uint64_t unit, std::uint64_t data_start,
                                 GgufTensor& tensor) const {
  const std::string_view type = raw.type < kTensorTypes.size() ? kTensorTypes[raw.type] : "";
  if (type.empty()) return fmt::format("no type has the number {}", raw.type);
  tensor.type = find_stored_type(type);
  check(tensor.type != nullptr, "a type of GGUF without its size");
  tensor.shape.assign(raw.dimensions.rbegin(), raw.dimensions.rend());
  std::uint64_t elements = 1;
  for (const std::uint64_t size : raw.dimensions) {
    if (__builtin_mul_overflow(elements, size, &elements)) {
      return fmt::format("shape {} has more elements than 64 bits count", shape_text(tensor.shape));
    }
  }
  const std::uint64_t row = raw.dimensions.empty() ? 1 : raw.dimensions.front();
  if (row % tensor.type->numbers != 0) {
    return fmt::format("rows of {} numbers do not divide into the {} of a {} block", row,
                       tensor.type->numbers, type);
  }
  if (__builtin_mul_overflow(elements / tensor.type->numbers, tensor.type->bytes, &tensor.bytes)) {
    return fmt::format("shape {} takes more bytes than 64 bits count", shape_text(tensor.shape));
  }
  if (raw.offset % unit != 0) {
    return fmt::format("offset {} is no multiple of {}, the alignment", raw.offset, unit);
  }
  const std::uint64_t data_bytes = file_.size() - data_start;
  if (raw.offset > data_bytes || tensor.bytes > data_bytes - raw.offset) {
    return fmt::format("{} bytes from offset {} on reach beyond the {} bytes of data", tensor.bytes,
                       raw.offset, data_bytes);
  }
  tensor.name = raw.name;
  tensor.offset = data_start + raw.offset;
  return "";
}

// Names and bytes.
void Reader::require_apart() const {
  std::set<std::string_view> names;
  std::vector<const GgufTensor*> sorted;
  for (const GgufTensor& tensor : header_.tensors) {
    if (!names.insert(tensor.name).second) {
      throw UserError(where_, fmt::format("{} is there twice", tensor_text(tensor.name)));
    }
    if (tensor.bytes > 0) sorted.push_back(&tensor);
  }
  std::ranges::sort(sorted, {}, &GgufTensor::offset);
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    const GgufTensor& before = *sorted[i - 1];
    if (sorted[i]->offset >= before.offset + before.bytes) continue;
    throw UserError(where_, fmt::format("{} starts at byte {}, inside {}, which ends at {}",
                                        tensor_text(sorted[i]->name), sorted[i]->offset,
                                        tensor_text(before.name), before.offset + before.bytes));
  }
}

GgufHeader Reader::read() {
  read_start();
  read_metadata();
  const std::uint64_t unit = alignment();
  std::vector<RawTensor> raw;
  for (std::uint64_t i = 0; i < tensor_count_; ++i) raw.push_back(raw_tensor());
  const std::uint64_t data_start = (cursor_.position() + unit - 1) / unit * unit;
  if (!raw.empty() && data_start > file_.size()) cursor_.fail("the file ends before its data");
  Diagnostics mistakes;
  for (const RawTensor& one : raw) {
    GgufTensor& tensor = header_.tensors.emplace_back();
    if (const std::string why = objection_to(one, unit, data_start, tensor); !why.empty()) {
      mistakes.add(where_, fmt::format("{}: {}", tensor_text(one.name), why));
    }
  }
  mistakes.throw_if_any();
  require_apart();
  return std::move(header_);
}

}  // namespace

GgufHeader parse_gguf(std::span<const std::byte> file, const std::string& name) {
  return Reader(file, name).read();
}

}  // namespace bitsmith
