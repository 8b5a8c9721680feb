// The header of a safetensors file: JSON to raw entries without a tree, then the checks.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "common/error.h"
#include "common/text.h"
#include "config/scalar.h"
#include "workload/safetensors.h"
#include "workload/safetensors_shape.h"

namespace bitsmith {
namespace {

constexpr std::size_t kShownCharacters = 64;

// An entry of the header as it stands there; complete once the parser has passed it.
struct RawTensor {
  std::string name;
  std::optional<std::string> dtype;
  std::optional<std::vector<std::uint64_t>> shape;
  std::optional<std::vector<std::uint64_t>> offsets;
};

// Takes the events of the JSON parser. It knows the only structure that there may be and throws a
// UserError at the first value elsewhere, so nesting is never deeper than header, tensor, list, and
// no more is kept than the entries.
class HeaderReader {
 public:
  explicit HeaderReader(const std::string& file) : where_{file} {}

  std::vector<RawTensor> tensors;
  TensorMetadata metadata;

  // The interface that nlohmann::json::sax_parse() asks for.
  using Json = nlohmann::json;
  bool null() { refuse("null"); }
  bool boolean(bool value) { refuse(value ? "true" : "false"); }
  // Only what starts with a minus comes here.
  bool number_integer(Json::number_integer_t value) {
    refuse(value == 0 ? "-0" : fmt::format("{}", value));
  }
  bool number_unsigned(Json::number_unsigned_t value);
  bool number_float(Json::number_float_t, const Json::string_t& text) { refuse(text); }
  bool string(Json::string_t& value);
  bool binary(Json::binary_t&) { refuse("binary"); }
  bool start_object(std::size_t);
  bool key(Json::string_t& key);
  bool end_object();
  bool start_array(std::size_t);
  bool end_array();
  bool parse_error(std::size_t position, const std::string& token, const Json::exception&);

 private:
  enum class Inside { file, header, metadata, tensor, shape, offsets };

  std::vector<std::uint64_t>& list();
  void check_tensor_key() const;
  void check_all_keys() const;
  std::string_view list_name() const { return inside_ == Inside::shape ? "shape" : "data_offsets"; }
  [[noreturn]] void fail(std::string_view message) const { throw UserError(where_, message); }
  // A value of the wrong kind.
  [[noreturn]] void refuse(std::string_view found);
  std::string expectation();

