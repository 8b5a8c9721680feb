#include "cost/liberty.h"

#include <algorithm>

#include "common/error.h"
#include "common/file.h"
#include "cost/liberty_cell_reader.h"
#include "cost/liberty_text.h"

namespace bitsmith {
namespace {

constexpr std::size_t kByteLimit = std::size_t{256} << 20;

// "1nW", "10ps" or "1V": the number, and its prefix as a power of ten relative to the plain unit.
// `fallback` where the file has no such unit.
double unit_scale(std::string_view text, double fallback) {
  if (text.empty()) return fallback;
  const std::size_t end = std::min(text.find_first_not_of("0123456789.+"), text.size());
  const double scale = liberty_number(text.substr(0, end)).value_or(1);
  switch (end < text.size() ? text[end] : ' ') {
    case 'f':
      return scale * 1e-15;
    case 'p':
      return scale * 1e-12;
    case 'n':
      return scale * 1e-9;
    case 'u':
      return scale * 1e-6;
    case 'm':
      return scale * 1e-3;
    default:
      return scale;
  }
}

// "1,pf" or "1.0,ff", in fF.
double capacitance_unit_ff(std::string_view arguments) {
  const std::vector<std::string_view> words = liberty_words(arguments);
  if (words.size() != 2) return 1000;
  const bool femto = words[1].starts_with('f') || words[1].starts_with('F');
  return liberty_number(words[0]).value_or(1) * (femto ? 1 : 1000);
}

LibertyUnits units_of(const LibertyGroup& root) {
  LibertyUnits units;
  units.time_ps = unit_scale(root.text("time_unit"), 1e-9) * 1e12;
  units.capacitance_ff = capacitance_unit_ff(root.text("capacitive_load_unit"));
  units.leakage_uw = unit_scale(root.text("leakage_power_unit"), 1e-9) * 1e6;
  units.voltage = unit_scale(root.text("voltage_unit"), 1);
  return units;
}

// Cells of one area differ in the size of their transistors.
std::pair<double, double> size_of(const LibertyCell& cell) {
  return {cell.area_um2, cell.input_capacitance_ff};
}

double voltage_of(const LibertyGroup& root, const LibertyUnits& units) {
  return liberty_number(root.text("nom_voltage")).value_or(0) * units.voltage;
}

}  // namespace

const LibertyPin* LibertyCell::find_pin(std::string_view wanted) const {
  const auto found = std::find_if(pins.begin(), pins.end(),
                                  [&](const LibertyPin& pin) { return pin.name == wanted; });
  return found == pins.end() ? nullptr : &*found;
}

const std::string& LibertyLibrary::smallest_inverter() const {
  const std::pair<const std::string, LibertyCell>* best = nullptr;
  for (const auto& entry : cells) {
    if (!entry.second.inverter || entry.second.dont_use) continue;
    if (best == nullptr || size_of(entry.second) < size_of(best->second)) best = &entry;
  }
  if (best == nullptr) throw UserError(fmt::format("library '{}' has no inverter", name));
  return best->first;
}

LibertyLibrary parse_liberty(std::string_view text, const std::string& file) {
  const LibertyText liberty(text, file);
  const LibertyGroup& root = liberty.library();
  const LibertyUnits units = units_of(root);
  LibertyLibrary library;
  library.name = liberty_word(root.arguments);
  library.voltage = voltage_of(root, units);
  Diagnostics diagnostics;
  LibertyCellReader reader(liberty, units, diagnostics);
  for (const LibertyGroup& group : root.groups) {
    if (group.type != "cell") continue;
    LibertyCell cell = reader.read(group);
    library.has_leakage = library.has_leakage || cell.leakage_uw > 0;
    std::string name = cell.name;
    library.cells.insert_or_assign(std::move(name), std::move(cell));
  }
  diagnostics.throw_if_any();
  if (library.cells.empty()) throw UserError(fmt::format("{}: the library has no cells", file));
  return library;
}

LibertyLibrary read_liberty(const std::filesystem::path& path) {
  return parse_liberty(read_file(path, kByteLimit), path.string());
}

}  // namespace bitsmith
