#include "cost/liberty.h"

#include <algorithm>

#include "common/error.h"
#include "common/file.h"
#include "cost/liberty_cell_reader.h"
#include "cost/liberty_text.h"

namespace bitsmith {
namespace {

constexpr std::size_t kByteLimit = std::size_t{256} << 20;

// Reads the units of a library. One that is no positive number would make every table flat.
class UnitReader {
 public:
  UnitReader(const LibertyText& text, Diagnostics& diagnostics)
      : text_(text), diagnostics_(diagnostics) {}

  LibertyUnits read() {
    LibertyUnits units;
    units.time_ps = prefixed("time_unit", 1e-9) * 1e12;
    units.capacitance_ff = capacitance_ff();
    units.leakage_uw = prefixed("leakage_power_unit", 1e-9) * 1e6;
    units.voltage = prefixed("voltage_unit", 1);
    return units;
  }

 private:
  // "1nW", "10ps" or "1V": the number, and its prefix as a power of ten relative to the plain unit.
  // `fallback` where the file has no such unit.
  double prefixed(std::string_view attribute, double fallback) {
    const std::string_view text = text_.library().text(attribute);
    if (text.empty()) return fallback;
    const std::size_t end = std::min(text.find_first_not_of("0123456789.+-"), text.size());
    const std::size_t unit = text.find_first_not_of(' ', end);
    return factor(text, text.substr(0, end)) * prefix(unit < text.size() ? text[unit] : ' ');
  }

  static double prefix(char letter) {
    switch (letter) {
      case 'f':
        return 1e-15;
      case 'p':
        return 1e-12;
      case 'n':
        return 1e-9;
      case 'u':
        return 1e-6;
      case 'm':
        return 1e-3;
      default:
        return 1;
    }
  }

  // "1,pf" or "1.0,ff".
  double capacitance_ff() {
    const std::string_view text = text_.library().text("capacitive_load_unit");
    const std::vector<std::string_view> words = liberty_words(text);
    if (words.size() != 2) return 1000;
    const bool femto = words[1].starts_with('f') || words[1].starts_with('F');
    return factor(text, words[0]) * (femto ? 1 : 1000);
  }

  double factor(std::string_view where, std::string_view number) {
    const double value = liberty_number(number).value_or(0);
    if (value >= 1e-6 && value <= 1e6) return value;
    diagnostics_.add(text_.locate(where),
                     "a unit is a number of 1e-6 to 1e6 and a name, like '1ns' or (1,pf)");
    return 1;
  }

  const LibertyText& text_;
  Diagnostics& diagnostics_;
};

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
  Diagnostics diagnostics;
  const LibertyUnits units = UnitReader(liberty, diagnostics).read();
  LibertyLibrary library;
  library.name = liberty_word(root.arguments);
  library.voltage = voltage_of(root, units);
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
