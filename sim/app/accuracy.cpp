#include "app/accuracy.h"

#include <algorithm>
#include <optional>

#include "app/options.h"
#include "common/file.h"
#include "common/hash.h"
#include "common/parallel.h"
#include "inference/design_arithmetic.h"
#include "inference/design_quantization.h"
#include "inference/perplexity.h"
#include "pe/registry.h"

namespace bitsmith::app {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr std::size_t kWindow = 256;

fs::path model_folder() { return home_folder() / "workloads/trained/bytes-llama"; }
fs::path text_file() { return model_folder() / "held_out.txt"; }

// The golden does not depend on how many PEs there are, nor on the memory but for its converter.
std::string key_of(const Accelerator& accelerator, std::uint64_t tokens) {
  Json design = accelerator.design->resolved();
  for (const ParameterInfo& parameter : describe_design(accelerator.design->id()).parameters) {
    if (parameter.array_size) design.erase(parameter.name);
  }
  ContentHash hash;
  hash.add(hash_of_file("/proc/self/exe"));
  for (const fs::path& file :
       {model_folder() / "config.json", model_folder() / "model.safetensors", text_file()}) {
    hash.add(hash_of_file(file));
  }
  hash.add(design.dump());
  const bool has_converter = accelerator.memory && accelerator.memory->weight_converter;
  hash.add(has_converter
               ? weight_converter_table().resolved(*accelerator.memory->weight_converter).dump()
               : "");
  hash.add(std::to_string(tokens));
  return hash.hex();
}

std::optional<ComparedAccuracy> read_cached(const fs::path& file) {
  constexpr std::size_t kByteLimit = 1 << 16;
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) return std::nullopt;
  const Json json = Json::parse(read_file(file, kByteLimit), nullptr, false);
  try {
    return ComparedAccuracy{json.at("quantization"),    json.at("perplexity"),
                            json.at("fp32_perplexity"), json.at("tokens"),
                            json.at("operators"),       json.at("by_the_design")};
  } catch (const Json::exception&) {
    return std::nullopt;  // somebody else's; it is computed anew
  }
}

ComparedAccuracy measure(const Accelerator& accelerator, std::uint64_t limit) {
  const WeightConverter* converter = nullptr;
  if (accelerator.memory && accelerator.memory->weight_converter) {
    converter = &*accelerator.memory->weight_converter;
  }
  const QuantizationConfig quantization = quantization_of(*accelerator.design, converter);
  const ImportedModel imported = import_model(model_folder());
  const Llama model(imported);
  const std::vector<std::uint32_t> tokens = read_bytes(text_file(), limit);
  const std::vector<Window> windows = cut_windows(tokens.size(), kWindow);
  model.require_memory_of(windows, processors());
  const DesignArithmetic arithmetic(quantization, *accelerator.design);
  const PredictionLoss loss = predict(model, tokens, windows, arithmetic, processors());
  const PredictionLoss fp32 = predict(model, tokens, windows, FloatArithmetic(), processors());
  const auto coverage = arithmetic.coverage();
  const auto computed =
      std::ranges::count_if(coverage, [](const auto& entry) { return entry.second.empty(); });
  return {quantization.name, loss.perplexity(), fp32.perplexity(),
          tokens.size(),     coverage.size(),   static_cast<std::uint64_t>(computed)};
}

void tell_not_kept(const UserError& error) {
  print_message(fmt::format("perplexity is not kept for another time: {}", error.what()));
}

// None where there can be no cache folder.
std::optional<fs::path> cache_file(const std::string& key) {
  try {
    return cache_folder() / "accuracy" / (key + ".json");
  } catch (const UserError& error) {
    tell_not_kept(error);
    return std::nullopt;
  }
}

void keep(const fs::path& file, const ComparedAccuracy& a) {
  const Json json = {{"quantization", a.quantization},
                     {"perplexity", a.perplexity},
                     {"fp32_perplexity", a.fp32_perplexity},
                     {"tokens", a.tokens},
                     {"operators", a.operators},
                     {"by_the_design", a.by_the_design}};
  try {
    write_file_atomically(file, json.dump() + "\n");
  } catch (const UserError& error) {
    tell_not_kept(error);
  }
}

}  // namespace

ComparedAccuracy accuracy_of(const Accelerator& accelerator, std::uint64_t tokens) {
  const std::optional<fs::path> file = cache_file(key_of(accelerator, tokens));
  if (file) {
    if (auto cached = read_cached(*file)) return *cached;
  }
  const ComparedAccuracy accuracy = measure(accelerator, tokens);
  if (file) keep(*file, accuracy);
  return accuracy;
}

}  // namespace bitsmith::app