  Location where_;
  Inside inside_ = Inside::file;
  std::string key_;  // the last one
  std::set<std::string, std::less<>> tensor_names_;
  bool has_metadata_ = false;
};

std::vector<std::uint64_t>& HeaderReader::list() {
  RawTensor& tensor = tensors.back();
  return inside_ == Inside::shape ? *tensor.shape : *tensor.offsets;
}

std::string HeaderReader::expectation() {
  const auto quoted_key = [&] { return printable(key_, kShownCharacters); };
  switch (inside_) {
    case Inside::file:
      return "the header: expected an object";
    case Inside::header:
      if (key_ == kMetadataKey) return fmt::format("{}: expected an object of strings", key_);
      return fmt::format("{}: expected an object", tensor_text(key_));
    case Inside::metadata:
      return fmt::format("{}: '{}': expected a string", kMetadataKey, quoted_key());
    case Inside::tensor:
      return fmt::format("{}: {}: expected {}", tensor_text(tensors.back().name), key_,
                         key_ == "dtype" ? "a string" : "a list of non-negative integers");
    case Inside::shape:
    case Inside::offsets:
      return fmt::format("{}: {}[{}]: expected a non-negative integer of 64 bits",
                         tensor_text(tensors.back().name), list_name(), list().size());
  }
  throw InternalError("a place that the header does not have");
}

void HeaderReader::refuse(std::string_view found) {
  fail(fmt::format("{}, found {}", expectation(), printable(found, kShownCharacters)));
}

bool HeaderReader::number_unsigned(Json::number_unsigned_t value) {
  if (inside_ != Inside::shape && inside_ != Inside::offsets) refuse(fmt::format("{}", value));
  const std::size_t limit = inside_ == Inside::shape ? kLargestRank : 2;
  if (list().size() == limit) {
    fail(fmt::format("{}: {} has more than {} numbers", tensor_text(tensors.back().name),
                     list_name(), limit));
  }
  list().push_back(value);
  return true;
}

bool HeaderReader::string(Json::string_t& value) {
  if (inside_ == Inside::metadata) {
    metadata[key_] = std::move(value);
  } else if (inside_ == Inside::tensor && key_ == "dtype") {
    tensors.back().dtype = std::move(value);
  } else {
    refuse("a string");
  }
  return true;
}

bool HeaderReader::start_object(std::size_t) {
  if (inside_ == Inside::file) {
    inside_ = Inside::header;
  } else if (inside_ == Inside::header) {
    inside_ = key_ == kMetadataKey ? Inside::metadata : Inside::tensor;
    if (inside_ == Inside::tensor) tensors.push_back({key_, {}, {}, {}});
  } else {
    refuse("an object");
  }
  return true;
}

bool HeaderReader::key(Json::string_t& key) {
  key_ = std::move(key);
  const auto shown = [&] { return printable(key_, kShownCharacters); };
  if (inside_ == Inside::header) {
    const bool is_new = key_ == kMetadataKey ? !std::exchange(has_metadata_, true)
                                             : tensor_names_.insert(key_).second;
    if (!is_new) fail(fmt::format("the header has '{}' twice", shown()));
  } else if (inside_ == Inside::metadata) {
    if (metadata.contains(key_)) fail(fmt::format("{} has '{}' twice", kMetadataKey, shown()));
  } else {
    check_tensor_key();
  }
  return true;
}

void HeaderReader::check_tensor_key() const {
  constexpr std::array<std::string_view, 3> kKeys{"dtype", "shape", "data_offsets"};
  const RawTensor& tensor = tensors.back();
  const std::array is_there{tensor.dtype.has_value(), tensor.shape.has_value(),
                            tensor.offsets.has_value()};
  const auto found = std::ranges::find(kKeys, key_);
  if (found == kKeys.end()) {
    fail(fmt::format("{}: {}", tensor_text(tensor.name), unknown_word("key", key_, kKeys)));
  }
  if (is_there[static_cast<std::size_t>(found - kKeys.begin())]) {
    fail(fmt::format("{} has '{}' twice", tensor_text(tensor.name), key_));
  }
}

bool HeaderReader::end_object() {
  if (inside_ == Inside::tensor) check_all_keys();
  inside_ = inside_ == Inside::header ? Inside::file : Inside::header;
  return true;
}

// At once, not with the other checks: a header of 100 MB holds ten million empty entries, but only
// two million complete ones.
void HeaderReader::check_all_keys() const {
  const RawTensor& tensor = tensors.back();
  for (const auto& [is_missing, key] : {std::pair{!tensor.dtype, "dtype"},
                                        {!tensor.shape, "shape"},
                                        {!tensor.offsets, "data_offsets"}}) {
    if (is_missing) fail(fmt::format("{} has no '{}'", tensor_text(tensor.name), key));
  }
}

bool HeaderReader::start_array(std::size_t) {
  if (inside_ != Inside::tensor || key_ == "dtype") refuse("a list");
  inside_ = key_ == "shape" ? Inside::shape : Inside::offsets;
  (inside_ == Inside::shape ? tensors.back().shape : tensors.back().offsets).emplace();
  return true;
}

bool HeaderReader::end_array() {
  inside_ = Inside::tensor;
  return true;
}

bool HeaderReader::parse_error(std::size_t position, const std::string&, const Json::exception&) {
  fail(fmt::format("the header is no JSON at its byte {}", position));
}

// ---------------------------------------------------------------------------------- checks

// The text of the header.
std::string_view header_text(std::span<const std::byte> file, const Location& where) {
  if (file.size() < kLengthBytes) {
    throw UserError(where, fmt::format("{} bytes are no safetensors file, which starts with the "
                                       "length of its header in {} bytes",
                                       file.size(), kLengthBytes));
  }
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length |= std::to_integer<std::uint64_t>(file[i]) << (8 * i);
  }
  if (length > kLargestSafetensorsHeader) {
    throw UserError(where, fmt::format("is no safetensors file: its header would be {} bytes long, "
                                       "allowed are {}",
                                       length, kLargestSafetensorsHeader));
  }
  const std::uint64_t rest = file.size() - kLengthBytes;
  if (length > rest) {
    throw UserError(where, fmt::format("the header should be {} bytes long, but the file ends "
                                       "after {}",
                                       length, rest));
  }
  const std::span<const std::byte> bytes = file.subspan(kLengthBytes, length);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with('{')) throw UserError(where, "the header does not start with '{'");
  if (const auto bad = find_non_utf8(text)) {
    throw UserError(where, fmt::format("the header is no UTF-8 at its byte {}", *bad + 1));
  }
  // The JSON parser takes a zero byte for the end of the text and would not look at the rest.
  if (const std::size_t zero = text.find('\0'); zero != text.npos) {
    throw UserError(where, fmt::format("the header is no JSON at its byte {}", zero + 1));
  }
  return text;
}

