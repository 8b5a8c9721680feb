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

}  // namespace bitsmith
