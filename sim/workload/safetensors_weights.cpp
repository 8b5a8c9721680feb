#include "workload/safetensors_weights.h"

#include <map>

#include "common/error.h"
#include "common/file.h"
#include "config/json.h"
#include "workload/safetensors.h"
#include "workload/safetensors_shape.h"
#include "workload/stored_type.h"

namespace bitsmith {
namespace {

// The largest models have some 100,000 tensors with names of about 60 bytes.
constexpr JsonLimits kIndexLimits{std::size_t{1} << 26, 1'000'000};
constexpr std::size_t kMostShards = 1000;  // all are open at once

StoredTensor stored(const TensorInfo& tensor) {
  return {tensor.name, std::string(dtype_name(tensor.dtype)), tensor.shape};
}

std::vector<StoredTensor> tensors_of(const SafetensorsFile& file) {
  std::vector<StoredTensor> tensors;
  for (const TensorInfo& tensor : file.tensors()) tensors.push_back(stored(tensor));
  return tensors;
}

class SingleFile final : public WeightStore {
 public:
  SingleFile(SafetensorsFile file, const std::string& name)
      : WeightStore(name, tensors_of(file)), file_(std::move(file)) {}

 private:
  void read_elements(std::size_t tensor, const StoredType& type, std::uint64_t first,
                     std::span<float> values) const override {
    decode_numbers(type, file_.data(tensors()[tensor].name), first, values);
  }

  SafetensorsFile file_;
};

// ---------------------------------------------------------------------------------- shards

struct Shard {
  std::string path;
  SafetensorsFile file;
};

struct ShardedTensor {
  StoredTensor tensor;
  std::size_t shard;
};

class Shards final : public WeightStore {
 public:
  Shards(const std::string& name, std::vector<Shard> shards, const std::vector<ShardedTensor>& all)
      : WeightStore(name, tensors_of(all)), shards_(std::move(shards)) {
    for (const ShardedTensor& tensor : all) shard_of_.push_back(tensor.shard);
  }

 private:
  static std::vector<StoredTensor> tensors_of(const std::vector<ShardedTensor>& all) {
    std::vector<StoredTensor> tensors;
    for (const ShardedTensor& tensor : all) tensors.push_back(tensor.tensor);
    return tensors;
  }
  void read_elements(std::size_t tensor, const StoredType& type, std::uint64_t first,
                     std::span<float> values) const override {
    decode_numbers(type, shards_[shard_of_[tensor]].file.data(tensors()[tensor].name), first,
                   values);
  }

  std::vector<Shard> shards_;
  std::vector<std::size_t> shard_of_;
};

// Shows up in every listing of the folder, and is in no other.
bool is_plain_name(std::string_view file) {
  return !file.empty() && file != "." && file != ".." &&
         file.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

// Opens the files that the index names, in the order of their names.
std::vector<Shard> open_shards(const std::filesystem::path& folder,
                               const std::map<std::string, std::size_t>& files) {
  std::vector<Shard> shards;
  std::vector<std::string> mistakes;
  for (const auto& [file, number] : files) {
    const std::filesystem::path path = folder / file;
    try {
      shards.push_back({path.string(), SafetensorsFile(path)});
    } catch (const UserError& error) {
      mistakes.insert(mistakes.end(), error.messages().begin(), error.messages().end());
    }
  }
  if (!mistakes.empty()) throw UserError(std::move(mistakes));
  return shards;
}

// What shards have and the index does not say.
void require_no_others(const std::vector<Shard>& shards, const std::vector<ShardedTensor>& all,
                       const std::string& index, Diagnostics& mistakes) {
  std::map<std::string_view, std::size_t> known;
  for (const ShardedTensor& tensor : all) known.emplace(tensor.tensor.name, tensor.shard);
  for (std::size_t shard = 0; shard < shards.size(); ++shard) {
    for (const TensorInfo& tensor : shards[shard].file.tensors()) {
      const auto found = known.find(tensor.name);
      if (found != known.end() && found->second == shard) continue;
      mistakes.add({shards[shard].path},
                   fmt::format("has {}, which {} {}", tensor_text(tensor.name), index,
                               found == known.end() ? "does not name" : "gives to another file"));
    }
  }
}

}  // namespace

std::unique_ptr<WeightStore> open_safetensors(const std::filesystem::path& file) {
  return std::make_unique<SingleFile>(SafetensorsFile(file), file.string());
}

std::vector<std::pair<std::string, std::string>> parse_shard_index(std::string_view text,
                                                                   const std::string& name) {
  const YamlNode root = parse_json(text, name, kIndexLimits);
  const YamlNode* const map = root.find("weight_map");
  if (map == nullptr || map->kind != YamlNode::Kind::map) {
    throw UserError(map == nullptr ? root.where : map->where,
                    "'weight_map': expected an object of tensors and their files");
  }
  std::vector<std::pair<std::string, std::string>> tensors;
  Diagnostics mistakes;
  for (const YamlEntry& entry : map->entries) {
    if (!entry.value.quoted || !is_plain_name(entry.value.scalar)) {
      mistakes.add(entry.value.where,
                   fmt::format("{}: expected the name of a file in this folder, found {}",
                               tensor_text(entry.key), yaml::describe(entry.value)));
    }
    tensors.emplace_back(entry.key, entry.value.scalar);
  }
  mistakes.throw_if_any();
  return tensors;
}

std::unique_ptr<WeightStore> open_sharded_safetensors(const std::filesystem::path& index) {
  const std::string name = index.string();
  const auto entries = parse_shard_index(read_file(index, kIndexLimits.bytes), name);
  std::map<std::string, std::size_t> files;
  for (const auto& [tensor, file] : entries) files.emplace(file, 0);
  if (files.size() > kMostShards) {
    throw UserError(Location{name},
                    fmt::format("names {} files, allowed are {}", files.size(), kMostShards));
  }
  std::size_t count = 0;
  for (auto& [file, number] : files) number = count++;
  std::vector<Shard> shards = open_shards(index.parent_path(), files);

  std::vector<ShardedTensor> all;
  Diagnostics mistakes;
  for (const auto& [tensor, file] : entries) {
    const std::size_t shard = files.at(file);
    const SafetensorsFile& holder = shards[shard].file;
    if (holder.contains(tensor)) {
      all.push_back({stored(holder.info(tensor)), shard});
    } else {
      mistakes.add({shards[shard].path},
                   fmt::format("has no {}, which {} says it has", tensor_text(tensor), name));
    }
  }
  require_no_others(shards, all, name, mistakes);
  mistakes.throw_if_any();
  return std::make_unique<Shards>(name, std::move(shards), all);
}

}  // namespace bitsmith
