// Any bytes as a GGUF file, with its model and weights. Promises:
// - nothing but a UserError escapes;
// - every message is one line of clean text that starts with the name of the file;
// - tensors lie in the file, apart from each other, with the bytes that type and shape ask for;
// - whatever is shown of them can be read from the first element to the last.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.h"
#include "fuzz/promises.h"
#include "workload/gguf.h"
#include "workload/gguf_model.h"

namespace bitsmith {
namespace {

void check_layout(const GgufHeader& header, std::uint64_t file_bytes) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> places;
  for (const GgufTensor& tensor : header.tensors) {
    std::uint64_t elements = 1;
    for (const std::uint64_t size : tensor.shape) elements *= size;
    require(tensor.bytes == elements / tensor.type->numbers * tensor.type->bytes,
            "shape and bytes agree", tensor.name);
    require(tensor.offset <= file_bytes && tensor.bytes <= file_bytes - tensor.offset,
            "tensors are in the file", tensor.name);
    if (tensor.bytes > 0) places.emplace_back(tensor.offset, tensor.offset + tensor.bytes);
  }
  std::ranges::sort(places);
  for (std::size_t i = 1; i < places.size(); ++i) {
    require(places[i - 1].second <= places[i].first, "tensors are apart");
  }
}

void check_weights(const WeightStore& weights, const std::string& file) {
  std::array<float, 300> values;
  for (const StoredTensor& tensor : weights.tensors()) {
    const std::uint64_t elements = tensor.elements();
    const std::size_t count = std::min<std::uint64_t>(elements, values.size());
    try {
      weights.read(tensor.name, 0, std::span(values).first(count));
      weights.read(tensor.name, elements - count, std::span(values).first(count));
    } catch (const UserError& error) {
      require_reasons(error.messages(), file);
    }
  }
}

// A file in memory: the importer maps files.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : fd_(::memfd_create("input", 0)) {
    require(
        fd_ >= 0 && ::write(fd_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()),
        "a file in memory");
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

void check_input(std::string_view input) {
  const MemoryFile file(input);
  try {
    check_layout(parse_gguf(std::as_bytes(std::span(input)), file.path()), input.size());
    const ImportedModel model = import_gguf(file.path());
    require(model.transformer.num_attention_heads % model.transformer.num_key_value_heads == 0,
            "the transformer keeps its rules");
    require_clean_messages(model.unmodelled, file.path());
    check_weights(*model.weights, file.path());
  } catch (const UserError& error) {
    require_reasons(error.messages(), file.path());
  }
}

}  // namespace
}  // namespace bitsmith

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bitsmith::check_input({reinterpret_cast<const char*>(data), size});
  return 0;
}
