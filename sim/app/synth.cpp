#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/options.h"
#include "app/synth_records.h"
#include "app/synth_trace.h"
#include "common/parallel.h"
#include "common/process.h"
#include "common/table.h"
#include "common/version.h"
#include "cosim/lockstep.h"
#include "cost/synthesis.h"
#include "pe/registry.h"
#include "report/run_figures.h"

namespace bitsmith::app {
namespace {

using Json = nlohmann::ordered_json;

struct Numbers {
  std::uint64_t check_cycles = 0;
  unsigned jobs = 1;
};

struct Options {
  std::vector<std::string> designs;
  std::vector<std::string> overrides;
  std::vector<std::string> liberty, technology, period_ps, node_nm;  // by technology
  std::string jobs;
  std::string check_cycles = "0";
  std::string trace;
  bool energy = false;
  bool exact = false;
  bool again = false;
  std::string json;
};

Json module_json(const ModuleCost& module) {
  return {{"name", module.name},
          {"instances", module.instances},
          {"cells", module.cells},
          {"area_um2", module.area_um2},
          {"combinational_um2", module.combinational_um2},
          {"sequential_um2", module.sequential_um2},
          {"buffer_um2", module.buffer_um2},
          {"critical_path_ps", module.critical_path_ps},
          {"leakage_uw", number_json(module.leakage_uw)},
          {"energy_pj", nullptr}};
}

Json energy_json(const EnergyRecord& record, double period_ps) {
  return {{"pj_per_cycle", number_json(record.pj_per_cycle())},
          {"switching_pj", record.switching_pj},
          {"internal_pj", record.internal_pj},
          {"clock_and_registers_pj", record.clock_and_registers_pj},
          {"leakage_pj", number_json(record.leakage_pj)},
          {"toggles_per_net", record.toggles_per_net},
          {"cycles", record.cycles},
          {"period_ps", period_ps}};
}

// By class of operands and of PE-cycle; null where the module has no such cycles.
Json energies_json(const ModuleRecord& record) {
  Json json;
  for (std::size_t o = 0; o < kOperandClasses; ++o) {
    Json& of_class = json[std::string(kOperandClassNames[o])];
    for (std::size_t c = 0; c < kPeCycleClasses; ++c) {
      const auto& energy =
          record.energies.at(static_cast<OperandClass>(o), static_cast<PeCycleClass>(c));
      of_class[std::string(kPeCycleClassNames[c])] =
          energy ? energy_json(*energy, record.energy_period_ps) : Json(nullptr);
    }
  }
  return json;
}

std::string energy_table(const std::vector<ModuleFigures>& modules) {
  std::vector<std::string> header = {"pJ/cycle of one module", "operands"};
  header.insert(header.end(), kPeCycleClassNames.begin(), kPeCycleClassNames.end());
  header.emplace_back("at ps");
  TextTable table(header);
  for (const ModuleFigures& module : modules) {
    const ModuleRecord& record = module.record;
    for (std::size_t o = 0; o < kOperandClasses; ++o) {
      std::vector<std::string> row = {record.cost.name, std::string(kOperandClassNames[o])};
      for (std::size_t c = 0; c < kPeCycleClasses; ++c) {
        const auto& energy =
            record.energies.at(static_cast<OperandClass>(o), static_cast<PeCycleClass>(c));
        const std::optional<double> pj = energy ? energy->pj_per_cycle() : std::nullopt;
        row.push_back(pj ? fmt::format("{:.4g}", *pj) : energy ? "unknown" : "-");
      }
      row.push_back(fmt::format("{:.0f}", record.energy_period_ps));
      table.add_row(row);
    }
  }
  return table.text();
}

Json memory_json(const RtlDescription::Memory& memory) {
  return {{"name", memory.name},
          {"instances", memory.instances},
          {"words", memory.words},
          {"bits", memory.bits},
          {"area_um2", nullptr}};
}

// A design's modules as a technology knows them.
struct SynthesisedDesign {
  std::string file;
  ArrayCost cost;
  std::vector<ModuleFigures> modules;  // by cost.modules
};

Json figures_json(const ModuleFigures& figures) {
  Json json = module_json(figures.record.cost);
  Json parameters = Json::object();
  for (const auto& [name, value] : figures.record.parameters) parameters[name] = value;
  json["parameters"] = parameters;
  if (has_energies(figures.record)) json["energy_pj"] = energies_json(figures.record);
  json["operands"] = figures.record.operands;
  json["other_operands"] = figures.other_operands;
  json["interpolated"] = figures.origin == ModuleFigures::Origin::interpolated;
  json["extrapolated"] = figures.origin == ModuleFigures::Origin::extrapolated;
  json["held_out_error"] = {{"area", number_json(figures.held_out.area)},
                            {"leakage", number_json(figures.held_out.leakage)},
                            {"energy", number_json(figures.held_out.energy)}};
  return json;
}

Json design_json(const SynthesisedDesign& design, double period_ps) {
  const ArrayCost& cost = design.cost;
  Json modules = Json::array();
  for (const ModuleFigures& module : design.modules) modules.push_back(figures_json(module));
  Json memories = Json::array();
  for (const auto& memory : cost.memories) memories.push_back(memory_json(memory));
  return {{"config", design.file},
          {"library", cost.library},
          {"rtl_hash", cost.rtl_hash},
          {"target_period_ps", period_ps},
          {"cells", cost.cells()},
          {"area_um2", cost.area_um2()},
          {"critical_path_ps", cost.critical_path_ps()},
          {"leakage_uw", number_json(cost.leakage_uw())},
          {"modules", modules},
          {"memories", memories}};
}

Json provenance_json(const Technology& technology, const std::filesystem::path& liberty) {
  const TechnologySource& source = technology.source;
  // Without --liberty it may be of a library that is not here.
  const Json path = is_library_of(liberty, technology) ? Json(liberty.string()) : Json();
  return {{"technology", technology.name},       {"liberty", path},
          {"liberty_hash", source.liberty_hash}, {"yosys", source.yosys},
          {"opensta", source.opensta},           {"iverilog", source.iverilog}};
}

std::string array_table(const SynthesisedDesign& design) {
  const ArrayCost& cost = design.cost;
  TextTable table(
      {"module", "instances", "cells", "area um2", "sequential um2", "critical path ps"});
  for (const ModuleCost& module : cost.modules) {
    table.add_row({module.name, with_separators(module.instances), with_separators(module.cells),
                   fmt::format("{:.1f}", module.area_um2),
                   fmt::format("{:.1f}", module.sequential_um2),
                   fmt::format("{:.0f}", module.critical_path_ps)});
  }
  table.add_rule();
  table.add_row({"array", "1", with_separators(cost.cells()),
                 fmt::format("{:.1f}", cost.area_um2()), "",
                 fmt::format("{:.0f}", cost.critical_path_ps())});
  std::string text = fmt::format("{} in {} (no wires, no clock tree)\n{}", design.file,
                                 cost.library, table.text());
  for (const ModuleFigures& module : design.modules) {
    if (module.other_operands) {
      text += fmt::format("energy of {} is of operands {}, not the design's own\n",
                          module.record.cost.name, module.record.operands);
    }
    const bool is_beyond = module.origin == ModuleFigures::Origin::extrapolated;
    if (!is_beyond && module.origin != ModuleFigures::Origin::interpolated) continue;
    const auto percent = [](const std::optional<double>& error) {
      return error ? fmt::format("{:+.1f}%", 100 * *error) : std::string("not known");
    };
    text += fmt::format(
        "{} is {} sizes, held-out error of its area: {}; its critical path is at least that of "
        "the measured sizes\n",
        module.record.cost.name,
        is_beyond ? "extrapolated beyond the measured" : "interpolated between",
        percent(module.held_out.area));
  }
  for (const RtlDescription::Memory& memory : cost.memories) {
    text += fmt::format("not included: {} x {} of {} words of {} bits (SRAM)\n", memory.instances,
                        memory.name, with_separators(memory.words), memory.bits);
  }
  return text;
}

// The netlist of the array against its RTL; true when they are equal.
bool check_netlist(const std::string& file, const Design& design, const SynthesisOptions& synthesis,
                   std::uint64_t cycles, Json& json) {
  const TemporaryFolder folder(std::filesystem::temp_directory_path());
  const std::filesystem::path netlist = folder.path() / "netlist.v";
  write_array_netlist(design, synthesis, netlist);
  const LockstepResult result = verify_netlist(design, netlist, {cycles, 1});
  json["netlist_check"] = {{"cycles_compared", result.cycles_compared},
                           {"ports_compared", result.ports_compared},
                           {"values_compared", result.values_compared},
                           {"mismatches", result.mismatch ? 1 : 0}};
  if (result.mismatch) {
    fmt::print(stderr, "{}: the netlist differs from the RTL in cycle {}: {}\n", file,
               result.mismatch->cycle, result.mismatch->what);
  }
  return result.passed();
}

// Once per technology, or not at all.
void require_count(const char* option, const std::vector<std::string>& values,
                   std::size_t technologies, Diagnostics& diagnostics) {
  if (values.empty() || values.size() == std::max<std::size_t>(1, technologies)) return;
  diagnostics.add({option, 0, 0},
                  fmt::format("given {} times, but --tech {} times: once for each, or not at all",
                              values.size(), technologies));
}

std::string of_technology(const std::vector<std::string>& values, std::size_t i) {
  return i < values.size() ? values[i] : "";
}

RecordRequest read_request(const Options& options, std::size_t i, Diagnostics& diagnostics) {
  RecordRequest request;
  request.technology = of_technology(options.technology, i);
  request.liberty = of_technology(options.liberty, i);
  request.exact = options.exact;
  request.again = options.again;
  request.energy = options.energy || !options.trace.empty();
  const std::string period_ps = of_technology(options.period_ps, i);
  const std::string node_nm = of_technology(options.node_nm, i);
  if (!period_ps.empty()) {
    request.period_ps =
        static_cast<double>(integer_option("--period", period_ps, {1, 1'000'000'000}, diagnostics));
  }
  if (!node_nm.empty()) {
    request.node_nm =
        static_cast<std::uint32_t>(integer_option("--node", node_nm, {1, 10000}, diagnostics));
  }
  return request;
}

// Several technologies are added to together.
std::vector<RecordRequest> read_requests(const Options& options, Diagnostics& diagnostics) {
  const std::size_t count = std::max<std::size_t>(1, options.technology.size());
  require_count("--liberty", options.liberty, options.technology.size(), diagnostics);
  require_count("--period", options.period_ps, options.technology.size(), diagnostics);
  require_count("--node", options.node_nm, options.technology.size(), diagnostics);
  const bool adds = !options.technology.empty() && !options.liberty.empty();
  if (!adds && (options.exact || !options.node_nm.empty())) {
    diagnostics.add({options.exact ? "--exact" : "--node", 0, 0},
                    "needs --tech and --liberty: records that are added to a technology");
  }
  if (count > 1 && options.liberty.empty())
    diagnostics.add({"--tech", 0, 0}, "several need a --liberty each");
  if (count > 1 && !options.trace.empty())
    diagnostics.add({"--trace", 0, 0}, "is measured in one technology");
  if (count > 1 && !options.json.empty()) diagnostics.add({"--json", 0, 0}, "is of one technology");
  std::vector<RecordRequest> requests;
  for (std::size_t i = 0; i < count; ++i) requests.push_back(read_request(options, i, diagnostics));
  return requests;
}

SynthesisedDesign synthesised(const std::string& file, const Design& design,
                              const Technology& technology) {
  SynthesisedDesign result{file, {}, {}};
  const RtlDescription rtl = design.rtl();
  result.cost.library = technology.source.library;
  result.cost.rtl_hash = hash_of_rtl(design);
  result.cost.memories = rtl.memories;
  for (const RtlDescription::Module& module : rtl.modules) {
    ModuleFigures figures = technology.find(module, result.cost.rtl_hash, rtl.sizes);
    if (!figures.known()) {
      throw UserError(
          fmt::format("{}: no size of {} that the design allows tells of this one: use "
                      "--exact",
                      file, module.name));
    }
    result.cost.modules.push_back(figures.record.cost);
    result.modules.push_back(std::move(figures));
  }
  return result;
}

void require_library(const char* option, const std::filesystem::path& liberty,
                     const Technology& technology) {
  if (is_library_of(liberty, technology)) return;
  throw UserError(fmt::format("{}: needs the library of technology '{}': --liberty FILE", option,
                              technology.name));
}

// True where netlists and RTL are equal, if they were compared.
bool answer(const Options& options, const Designs& designs, const Technology& technology,
            const std::filesystem::path& liberty, const Numbers& numbers, const Trace* trace) {
  const SynthesisOptions synthesis{liberty, technology.source.target_period_ps};
  const std::uint64_t cycles = numbers.check_cycles;
  if (cycles > 0) require_library("--check", liberty, technology);
  if (trace != nullptr) require_library("--trace", liberty, technology);
  bool all_equal = true;
  std::string tables;
  Json json = {{"schema", "bitsmith.synth/1"},
               {"version", version()},
               {"provenance", provenance_json(technology, synthesis.liberty)},
               {"designs", Json::array()}};
  for (std::size_t i = 0; i < designs.size(); ++i) {
    SynthesisedDesign design = synthesised(options.designs[i], *designs[i], technology);
    std::string text = array_table(design);
    if (options.energy) text += energy_table(design.modules);
    Json row = design_json(design, synthesis.period_ps);
    if (cycles > 0) {
      const bool equal = check_netlist(design.file, *designs[i], synthesis, cycles, row);
      all_equal = all_equal && equal;
      text += fmt::format("netlist and RTL: {} over {} cycles\n", equal ? "equal" : "MISMATCH",
                          with_separators(cycles));
    }
    if (trace != nullptr) {
      const TraceComparison of_trace = compare_with_trace(
          {design.file, *designs[i], technology, synthesis, *trace, numbers.jobs});
      row["trace"] = of_trace.json;
      text += of_trace.text;
    }
    json["designs"].push_back(row);
    tables += text + (i + 1 < designs.size() ? "\n" : "");
  }
  if (!options.json.empty()) write_output(options.json, json_text(json));
  if (options.json != "-") write_output("-", tables);
  return all_equal;
}

int run_command(const Options& options) {
  Diagnostics diagnostics;
  const std::vector<RecordRequest> requests = read_requests(options, diagnostics);
  require_output("--json", options.json, options.designs, diagnostics);
  const Numbers numbers = {
      integer_option("--check", options.check_cycles, {0, std::int64_t{1} << 40}, diagnostics),
      options.jobs.empty()
          ? processors()
          : static_cast<unsigned>(integer_option("--jobs", options.jobs, {1, 1024}, diagnostics))};
  diagnostics.throw_if_any();
  const std::vector<Override> overrides = override_options(options.overrides);
  Designs designs;
  for (const std::string& file : options.designs) designs.push_back(load_design(file, overrides));

  std::optional<Trace> trace;
  if (!options.trace.empty()) require_computable(trace.emplace(options.trace), designs);

  const std::vector<Technology> technologies = obtain_records(requests, designs, numbers.jobs);
  bool all_equal = true;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (requests.size() > 1) {
      write_output("-", fmt::format("{}technology {}, gates sized for {} ps\n", i > 0 ? "\n" : "",
                                    technologies[i].name, technologies[i].source.target_period_ps));
    }
    const bool equal = answer(options, designs, technologies[i], liberty_of(requests[i]), numbers,
                              trace ? &*trace : nullptr);
    all_equal = all_equal && equal;
  }
  return all_equal ? 0 : 1;
}

}  // namespace

Action add_synth(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "synth", "area, cells, critical path and energy from synthesis of the design's RTL");
  const auto options = std::make_shared<Options>();
  Options& o = *options;
  command->add_option("designs", o.designs, "design files")->required();
  command->add_option("--set", o.overrides, "path=value: override a parameter")
      ->allow_extra_args(false);
  const auto add_each = [&](const char* name, std::vector<std::string>& values, const char* help) {
    command->add_option(name, values, help)->allow_extra_args(false);
  };
  add_each("--liberty", o.liberty, "cell library; default: osu018 of package qflow-tech-osu018");
  add_each("--tech", o.technology,
           "answer from this technology: one of configs/tech, or a file (with a slash); with "
           "--liberty, add to it what answers for the designs at any size; several, each with a "
           "--liberty, share what does not depend on the library");
  add_each("--period", o.period_ps,
           "clock period in ps that gates are sized for; default: the technology's, or 5000");
  add_each("--node", o.node_nm, "node in nm of the technology that --tech adds to");
  command->add_flag("--exact", o.exact,
                    "with --tech and --liberty: also the designs' own sizes of the array");
  command->add_flag("--again", o.again, "make records even where there are some");
  command->add_option("--jobs", o.jobs, "arrays worked on at once; by default one per core");
  command->add_option("--check", o.check_cycles,
                      "compare the array's netlist with its RTL for so many cycles");
  command->add_flag("--energy", o.energy,
                    "energy per cycle of each module from its gates, by class of operands and of "
                    "PE-cycle");
  command->add_option("--trace", o.trace,
                      "energy of the PE under a recorded trace's own operands, beside that of the "
                      "class that `run` charges");
  command->add_option("--json", o.json, "write the result as JSON; - is standard output");
  return [options] { return run_command(*options); };
}

}  // namespace bitsmith::app