// Why a tensor is wrong, or "" and `info` filled but for name and shape.
std::string objection_to(const RawTensor& raw, std::uint64_t data_bytes, TensorInfo& info) {
  const std::optional<Dtype> dtype = find_dtype(*raw.dtype);
  if (!dtype) {
    std::vector<std::string_view> allowed;
    for (int i = 0; i <= static_cast<int>(Dtype::u64); ++i) {
      allowed.push_back(dtype_name(static_cast<Dtype>(i)));
    }
    return unknown_word("dtype", *raw.dtype, allowed);
  }
  const auto offsets = [&] { return fmt::format("data_offsets {}", shape_text(*raw.offsets)); };
  const auto shape = [&] {
    return fmt::format("shape {} of {}", shape_text(*raw.shape), dtype_name(*dtype));
  };
  if (raw.offsets->size() != 2) return offsets() + " are not [begin, end]";
  const std::uint64_t begin = raw.offsets->front(), end = raw.offsets->back();
  if (begin > end) return offsets() + " end before they begin";
  if (end > data_bytes) {
    return fmt::format("{} reach beyond the {} bytes of data", offsets(), data_bytes);
  }
  const std::optional<std::uint64_t> bytes = tensor_bytes(*dtype, *raw.shape);
  if (!bytes) return shape() + " takes more bytes than 64 bits count";
  if (*bytes != end - begin) {
    return fmt::format("{} takes {} bytes, {} hold {}", shape(), *bytes, offsets(), end - begin);
  }
  info.dtype = *dtype;
  info.offset = begin;
  info.bytes = *bytes;
  return "";
}

// Why tensors, sorted by their data, do not lie end to end and fill the data; "" if they do.
std::string hole_or_overlap(const std::vector<TensorInfo>& tensors, std::uint64_t data_bytes) {
  std::uint64_t end = 0;
  const TensorInfo* before = nullptr;
  for (const TensorInfo& tensor : tensors) {
    if (tensor.offset < end) {
      return fmt::format("{} starts at byte {} of the data, inside {}, which ends at {}",
                         tensor_text(tensor.name), tensor.offset, tensor_text(before->name), end);
    }
    if (tensor.offset > end) {
      return fmt::format("bytes [{}, {}) of the data, before {}, belong to no tensor", end,
                         tensor.offset, tensor_text(tensor.name));
    }
    end += tensor.bytes;
    before = &tensor;
  }
  if (end == data_bytes) return "";
  return fmt::format("bytes [{}, {}) of the data, the last ones, belong to no tensor", end,
                     data_bytes);
}

}  // namespace

SafetensorsHeader parse_safetensors(std::span<const std::byte> file, const std::string& name) {
  const Location where{name};
  const std::string_view text = header_text(file, where);
  HeaderReader reader(name);
  nlohmann::json::sax_parse(text, &reader);

  SafetensorsHeader header;
  header.data_start = kLengthBytes + text.size();
  header.metadata = std::move(reader.metadata);
  const std::uint64_t data_bytes = file.size() - header.data_start;
  Diagnostics diagnostics;
  header.tensors.reserve(reader.tensors.size());
  for (RawTensor& raw : reader.tensors) {
    TensorInfo& info = header.tensors.emplace_back();
    const std::string why = objection_to(raw, data_bytes, info);
    if (why.empty()) {
      info.name = std::move(raw.name);
      info.shape = std::move(*raw.shape);
    } else {
      diagnostics.add(where, fmt::format("{}: {}", tensor_text(raw.name), why));
    }
  }
  diagnostics.throw_if_any();
  // Stable, so that tensors without bytes keep the order of the header.
  std::ranges::stable_sort(header.tensors, {}, [](const TensorInfo& tensor) {
    return std::pair(tensor.offset, tensor.offset + tensor.bytes);
  });
  const std::string why = hole_or_overlap(header.tensors, data_bytes);
  if (!why.empty()) throw UserError(where, why);
  return header;
}

}  // namespace bitsmith
