#include "cost/synthesis.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "common/error.h"
#include "common/file.h"
#include "common/hash.h"
#include "common/process.h"
#include "cost/register_library.h"

namespace bitsmith {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kReportLimit = std::size_t{64} << 20;
constexpr std::size_t kLibraryLimit = std::size_t{256} << 20;
constexpr std::size_t kNetlistLimit = std::size_t{1} << 30;
constexpr double kFanout = 4;

// What both tools assume around a module.
struct Environment {
  fs::path liberty;
  std::string driver;  // cell that drives the inputs
  double load_ff;      // at every output
  double period_ps;
};

Environment environment_of(const SynthesisOptions& options, const LibertyLibrary& library) {
  const std::string& inverter = library.smallest_inverter();
  return {fs::absolute(options.liberty), inverter,
          kFanout * library.cells.at(inverter).input_capacitance_ff, options.period_ps};
}

std::string run_tool(const std::vector<std::string>& command, const fs::path& folder) {
  const ProcessResult result = run_process(command, folder);
  if (result.exit_code == 0) return result.output;
  throw UserError(fmt::format("'{}' failed:\n{}", fmt::join(command, " "), result.output));
}

// `synth -noalumacc` everywhere below: merging multiplier and adder (alumacc) makes Yosys 0.23
// build the 8x8 MAC 37% larger for 8% less delay, and takes abc minutes for a dot product.
//
// Technology mapping; abc sizes gates only when it knows driver and load.
std::string map_to_library(const Environment& environment) {
  return fmt::format(
      "dfflibmap -liberty registers.lib\nopt\nabc -liberty cells.lib -D {} -constr "
      "environment.sdc\n"
      "setundef -zero\nopt_clean -purge\n",
      environment.period_ps);
}

// Puts the library and the constraints where the scripts expect them. OpenSTA does not take paths
// with spaces, hence the link.
void write_environment(const Environment& environment, const fs::path& folder) {
  fs::create_symlink(environment.liberty, folder / "cells.lib");
  const std::string text = read_file(environment.liberty, kLibraryLimit);
  write_file_atomically(folder / "registers.lib",
                        register_library(LibertyText(text, environment.liberty)));
  write_file_atomically(folder / "environment.sdc",
                        fmt::format("set_driving_cell {}\nset_load {} [all_outputs]\n",
                                    environment.driver, environment.load_ff));
}

// Cells by type. Leaves netlist.v for OpenSTA and netlist.json in `folder`.
std::map<std::string, std::uint64_t> cells_of(const GenericNetlist& module,
                                              const Environment& environment,
                                              const fs::path& folder) {
  write_environment(environment, folder);
  write_file_atomically(folder / "generic.il", module.rtlil);
  const std::string script =
      "read_rtlil generic.il\n" + map_to_library(environment) +
      "tee -o cells.json stat -json\nwrite_json netlist.json\nsplitnets -ports\nopt_clean -purge\n"
      "write_verilog -noattr -noexpr -nohex -nodec netlist.v\n";
  write_file_atomically(folder / "synth.ys", script);
  run_tool({"yosys", "-q", "-l", "yosys.log", "synth.ys"}, folder);
  const auto report = nlohmann::json::parse(read_file(folder / "cells.json", kReportLimit));
  return report.at("design").at("num_cells_by_type").get<std::map<std::string, std::uint64_t>>();
}

double smallest_period_ps(const std::string& module, const Environment& environment,
                          const fs::path& folder) {
  const std::string script = fmt::format(
      "read_liberty cells.lib\nread_verilog netlist.v\nlink_design {0}\n"
      "set_cmd_units -time ps -capacitance fF\n"
      "create_clock -name clk -period {1} [get_ports clk_i]\n"
      "set_driving_cell -lib_cell {2} [all_inputs]\nset_load {3} [all_outputs]\n"
      "set_output_delay 0 -clock clk [all_outputs]\nset_input_delay 0 -clock clk [all_inputs]\n"
      "set from_registers [find_timing_paths -path_delay min "
      "-from [all_registers -clock_pins] -to [all_outputs]]\n"
      "set clock_to_output [get_property [lindex $from_registers 0] slack]\n"
      "set_input_delay $clock_to_output -clock clk [all_inputs]\n"
      "set_false_path -from [get_ports rst_ni]\n"
      "puts \"worst slack [get_property [lindex [find_timing_paths -path_delay max] 0] slack]\"\n",
      module, environment.period_ps, environment.driver, environment.load_ff);
  write_file_atomically(folder / "timing.tcl", script);
  const std::string output = run_tool({"sta", "-exit", "timing.tcl"}, folder);
  constexpr std::string_view kLabel = "worst slack ";
  const std::size_t label = output.find(kLabel);
  double slack = 0;
  const char* begin =
      output.data() + (label == std::string::npos ? output.size() : label + kLabel.size());
  const auto [end, error] = std::from_chars(begin, output.data() + output.size(), slack);
  if (error != std::errc()) {
    throw UserError(fmt::format("OpenSTA found no timing path in '{}':\n{}", module, output));
  }
  return environment.period_ps - slack;
}

ModuleCost cost_of(const std::string& module, const std::map<std::string, std::uint64_t>& cells,
                   const LibertyLibrary& library) {
  ModuleCost cost;
  cost.name = module;
  double leakage = 0;
  for (const auto& [name, count] : cells) {
    const auto found = library.cells.find(name);
    if (found == library.cells.end()) {
      throw UserError(fmt::format("'{}' was not mapped: library '{}' has no cell for '{}'", module,
                                  library.name, name));
    }
    const LibertyCell& cell = found->second;
    const double area = static_cast<double>(count) * cell.area_um2;
    cost.cells += count;
    cost.area_um2 += area;
    (cell.sequential                ? cost.sequential_um2
     : cell.buffer || cell.inverter ? cost.buffer_um2
                                    : cost.combinational_um2) += area;
    leakage += static_cast<double>(count) * cell.leakage_uw;
  }
  if (library.has_leakage) cost.leakage_uw = leakage;
  return cost;
}

ModuleCost synthesise_module(const Design& design, const RtlDescription::Module& module,
                             const SynthesisOptions& options, const LibertyLibrary& library) {
  ModuleCost cost = map_module(rtl_module(design, module), options, library).cost;
  cost.instances = module.instances;
  return cost;
}

}  // namespace

