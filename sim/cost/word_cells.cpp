#include "cost/word_cells.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/file.h"
#include "common/process.h"

namespace bitsmith {
namespace {

using nlohmann::json;

constexpr std::size_t kNetlistLimit = std::size_t{1} << 28;

bool is_any_of(std::string_view type, std::initializer_list<std::string_view> types) {
  return std::find(types.begin(), types.end(), type) != types.end();
}

// Yosys writes parameters as strings of bits.
double parameter(const json& cell, const char* name) {
  const auto found = cell.at("parameters").find(name);
  if (found == cell.at("parameters").end()) return 0;
  if (found->is_number()) return found->get<double>();
  const std::string bits = found->get<std::string>();
  return static_cast<double>(std::strtoull(bits.c_str(), nullptr, 2));
}

void add_cell(const json& cell, WordCells& counts) {
  const std::string type = cell.at("type");
  const auto of = [&](WordCell kind) -> double& { return counts[static_cast<std::size_t>(kind)]; };
  const double a = parameter(cell, "A_WIDTH"), b = parameter(cell, "B_WIDTH");
  const double y = parameter(cell, "Y_WIDTH"), width = parameter(cell, "WIDTH");
  if (type.find("dff") != std::string::npos || type.find("dlatch") != std::string::npos) {
    of(WordCell::register_bit) += width;
  } else if (is_any_of(type, {"$add", "$sub", "$neg", "$alu"})) {
    of(WordCell::adder) += y;
  } else if (is_any_of(type, {"$lt", "$le", "$gt", "$ge", "$eq", "$ne", "$eqx", "$nex"})) {
    of(WordCell::adder) += std::max(a, b);
  } else if (is_any_of(type, {"$mul", "$macc"})) {
    of(WordCell::multiplier) += a * b;
  } else if (is_any_of(type, {"$shl", "$shr", "$sshl", "$sshr", "$shift", "$shiftx"})) {
    of(WordCell::shifter) += std::max(a, y) * std::min(b, std::ceil(std::log2(std::max(a, y) + 1)));
  } else if (type == "$mux") {
    of(WordCell::multiplexer) += width;
  } else if (type == "$pmux") {
    of(WordCell::multiplexer) += width * parameter(cell, "S_WIDTH");
  } else {
    of(WordCell::logic) += std::max(a, y);
  }
}

}  // namespace

WordCells count_word_cells(std::string_view text, const std::string& top) {
  const json netlist = json::parse(text);
  WordCells counts{};
  for (const auto& [name, cell] : netlist.at("modules").at(top).at("cells").items()) {
    add_cell(cell, counts);
  }
  return counts;
}

WordCells word_cells(const RtlModule& module) {
  const TemporaryFolder folder(std::filesystem::temp_directory_path());
  write_file_atomically(folder.path() / "words.ys",
                        read_rtl_script(module) +
                            fmt::format("proc\nflatten\nopt\nwreduce\nopt -full\nopt_clean -purge\n"
                                        "rename -top {}\nwrite_json words.json\n",
                                        module.name));
  const ProcessResult result =
      run_process({"yosys", "-q", "-l", "yosys.log", "words.ys"}, folder.path());
  if (result.exit_code != 0) {
    throw UserError(fmt::format("yosys failed on '{}':\n{}", module.name, result.output));
  }
  return count_word_cells(read_file(folder.path() / "words.json", kNetlistLimit), module.name);
}

}  // namespace bitsmith
