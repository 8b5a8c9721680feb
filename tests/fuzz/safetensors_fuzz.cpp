// Any bytes as a safetensors file, and as a trace. Promises:
// - nothing but a UserError escapes;
// - every message is one line of clean text that starts with the name of the file;
// - what was read lies end to end within the file, with the bytes that dtype and shape ask for;
// - what was read survives the way through our writer and back.
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "common/error.h"
#include "fuzz/promises.h"
#include "workload/safetensors.h"
#include "workload/trace.h"

namespace bitsmith {
namespace {

const std::string kFile = "input.safetensors";

void check_layout(const SafetensorsHeader& header, std::uint64_t file_bytes) {
  require(header.data_start <= file_bytes, "the data are in the file");
  std::uint64_t end = 0;
  std::set<std::string_view> names;
  for (const TensorInfo& tensor : header.tensors) {
    require(names.insert(tensor.name).second, "names differ", tensor.name);
    require(tensor.offset == end, "there are no holes and overlaps", tensor.name);
    std::uint64_t bytes = dtype_bytes(tensor.dtype);
    for (const std::uint64_t size : tensor.shape) bytes *= size;
    require(tensor.bytes == bytes, "shape and bytes agree", tensor.name);
    require(tensor.bytes <= file_bytes - header.data_start - end, "tensors are in the file",
            tensor.name);
    end += tensor.bytes;
  }
  require(end == file_bytes - header.data_start, "every byte belongs to a tensor");
}

void check_round_trip(const SafetensorsHeader& header, std::string_view data) {
  std::vector<TensorSpec> specs;
  for (const TensorInfo& tensor : header.tensors) {
    specs.push_back({tensor.name, tensor.dtype, tensor.shape});
  }
  const std::vector<TensorInfo> laid_out = lay_out(specs, kFile);
  require(laid_out == header.tensors, "the writer lays tensors out as the reader found them");
  const std::string file = safetensors_head(header.metadata, laid_out, kFile) + std::string(data);
  const SafetensorsHeader again = parse_safetensors(std::as_bytes(std::span(file)), kFile);
  require(again.data_start % 8 == 0, "the writer aligns the data");
  require(again.tensors == header.tensors && again.metadata == header.metadata, "a round trip",
          file);
}

// Most files are no traces; what is taken for one can be run.
void check_trace(const SafetensorsHeader& header) {
  try {
    const TraceContents contents = parse_trace(header, kFile);
    for (const Operator& op : contents.workload.operators) {
      require(!op.is_gemm() || (op.gemm.m > 0 && op.gemm.n > 0 && op.gemm.k > 0 && op.count > 0),
              "GEMMs are not empty", op.name);
    }
  } catch (const UserError& error) {
    require_reasons(error.messages(), kFile);
  }
}

void check_input(std::string_view input) {
  SafetensorsHeader header;
  try {
    header = parse_safetensors(std::as_bytes(std::span(input)), kFile);
  } catch (const UserError& error) {
    require_reasons(error.messages(), kFile);
    return;
  }
  check_layout(header, input.size());
  check_trace(header);
  check_round_trip(header, input.substr(header.data_start));
}

}  // namespace
}  // namespace bitsmith

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bitsmith::check_input({reinterpret_cast<const char*>(data), size});
  return 0;
}
