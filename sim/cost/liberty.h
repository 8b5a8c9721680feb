// What synthesis needs to know of a Liberty file: its cells' area, leakage and kind.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace bitsmith {

struct LibertyCell {
  double area_um2 = 0;      // Liberty gives no unit; all libraries we know use um2
  double leakage_uw = 0;    // state-independent figure; 0 when the library has none
  bool sequential = false;  // flip-flop or latch
  bool buffer = false;      // one input, and the output is that input
  bool inverter = false;
  double input_capacitance_ff = 0;  // of the largest input
};

struct LibertyLibrary {
  std::string name;
  bool has_leakage = false;
  std::map<std::string, LibertyCell> cells;

  // The smallest inverter: what drives inputs and what four of load an output in our constraints.
  const std::string& smallest_inverter() const;
};

// Throws UserError (file:line) when the file is no Liberty file or has no cells.
LibertyLibrary read_liberty(const std::filesystem::path& path);
LibertyLibrary parse_liberty(std::string_view text, const std::string& name);

}  // namespace bitsmith
