#include "cost/gate_netlist.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/error.h"

namespace bitsmith {
namespace {

using Json = nlohmann::json;
using Net = GateNetlist::Net;

Net net_of(const Json& bit, GateNetlist& netlist) {
  if (bit.is_string()) return bit == "1" ? 1 : 0;  // undefined bits are 0
  const Net net = bit.get<Net>();
  netlist.nets = std::max(netlist.nets, net + 1);
  return net;
}

GateNetlist::Port read_port(const std::string& name, const Json& json, GateNetlist& netlist) {
  GateNetlist::Port port{name, json.at("direction") == "input", {}};
  for (const Json& bit : json.at("bits")) port.bits.push_back(net_of(bit, netlist));
  return port;
}

GateNetlist::Cell read_cell(const Json& json, const std::string& top, const LibertyLibrary& library,
                            GateNetlist& netlist) {
  const std::string type = json.at("type");
  const auto found = library.cells.find(type);
  if (found == library.cells.end()) {
    throw UserError(fmt::format("'{}' was not mapped: library '{}' has no cell for '{}'", top,
                                library.name, type));
  }
  GateNetlist::Cell cell{&found->second, {}};
  const Json& connections = json.at("connections");
  for (const LibertyPin& pin : cell.type->pins) {
    const auto connection = connections.find(pin.name);
    const bool connected = connection != connections.end() && !connection->empty();
    cell.pins.push_back(connected ? net_of(connection->at(0), netlist) : 0);
  }
  return cell;
}

// A net of its own for every output that is left open.
void connect_open_outputs(GateNetlist& netlist) {
  for (GateNetlist::Cell& cell : netlist.cells) {
    for (std::size_t i = 0; i < cell.pins.size(); ++i) {
      if (!cell.type->pins[i].is_input && cell.pins[i] < GateNetlist::kFirstNet)
        cell.pins[i] = netlist.nets++;
    }
  }
}

// Whether each net is an input port, and whether it is an output port that a cell drives.
struct Roles {
  std::vector<bool> input, driven, output;

  explicit Roles(const GateNetlist& netlist)
      : input(netlist.nets), driven(netlist.nets), output(netlist.nets) {
    for (const GateNetlist::Port& port : netlist.ports) {
      for (const Net net : port.bits) (port.is_input ? input : output)[net] = true;
    }
    for (const GateNetlist::Cell& cell : netlist.cells) {
      for (std::size_t i = 0; i < cell.pins.size(); ++i) {
        if (!cell.type->pins[i].is_input) driven[cell.pins[i]] = true;
      }
    }
  }
};

}  // namespace

const GateNetlist::Port* GateNetlist::find_port(std::string_view wanted) const {
  const auto found = std::find_if(ports.begin(), ports.end(),
                                  [&](const Port& port) { return port.name == wanted; });
  return found == ports.end() ? nullptr : &*found;
}

GateNetlist parse_netlist(std::string_view text, const std::string& top,
                          const LibertyLibrary& library) {
  const Json json = Json::parse(text);
  const Json& module = json.at("modules").at(top);
  GateNetlist netlist;
  for (const auto& [name, port] : module.at("ports").items())
    netlist.ports.push_back(read_port(name, port, netlist));
  for (const auto& cell : module.at("cells"))
    netlist.cells.push_back(read_cell(cell, top, library, netlist));
  connect_open_outputs(netlist);
  return netlist;
}

std::vector<Net> input_nets(const GateNetlist& netlist) {
  const Roles roles(netlist);
  std::vector<Net> nets;
  for (Net net = GateNetlist::kFirstNet; net < netlist.nets; ++net) {
    if (roles.input[net]) nets.push_back(net);
  }
  return nets;
}

std::string netlist_verilog(const GateNetlist& netlist) {
  const Roles roles(netlist);
  std::vector<std::string> ports;
  std::string text;
  for (Net net = GateNetlist::kFirstNet; net < netlist.nets; ++net) {
    const bool is_output = roles.output[net] && roles.driven[net];
    if (roles.input[net] || is_output) ports.push_back(fmt::format("n{}", net));
    text += fmt::format("  {} n{};\n",
                        roles.input[net] ? "input"
                        : is_output      ? "output"
                                         : "wire",
                        net);
  }
  for (std::size_t i = 0; i < netlist.cells.size(); ++i) {
    const GateNetlist::Cell& cell = netlist.cells[i];
    std::vector<std::string> pins;
    for (std::size_t pin = 0; pin < cell.pins.size(); ++pin) {
      const Net net = cell.pins[pin];
      const std::string value =
          net < GateNetlist::kFirstNet ? fmt::format("1'b{}", net) : fmt::format("n{}", net);
      pins.push_back(fmt::format(".{}({})", cell.type->pins[pin].name, value));
    }
    text += fmt::format("  {} c{} ({});\n", cell.type->name, i, fmt::join(pins, ", "));
  }
  return fmt::format("module dut ({});\n{}endmodule\n", fmt::join(ports, ", "), text);
}

}  // namespace bitsmith
