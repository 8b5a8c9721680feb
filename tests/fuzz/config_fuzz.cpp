// Any bytes as a configuration: the first line of the input is a --set option ("" is none), the
// rest is the file. Promises:
// - nothing but a UserError escapes;
// - every message of it is one line of clean text that starts with the name of the file or option;
// - what could be read survives the way through the resolved configuration and back.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "common/error.h"
#include "config/parameter_table.h"
#include "config/yaml.h"
#include "fuzz/promises.h"
#include "numerics/format.h"
#include "workload/quantization.h"
#include "workload/transformer.h"

namespace bitsmith {
namespace {

const std::string kFile = "input.yaml";

enum class Drain { serial = 0, overlapped = 1 };

// A parameter of every kind.
struct Params {
  std::uint32_t rows = 0;
  std::int64_t offset = -1;
  double clock_ghz = 1.0;
  bool gated = false;
  std::string title = "none";
  Drain drain = Drain::overlapped;
  const Format* weight = find_format("int8");
  bool operator==(const Params&) const = default;
};

ParameterTable<Params> make_table() {
  constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();
  ParameterTable<Params> table;
  table.integer("rows", &Params::rows, {1, 256}, "PEs", "rows of the array").rtl("Rows").required();
  table.integer("offset", &Params::offset, {kLowest, kHighest}, "", "any integer");
  table.number("clock_ghz", &Params::clock_ghz, {-1e30, 1e30}, "GHz", "clock");
  table.flag("gated", &Params::gated, "clock gating").rtl("Gated");
  table.text("title", &Params::title, "a title");
  table.choice("drain", &Params::drain,
               {{"serial", Drain::serial}, {"overlapped", Drain::overlapped}}, "how to drain");
  table.format("weight", &Params::weight, {"int4", "int8", "fp16"}, "format of the weights");
  table.rule("rows", [](const Params& p) -> std::optional<std::string> {
    if (!p.gated || p.rows % 2 == 0) return std::nullopt;
    return "odd, although gated";
  });
  return table;
}

const ParameterTable<Params>& table() {
  static const ParameterTable<Params> table = make_table();
  return table;
}

Params read_all(const YamlNode& root) {
  Diagnostics diagnostics;
  const Params params = table().read(root, diagnostics, {"design"});
  diagnostics.throw_if_any();
  return params;
}

Params parse_and_read(const std::string& option, std::string_view text) {
  YamlNode root = yaml::parse(text, kFile);
  if (!option.empty()) apply(parse_override(option), root);
  return read_all(root);
}

void check_messages(const UserError& error, bool has_option) {
  require(!error.messages().empty(), "an error says why");
  for (const std::string& message : error.messages()) {
    const bool names_file = message.starts_with(kFile + ":");
    const bool names_option = has_option && message.starts_with("--set ");
    require(names_file || names_option, "a message starts with the file", message);
    require_clean_line(message);
  }
}

void check_round_trip(const Params& params) {
  const std::string json = table().resolved(params).dump();
  try {
    require(read_all(yaml::parse(json, "resolved")) == params, "a round trip", json);
  } catch (const UserError& error) {
    require(false, "the resolved configuration can be read", json + "\n" + error.what());
  }
}

// The same text as the other kinds of files that users write.
template <class Read>
void check_reader(std::string_view text, Read read) {
  try {
    Diagnostics diagnostics;
    read(yaml::parse(text, kFile), diagnostics);
    diagnostics.throw_if_any();
  } catch (const UserError& error) {
    check_messages(error, false);
  }
}

void check_input(std::string_view input) {
  const std::size_t end = std::min(input.find('\n'), input.size());
  const std::string option(input.substr(0, end));
  const std::string_view text = input.substr(std::min(end + 1, input.size()));
  try {
    check_round_trip(parse_and_read(option, text));
  } catch (const UserError& error) {
    check_messages(error, !option.empty());
  }
  check_reader(text, [](const YamlNode& root, Diagnostics& diagnostics) {
    read_quantization(root, diagnostics);
  });
  check_reader(text, [](const YamlNode& root, Diagnostics& diagnostics) {
    transformer_parameters().read(root, diagnostics);
  });
}

}  // namespace
}  // namespace bitsmith

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bitsmith::check_input({reinterpret_cast<const char*>(data), size});
  return 0;
}
