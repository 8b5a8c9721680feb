// GGUF files made by hand.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitsmith {

template <class Number>
std::string number_bytes(Number value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

inline std::string gguf_string(std::string_view text) {
  return number_bytes(std::uint64_t{text.size()}) + std::string(text);
}

// A file piece by piece; every piece can be wrong.
class GgufBytes {
 public:
  enum Type : std::uint32_t {
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

  std::uint32_t version = 3;
  std::uint64_t alignment = 32;  // of what this writer does; the metadata say what the file claims

  // Type and value as they lie in the file.
  void add(std::string_view key, std::uint32_t type, const std::string& value) {
    metadata_ += gguf_string(key) + number_bytes(type) + value;
    ++metadata_count_;
  }
  void add_text(std::string_view key, std::string_view value) {
    add(key, string, gguf_string(value));
  }
  void add_u32(std::string_view key, std::uint32_t value) { add(key, u32, number_bytes(value)); }
  void add_f32(std::string_view key, float value) { add(key, f32, number_bytes(value)); }

  // `dimensions` fastest first. The data go to the next aligned place.
  void add_tensor(std::string_view name, const std::vector<std::uint64_t>& dimensions,
                  std::uint32_t type, const std::string& data) {
    data_.resize((data_.size() + alignment - 1) / alignment * alignment);
    add_info(name, dimensions, type, data_.size());
    data_ += data;
  }
  void add_info(std::string_view name, const std::vector<std::uint64_t>& dimensions,
                std::uint32_t type, std::uint64_t offset) {
    infos_ += gguf_string(name) + number_bytes(static_cast<std::uint32_t>(dimensions.size()));
    for (const std::uint64_t size : dimensions) infos_ += number_bytes(size);
    infos_ += number_bytes(type) + number_bytes(offset);
    ++tensor_count_;
  }
  void add_data(const std::string& data) { data_ += data; }

  std::string file() const {
    std::string bytes = "GGUF" + number_bytes(version) + number_bytes(tensor_count_) +
                        number_bytes(metadata_count_) + metadata_ + infos_;
    bytes.resize((bytes.size() + alignment - 1) / alignment * alignment);
    return bytes + data_;
  }

 private:
  std::string metadata_, infos_, data_;
  std::uint64_t metadata_count_ = 0, tensor_count_ = 0;
};

// Tensor types by their numbers in a file.
inline constexpr std::uint32_t kGgufF32 = 0, kGgufF16 = 1, kGgufQ4_0 = 2, kGgufQ8_0 = 8,
                               kGgufQ4K = 12, kGgufIq4Xs = 23;

inline std::string floats(const std::vector<float>& values) {
  std::string bytes;
  for (const float value : values) bytes += number_bytes(value);
  return bytes;
}

}  // namespace bitsmith
