#include "workload/weight_store.h"

#include <array>

#include "common/error.h"
#include "common/text.h"
#include "workload/gguf_model.h"
#include "workload/safetensors_weights.h"

namespace bitsmith {
namespace {

constexpr std::size_t kShownCharacters = 200;
constexpr std::string_view kSingle = "model.safetensors";
constexpr std::string_view kIndex = "model.safetensors.index.json";

std::string shown(std::string_view name) {
  return fmt::format("tensor '{}'", printable(name, kShownCharacters));
}

}  // namespace

std::uint64_t StoredTensor::elements() const {
  std::uint64_t product = 1;
  for (const std::uint64_t size : shape) product *= size;
  return product;
}

WeightStore::WeightStore(std::string where, std::vector<StoredTensor> tensors)
    : where_(std::move(where)), tensors_(std::move(tensors)) {
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    if (!index_.emplace(tensors_[i].name, i).second) {
      throw UserError(Location{where_}, fmt::format("{} is there twice", shown(tensors_[i].name)));
    }
  }
}

std::size_t WeightStore::index_of(std::string_view name) const {
  if (const auto found = index_.find(name); found != index_.end()) return found->second;
  std::vector<std::string_view> names;
  for (const StoredTensor& tensor : tensors_) names.push_back(tensor.name);
  throw UserError(Location{where_},
                  fmt::format("has no {}{} among its {} tensors", shown(name),
                              printable(did_you_mean(name, names), 300), names.size()));
}

const StoredTensor& WeightStore::info(std::string_view name) const {
  return tensors_[index_of(name)];
}

void WeightStore::read(std::string_view name, std::uint64_t first, std::span<float> values) const {
  const std::size_t index = index_of(name);
  const std::uint64_t elements = tensors_[index].elements();
  check(first <= elements && values.size() <= elements - first,
        fmt::format("elements that {} does not have", shown(name)));
  if (values.empty()) return;
  const StoredType* const type = find_stored_type(tensors_[index].type);
  if (type == nullptr || type->decode == nullptr) {
    throw UserError(Location{where_},
                    fmt::format("{}: numbers of {} cannot be decoded; those of {} can", shown(name),
                                tensors_[index].type, decodable_types()));
  }
  read_elements(index, *type, first, values);
}

bool has_weights(const std::filesystem::path& directory) {
  std::error_code ignored;
  return std::filesystem::exists(directory / kSingle, ignored) ||
         std::filesystem::exists(directory / kIndex, ignored);
}

std::unique_ptr<WeightStore> open_weights(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) {
    if (path.extension() == ".gguf") return import_gguf(path).weights;
    return path.extension() == ".json" ? open_sharded_safetensors(path) : open_safetensors(path);
  }
  // As the library looks for them.
  if (std::filesystem::exists(path / kSingle, ignored)) return open_safetensors(path / kSingle);
  if (has_weights(path)) return open_sharded_safetensors(path / kIndex);
  throw UserError(Location{path.string()}, fmt::format("has neither {} nor {}", kSingle, kIndex));
}

}  // namespace bitsmith