std::uint64_t ArrayCost::cells() const {
  std::uint64_t sum = 0;
  for (const ModuleCost& module : modules) sum += module.instances * module.cells;
  return sum;
}

double ArrayCost::area_um2() const {
  double sum = 0;
  for (const ModuleCost& module : modules) {
    sum += static_cast<double>(module.instances) * module.area_um2;
  }
  return sum;
}

double ArrayCost::critical_path_ps() const {
  double longest = 0;
  for (const ModuleCost& module : modules) longest = std::max(longest, module.critical_path_ps);
  return longest;
}

std::optional<double> ArrayCost::leakage_uw() const {
  double sum = 0;
  for (const ModuleCost& module : modules) {
    if (!module.leakage_uw) return std::nullopt;
    sum += static_cast<double>(module.instances) * *module.leakage_uw;
  }
  return sum;
}

std::string read_rtl_script(const RtlModule& module) {
  std::string script;
  for (const fs::path& source : module.sources)
    script += fmt::format("read_verilog -sv -DSYNTHESIS \"{}\"\n", source.string());
  script += fmt::format("hierarchy -check -top {}", module.name);
  for (const auto& [name, value] : module.parameters)
    script += fmt::format(" -chparam {} {}", name, value);
  return script + "\n";
}

fs::path default_liberty() { return "/usr/share/qflow/tech/osu018/osu018_stdcells.lib"; }

