#include "report/array_report.h"

#include <algorithm>

#include "common/table.h"
#include "report/run_figures.h"

namespace bitsmith {
namespace {

using Json = nlohmann::ordered_json;
using Origin = ModuleFigures::Origin;

const char* word_of(Origin origin) {
  switch (origin) {
    case Origin::measured:
      return "measured";
    case Origin::interpolated:
      return "interpolated";
    case Origin::extrapolated:
      return "extrapolated";
    case Origin::estimated:
      return "estimated";
    case Origin::stale:
      return "stale";
    case Origin::absent:
      break;
  }
  return "absent";
}

std::string_view word_of(PeCycleClass cycle) {
  return kPeCycleClassNames[static_cast<std::size_t>(cycle)];
}

std::string_view word_of(OperandClass operands) {
  return kOperandClassNames[static_cast<std::size_t>(operands)];
}

Json made_json(const RecordTools& tools) {
  return {{"method", tools.method},
          {"yosys", tools.yosys},
          {"opensta", tools.opensta},
          {"iverilog", tools.iverilog},
          {"date", tools.date}};
}

Json module_json(const ArrayModule& module) {
  const ModuleCost& cost = module.cost();
  const bool known = module.figures.known();
  const bool is_estimated = module.figures.origin == Origin::estimated;
  const auto if_known = [&](double value) { return known ? Json(value) : Json(); };
  Json parameters = Json::object();
  for (const auto& [name, value] : module.figures.record.parameters) parameters[name] = value;
  Json uses = Json::array();
  for (const ArrayModule::Use& use : module.uses) {
    uses.push_back({{"class", word_of(use.cycle)},
                    {"pj_per_cycle", use.pj_per_cycle},
                    {"cycles", use.cycles},
                    {"energy_pj", use.pj()}});
  }
  const HeldOutError& held_out = module.figures.held_out;
  return {{"module", cost.name},
          {"parameters", parameters},
          {"instances", cost.instances},
          {"operands", known ? Json(module.figures.record.operands) : Json()},
          {"other_operands", module.figures.other_operands},
          {"origin", word_of(module.figures.origin)},
          {"rtl_hash", known ? Json(module.figures.record.rtl_hash) : Json()},
          {"made", known && !is_estimated ? made_json(module.figures.record.tools) : Json()},
          {"area_um2", if_known(cost.area_um2)},
          {"leakage_uw", known ? number_json(cost.leakage_uw) : Json()},
          {"critical_path_ps", is_estimated ? Json() : if_known(cost.critical_path_ps)},
          {"held_out_error",
           {{"area", number_json(held_out.area)},
            {"leakage", number_json(held_out.leakage)},
            {"energy", number_json(held_out.energy)}}},
          {"energy", uses}};
}

Json memory_json(const ArrayMemory& memory) {
  return {{"name", memory.memory.name},
          {"instances", memory.memory.instances},
          {"words", memory.memory.words},
          {"bits", memory.memory.bits},
          {"area_um2", memory.macro.area_um2},
          {"leakage_mw", memory.macro.leakage_mw},
          {"reads", memory.reads},
          {"writes", memory.writes},
          {"read_pj", memory.macro.read_pj},
          {"write_pj", memory.macro.write_pj},
          {"energy_pj", memory.pj()}};
}

std::string percent(const std::optional<double>& value, bool has_sign) {
  if (!value) return "not known";
  return has_sign ? fmt::format("{:+.1f}%", 100 * *value) : fmt::format("{:.1f}%", 100 * *value);
}

// Those of estimates are means of amounts.
std::string held_out_text(const HeldOutError& error, bool has_sign) {
  return fmt::format("area {}, leakage {}, energy {}", percent(error.area, has_sign),
                     percent(error.leakage, has_sign), percent(error.energy, has_sign));
}

std::string mark_of(const ModuleFigures& figures) {
  const std::string& name = figures.record.cost.name;
  switch (figures.origin) {
    case Origin::estimated:
      return fmt::format(
          "{} is estimated from its word-level cells and the record most like it (mean held-out "
          "errors of its kind: {}; no critical path)",
          name, held_out_text(figures.held_out, false));
    case Origin::extrapolated:
    case Origin::interpolated:
      return fmt::format(
          "{} is {} sizes (held-out errors: {}; its critical path is at least that of the measured "
          "sizes)",
          name,
          figures.origin == Origin::extrapolated ? "extrapolated beyond the measured"
                                                 : "interpolated between",
          held_out_text(figures.held_out, true));
    default:
      return "";
  }
}

// Of interpolated figures that of the largest record.
std::string record_of(const ModuleFigures& figures) {
  std::string rtl = ", RTL " + figures.record.rtl_hash;
  if (figures.origin == Origin::estimated) return rtl;
  if (const std::string& operands = figures.record.operands; !operands.empty())
    rtl = fmt::format(", operands {}{}", operands, rtl);
  const RecordTools& tools = figures.record.tools;
  return fmt::format("{}, {} with {}, OpenSTA {}, {}, method {}", rtl, tools.date, tools.yosys,
                     tools.opensta, tools.iverilog, tools.method);
}

std::string parameters_text(const RtlParameters& parameters) {
  return key_of_module("", parameters).substr(parameters.empty() ? 0 : 1);
}

// What is not a plain measurement.
std::string marks_text(const RunReportInput& input) {
  const ArrayFigures& array = *input.cost.array;
  std::string text;
  for (const std::string& mark : array_marks(array)) text += mark + "\n";
  if (array.overclocked) {
    text += fmt::format("overclocked: {} GHz is more than the critical path allows\n",
                        input.accelerator.params.clock_ghz);
  }
  if (input.cost.mixed_nodes) {
    const std::string node = array.source.node_nm ? fmt::format("{} nm", *array.source.node_nm)
                                                  : std::string("a node not told");
    text += fmt::format("array of {} and SRAM of {} nm: {}\n", node,
                        input.accelerator.memory->sram.node_nm,
                        input.accelerator.technology.allow_mixed_nodes
                            ? "nodes may mix in totals"
                            : "no totals; technology.allow_mixed_nodes=true allows them");
  }
  if (const std::string clock = limited_clock_text(input); !clock.empty()) text += clock + "\n";
  for (const std::string& note : array.notes) text += note + "\n";
  if (input.cost.vector) {
    for (const std::string& note : input.cost.vector->notes) text += note + "\n";
  }
  return text;
}

}  // namespace

std::vector<std::string> array_marks(const ArrayFigures& array) {
  std::vector<std::string> marks;
  for (const ArrayModule& module : array.modules) {
    const ModuleFigures& figures = module.figures;
    if (std::string mark = mark_of(figures); !mark.empty()) marks.push_back(std::move(mark));
    if (!figures.known() || !figures.other_operands) continue;
    marks.push_back(fmt::format(
        "energy of {} was measured under operands {}, not the design's own: `bitsmith synth "
        "DESIGN.yaml --tech {} --liberty FILE` measures those",
        figures.record.cost.name, figures.record.operands, array.technology));
  }
  return marks;
}

std::string limited_clock_text(const RunReportInput& input) {
  if (!input.cost.array || !input.cost.array->wanted_clock_ghz) return "";
  return fmt::format(
      "clock of {:.4g} GHz: the array's critical path does not allow the {:.4g} GHz asked for",
      input.accelerator.params.clock_ghz, *input.cost.array->wanted_clock_ghz);
}

ArrayEfficiency array_efficiency(const RunReportInput& input) {
  ArrayEfficiency result;
  const RunCounts& total = input.result.total;
  const auto macs = static_cast<double>(total.macs);
  const auto energy_pj = input.cost.energy_pj.array_total();
  if (energy_pj && *energy_pj > 0 && macs > 0) {
    result.pj_per_mac = *energy_pj / macs;
    result.tops_per_w = 2 / *result.pj_per_mac;  // an operation per pJ is one T per J
  }
  const auto area_um2 = input.cost.area_um2.array;
  if (area_um2 && *area_um2 > 0 && total.cycles > 0) {
    const double tops_per_mm2_of_a_mac = 2e-12 / (*area_um2 * 1e-6);  // of one per second
    const double time = seconds(total, input.accelerator);
    const double peak = static_cast<double>(input.accelerator.design->peak_macs_per_cycle()) *
                        static_cast<double>(total.cycles) / time;
    result.tops_per_mm2 = macs / time * tops_per_mm2_of_a_mac;
    result.peak_tops_per_mm2 = peak * tops_per_mm2_of_a_mac;
  }
  return result;
}

Json array_efficiency_json(const RunReportInput& input) {
  if (!input.cost.array) return nullptr;
  const ArrayEfficiency efficiency = array_efficiency(input);
  return {{"pj_per_mac", number_json(efficiency.pj_per_mac)},
          {"tops_per_w", number_json(efficiency.tops_per_w)},
          {"tops_per_mm2", number_json(efficiency.tops_per_mm2)},
          {"peak_tops_per_mm2", number_json(efficiency.peak_tops_per_mm2)}};
}

Json array_technology_json(const RunReportInput& input) {
  if (!input.cost.array) return nullptr;
  const ArrayFigures& array = *input.cost.array;
  const TechnologySource& source = array.source;
  Json modules = Json::array();
  for (const ArrayModule& module : array.modules) modules.push_back(module_json(module));
  Json memories = Json::array();
  for (const ArrayMemory& memory : array.memories) memories.push_back(memory_json(memory));
  return {{"name", array.technology},
          {"library", source.library},
          {"liberty_hash", source.liberty_hash},
          {"voltage", source.voltage},
          {"node_nm", source.node_nm ? Json(*source.node_nm) : Json()},
          {"target_period_ps", source.target_period_ps},
          {"yosys", source.yosys},
          {"opensta", source.opensta},
          {"iverilog", source.iverilog},
          {"date", source.date},
          {"operands", word_of(array.operands)},
          {"critical_path_ps", number_json(array.critical_path_ps)},
          {"maximum_clock_ghz", number_json(array.maximum_clock_ghz())},
          {"wanted_clock_ghz", number_json(array.wanted_clock_ghz)},
          {"modules", modules},
          {"memories", memories},
          {"notes", array.notes},
          {"vector_lane", input.cost.vector ? module_json(input.cost.vector->lane) : Json()},
          {"vector_notes", input.cost.vector ? Json(input.cost.vector->notes) : Json::array()}};
}

Json marks_json(const RunReportInput& input) {
  const std::optional<ArrayFigures>& array = input.cost.array;
  return {{"estimated", array && array->estimated()},
          {"interpolated", array && array->has(Origin::interpolated)},
          {"extrapolated", array && array->extrapolated()},
          {"mixed_nodes", input.cost.mixed_nodes},
          {"clock_limited", array && array->wanted_clock_ghz},
          {"overclocked", array && array->overclocked},
          {"vector_overclocked", input.cost.vector && input.cost.vector->overclocked}};
}

std::string array_text(const RunReportInput& input) {
  if (!input.cost.array) return "";
  const ArrayFigures& array = *input.cost.array;
  const ArrayEfficiency efficiency = array_efficiency(input);
  std::vector<std::string> figures;
  const auto add = [&](const std::optional<double>& value, const char* format) {
    if (value) figures.push_back(fmt::format(fmt::runtime(format), *value));
  };
  if (array.critical_path_ps) {
    const auto slowest = std::max_element(
        array.modules.begin(), array.modules.end(), [](const ArrayModule& a, const ArrayModule& b) {
          return a.cost().critical_path_ps < b.cost().critical_path_ps;
        });
    figures.push_back(
        fmt::format("critical path {:.0f} ps ({})", *array.critical_path_ps, slowest->cost().name));
  }
  add(array.maximum_clock_ghz(), "at most {:.4g} GHz");
  add(efficiency.pj_per_mac, "{:.4g} pJ/MAC");
  add(efficiency.tops_per_w, "{:.4g} TOPS/W");
  add(efficiency.tops_per_mm2, "{:.4g} TOPS/mm2");
  add(efficiency.peak_tops_per_mm2, "of {:.4g} at the peak");
  return fmt::format(
      "array in {} ({}, {} V; no wires, no clock tree), operands: {}\n{}\n{}", array.technology,
      array.source.library, array.source.voltage, word_of(array.operands),
      figures.empty() ? "its figures are not known" : fmt::format("{}", fmt::join(figures, ", ")),
      marks_text(input));
}

std::string explanation_text(const RunReportInput& input) {
  if (!input.cost.array) {
    return "no technology is named: --tech NAME, or `technology: {name: ...}` in the accelerator\n";
  }
  const ArrayFigures& array = *input.cost.array;
  std::vector<ArrayModule> modules = array.modules;
  if (input.cost.vector) modules.push_back(input.cost.vector->lane);
  TextTable table({"module", "from", "instances", "area um2", "class", "pJ/cycle", "cycles", "uJ"});
  std::string records;
  for (const ArrayModule& module : modules) {
    const ModuleCost& cost = module.cost();
    const bool known = module.figures.known();
    std::vector<std::string> head = {cost.name, word_of(module.figures.origin),
                                     with_separators(cost.instances),
                                     known ? fmt::format("{:.1f}", cost.area_um2) : "not known"};
    if (module.uses.empty()) {
      std::vector<std::string> row = head;
      row.insert(row.end(), {"", "not known", "", ""});
      table.add_row(std::move(row));
    }
    for (const ArrayModule::Use& use : module.uses) {
      std::vector<std::string> row = head;
      row.insert(row.end(),
                 {std::string(word_of(use.cycle)), fmt::format("{:.4g}", use.pj_per_cycle),
                  fmt::format("{:.6g}", use.cycles), fmt::format("{:.4g}", use.pj() * 1e-6)});
      table.add_row(std::move(row));
      head = {"", "", "", ""};
    }
    records +=
        fmt::format("{}: {}{}\n", cost.name, parameters_text(module.figures.record.parameters),
                    known ? record_of(module.figures) : "");
  }
  for (const ArrayMemory& memory : array.memories) {
    const auto add = [&](const char* action, std::uint64_t words, double pj) {
      table.add_row({memory.memory.name, "SRAM table", with_separators(memory.memory.instances),
                     fmt::format("{:.1f}", memory.macro.area_um2), action,
                     fmt::format("{:.4g}", pj), with_separators(words),
                     fmt::format("{:.4g}", static_cast<double>(words) * pj * 1e-6)});
    };
    add("read", memory.reads, memory.macro.read_pj);
    add("write", memory.writes, memory.macro.write_pj);
  }
  return fmt::format(
      "where the figures of array and vector unit come from: technology {}, library {} with hash "
      "{}, operands {}\n"
      "{}{}uJ = pJ/cycle x cycles of all instances, without leakage\n",
      array.technology, array.source.library, array.source.liberty_hash, word_of(array.operands),
      table.text(), records);
}

}  // namespace bitsmith
