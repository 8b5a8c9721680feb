// The weights of a model in files, whatever the format. Files are mapped: what is not read is not
// touched.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "workload/stored_type.h"

namespace bitsmith {

struct StoredTensor {
  std::string name;
  std::string type;                  // as the file spells it: "F16", "Q4_K", ...
  std::vector<std::uint64_t> shape;  // outermost first, as in PyTorch

  std::uint64_t elements() const;  // fits: the file holds them
};

class WeightStore {
 public:
  virtual ~WeightStore() = default;
  WeightStore(const WeightStore&) = delete;
  WeightStore& operator=(const WeightStore&) = delete;

  // The file or folder, for messages.
  const std::string& where() const { return where_; }
  // Names differ.
  const std::vector<StoredTensor>& tensors() const { return tensors_; }
  bool contains(std::string_view name) const { return index_.contains(name); }
  // Throws UserError, with a guess, when there is no such tensor.
  const StoredTensor& info(std::string_view name) const;
  // Elements first, first + 1, ... of a tensor in row-major order, as FP32: exact but for F64,
  // which is rounded to nearest. A range beyond the tensor is an InternalError. Throws UserError
  // when there is no such tensor, its type cannot be decoded or the file has been truncated.
  void read(std::string_view name, std::uint64_t first, std::span<float> values) const;

 protected:
  // `where` starts messages. Throws UserError when two tensors share a name.
  WeightStore(std::string where, std::vector<StoredTensor> tensors);

 private:
  std::size_t index_of(std::string_view name) const;
  // The range is within tensors()[tensor], whose type can be decoded.
  virtual void read_elements(std::size_t tensor, const StoredType& type, std::uint64_t first,
                             std::span<float> values) const = 0;

  std::string where_;
  std::vector<StoredTensor> tensors_;
  std::map<std::string, std::size_t, std::less<>> index_;
};

// A folder with model.safetensors or else model.safetensors.index.json, an index (*.json), a *.gguf
// or any other file as safetensors. Throws UserError when there are no weights or a file is wrong.
std::unique_ptr<WeightStore> open_weights(const std::filesystem::path& directory_or_file);
// Whether the folder has one of the two.
bool has_weights(const std::filesystem::path& directory);

}  // namespace bitsmith
