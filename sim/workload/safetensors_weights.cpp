#include "workload/safetensors_weights.h"

#include "common/error.h"
#include "workload/safetensors.h"
#include "workload/safetensors_shape.h"
#include "workload/stored_type.h"

namespace bitsmith {
namespace {

std::vector<StoredTensor> tensors_of(const SafetensorsFile& file) {
  std::vector<StoredTensor> tensors;
  for (const TensorInfo& tensor : file.tensors()) {
    tensors.push_back({tensor.name, std::string(dtype_name(tensor.dtype)), tensor.shape});
  }
  return tensors;
}

class SingleFile final : public WeightStore {
 public:
  explicit SingleFile(SafetensorsFile file, const std::string& name)
      : WeightStore(name, tensors_of(file)), file_(std::move(file)), name_(name) {}

 private:
  void read_elements(std::size_t tensor, std::uint64_t first,
                     std::span<float> values) const override {
    const StoredTensor& stored = tensors()[tensor];
    const StoredType* const type = find_stored_type(stored.type);
    if (type == nullptr) {
      throw UserError(Location{name_}, fmt::format("{}: numbers of {} are no weights",
                                                   tensor_text(stored.name), stored.type));
    }
    decode_numbers(*type, file_.data(stored.name), first, values);
  }

  SafetensorsFile file_;
  std::string name_;
};

}  // namespace

std::unique_ptr<WeightStore> open_safetensors(const std::filesystem::path& file) {
  return std::make_unique<SingleFile>(SafetensorsFile(file), file.string());
}

}  // namespace bitsmith
