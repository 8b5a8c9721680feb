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
// Throws UserError when a cell is not of the library or cannot be simulated.
GateNetlist parse_netlist(std::string_view json, const std::string& top,
                          const LibertyLibrary& library);

// Structural Verilog, module `dut`: net i is n<i>, cell i is c<i>; a scalar port for each net that
// is an input or an output driven by a cell, in the order of nets.
std::string netlist_verilog(const GateNetlist& netlist);
// The nets that are input ports of that module.
std::vector<GateNetlist::Net> input_nets(const GateNetlist& netlist);

}  // namespace bitsmith
