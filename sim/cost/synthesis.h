// Area, cells, leakage and critical path of a design's own RTL: Yosys and abc map it to a Liberty
// library, OpenSTA times the netlist.
//
// Every module of RtlDescription::modules is synthesised flat as a top of its own; the array is
// their sum. Inputs are driven by the library's smallest inverter and arrive one clock-to-output
// delay after the clock edge (they come from registers of a neighbour); outputs drive four such
// inverters. Not included: memories (a library of gates has none), placement, wires, the clock
// tree, buffers of the signals that reach every PE (advance, drain, reset).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cost/liberty.h"
#include "pe/design.h"

namespace bitsmith {

struct SynthesisOptions {
  std::filesystem::path liberty;
  double period_ps = 5000;  // what abc sizes gates for
};

struct ModuleCost {
  std::string name;
  std::uint64_t instances = 1;
  // Of one instance:
  std::uint64_t cells = 0;
  double area_um2 = 0;
  double combinational_um2 = 0;  // without buffers and inverters
  double sequential_um2 = 0;
  double buffer_um2 = 0;             // buffers and inverters
  double critical_path_ps = 0;       // smallest clock period
  std::optional<double> leakage_uw;  // none when the library does not say
};

struct ArrayCost {
  std::string library;
  std::string rtl_hash;  // of the source files
  std::vector<ModuleCost> modules;
  std::vector<RtlDescription::Memory> memories;  // SRAM: not part of any figure here

  std::uint64_t cells() const;
  double area_um2() const;
  double critical_path_ps() const;
  std::optional<double> leakage_uw() const;
};

// A module of some RTL, to be synthesised as a top of its own.
struct RtlModule {
  std::vector<std::filesystem::path> sources;  // in compilation order
  std::string name;
  RtlParameters parameters;
};

struct MappedModule {
  ModuleCost cost;
  std::string netlist;  // Yosys' JSON of the gates
};

// Debian's osu018 (package qflow-tech-osu018).
std::filesystem::path default_liberty();

// A module as gates of no library yet.
struct GenericNetlist {
  std::string module;
  std::string rtlil;  // as Yosys writes it
};

// Throws UserError with the tool's output when a tool refuses the RTL or the library.
ArrayCost synthesise(const Design& design, const SynthesisOptions& options);
GenericNetlist generic_netlist(const RtlModule& module);
// One module in a library that was read from options.liberty.
MappedModule map_module(const GenericNetlist& module, const SynthesisOptions& options,
                        const LibertyLibrary& library);
MappedModule map_module(const RtlModule& module, const SynthesisOptions& options,
                        const LibertyLibrary& library);
// The commands of Yosys that read a module and elaborate it as the top.
std::string read_rtl_script(const RtlModule& module);
RtlModule rtl_module(const Design& design, const RtlDescription::Module& module);
// One of the design's modules, which two threads may do at once.
ModuleCost synthesise(const Design& design, const RtlDescription::Module& module,
                      const SynthesisOptions& options);

// Of the contents of the source files: of a module of a design the same as of the design.
std::string hash_of_rtl(const Design& design);
std::string hash_of_rtl(const RtlModule& module);

// The gate-level netlist of the whole array as Verilog without library cells: every cell is
// replaced by its Liberty function, so that it can be Verilated and compared with the RTL.
void write_array_netlist(const Design& design, const SynthesisOptions& options,
                         const std::filesystem::path& file);

}  // namespace bitsmith