RtlModule rtl_module(const Design& design, const RtlDescription::Module& module) {
  RtlModule result{{}, module.name, module.parameters};
  for (const std::string& source : design.rtl().sources)
    result.sources.push_back(home_folder() / "rtl" / source);
  return result;
}

GenericNetlist generic_netlist(const RtlModule& module) {
  const TemporaryFolder folder(fs::temp_directory_path());
  const std::string script =
      read_rtl_script(module) + fmt::format("synth -noalumacc -flatten -top {}\n", module.name) +
      // The top's name carries its parameters' hash; OpenSTA wants the plain one.
      fmt::format("rename -top {}\nwrite_rtlil generic.il\n", module.name);
  write_file_atomically(folder.path() / "synth.ys", script);
  run_tool({"yosys", "-q", "-l", "yosys.log", "synth.ys"}, folder.path());
  return {module.name, read_file(folder.path() / "generic.il", kNetlistLimit)};
}

MappedModule map_module(const RtlModule& module, const SynthesisOptions& options,
                        const LibertyLibrary& library) {
  return map_module(generic_netlist(module), options, library);
}

MappedModule map_module(const GenericNetlist& module, const SynthesisOptions& options,
                        const LibertyLibrary& library) {
  const Environment environment = environment_of(options, library);
  const TemporaryFolder folder(fs::temp_directory_path());
  const auto cells = cells_of(module, environment, folder.path());
  MappedModule mapped{cost_of(module.module, cells, library), ""};
  mapped.cost.critical_path_ps = smallest_period_ps(module.module, environment, folder.path());
  mapped.netlist = read_file(folder.path() / "netlist.json", kNetlistLimit);
  return mapped;
}

ArrayCost synthesise(const Design& design, const SynthesisOptions& options) {
  const LibertyLibrary library = read_liberty(options.liberty);
  ArrayCost cost;
  cost.library = library.name;
  cost.rtl_hash = hash_of_rtl(design);
  cost.memories = design.rtl().memories;
  for (const RtlDescription::Module& module : design.rtl().modules) {
    cost.modules.push_back(synthesise_module(design, module, options, library));
  }
  return cost;
}

ModuleCost synthesise(const Design& design, const RtlDescription::Module& module,
                      const SynthesisOptions& options) {
  return synthesise_module(design, module, options, read_liberty(options.liberty));
}

std::string hash_of_rtl(const Design& design) { return hash_of_rtl(rtl_module(design, {})); }

std::string hash_of_rtl(const RtlModule& module) {
  ContentHash rtl;
  for (const fs::path& source : module.sources) rtl.add(read_file(source, kReportLimit));
  return rtl.hex();
}

void write_array_netlist(const Design& design, const SynthesisOptions& options,
                         const fs::path& file) {
  const LibertyLibrary library = read_liberty(options.liberty);
  const Environment environment = environment_of(options, library);
  const TemporaryFolder folder(fs::temp_directory_path());
  write_environment(environment, folder.path());
  const RtlDescription rtl = design.rtl();
  const std::string script =
      read_rtl_script(rtl_module(design, {rtl.top, 1, rtl.parameters})) +
      fmt::format("synth -noalumacc -top {}\n", rtl.top) + map_to_library(environment) +
      // Every cell becomes its function, inside the module that uses it: the modules themselves
      // stay, so that the many PEs are compiled once.
      fmt::format(
          "setattr -mod -set keep_hierarchy 1 *\nread_liberty -ignore_miss_func cells.lib\n"
          "hierarchy -check -top {}\nflatten\n",
          rtl.top) +
      "opt_clean -purge\nwrite_verilog -noattr netlist.v\n";
  write_file_atomically(folder.path() / "synth.ys", script);
  run_tool({"yosys", "-q", "-l", "yosys.log", "synth.ys"}, folder.path());
  write_file_atomically(file, read_file(folder.path() / "netlist.v", kNetlistLimit));
}

}  // namespace bitsmith
