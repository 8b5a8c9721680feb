// Any bytes as a config.json, and as an index of shards. Promises:
// - nothing but a UserError escapes;
// - every message is one line of clean text that starts with the name of the file;
// - a model that was read keeps the rules of our own files, which dumping and reading it shows;
// - a file of an index is a name in its folder.
#include <cstdint>
#include <string>
#include <string_view>

#include "common/error.h"
#include "config/json.h"
#include "fuzz/promises.h"
#include "workload/hf_config.h"
#include "workload/safetensors_weights.h"

namespace bitsmith {
namespace {

const std::string kFile = "input.json";

void check_config(std::string_view input) {
  const ImportedModel model = read_hf_config(parse_json(input, kFile), "model");
  require_clean_messages(model.unmodelled, kFile);
  const auto& table = transformer_parameters();
  const nlohmann::ordered_json dumped = table.resolved(model.transformer);
  Diagnostics mistakes;
  const Transformer again = table.read(parse_json(dumped.dump(), kFile), mistakes);
  require(mistakes.empty() && table.resolved(again) == dumped, "a round trip", dumped.dump());
}

void check_index(std::string_view input) {
  for (const auto& [tensor, file] : parse_shard_index(input, kFile)) {
    require(!file.empty() && file != ".." && file.find('/') == std::string::npos,
            "a file lies in the folder", file);
  }
}

template <class Action>
void check_errors(Action action) {
  try {
    action();
  } catch (const UserError& error) {
    require_reasons(error.messages(), kFile);
  }
}

}  // namespace
}  // namespace bitsmith

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  bitsmith::check_errors([&] { bitsmith::check_config(input); });
  bitsmith::check_errors([&] { bitsmith::check_index(input); });
  return 0;
}
