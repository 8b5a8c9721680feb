// One module as gates of a library, flat.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cost/liberty.h"

namespace bitsmith {

struct GateNetlist {
  using Net = std::uint32_t;
  static constexpr Net kFirstNet = 2;  // nets 0 and 1 are the constants

  struct Port {
    std::string name;
    bool is_input = false;
    std::vector<Net> bits;  // the lowest first
  };
  struct Cell {
    const LibertyCell* type = nullptr;
    std::vector<Net> pins;  // in the order of type->pins
  };
  std::vector<Port> ports;
  std::vector<Cell> cells;
  Net nets = kFirstNet;  // with the constants

  const Port* find_port(std::string_view name) const;
};

// What Yosys' write_json says of module `top`. The cells of `library` must outlive the netlist.
// Throws UserError when a cell is not of the library.
GateNetlist parse_netlist(std::string_view json, const std::string& top,
                          const LibertyLibrary& library);

}  // namespace bitsmith
