#include "report/comparison.h"

#include "common/version.h"
#include "report/array_report.h"

namespace bitsmith {
namespace {

using Json = nlohmann::ordered_json;
using Number = std::optional<double>;
using OfSize = ComparedFigure::OfSize;

Number macs_per_cycle(const Compared& d) {
  return static_cast<double>(d.counts.macs) / static_cast<double>(d.counts.cycles);
}

// A multiplication and an addition; one per picojoule is 1 TOPS/W.
double operations(const Compared& d) { return 2.0 * static_cast<double>(d.counts.macs); }

Number joule_seconds(const Compared& d) {
  constexpr double kJoulesPerPicojoule = 1e-12;
  const Number energy = d.energy_pj.total();
  return energy ? Number(*energy * kJoulesPerPicojoule * d.seconds) : std::nullopt;
}

Number tops_per_watt(const Compared& d) {
  const Number energy = d.energy_pj.total();
  return energy ? Number(operations(d) / *energy) : std::nullopt;
}

Number tops_per_mm2(const Compared& d) {
  constexpr double kOperationsPerTera = 1e12, kUm2PerMm2 = 1e6;
  const Number area = d.area_um2.total();
  if (!area) return std::nullopt;
  return operations(d) / d.seconds / kOperationsPerTera / (*area / kUm2PerMm2);
}

Number perplexity(const Compared& d) {
  return d.accuracy ? Number(d.accuracy->perplexity) : std::nullopt;
}

constexpr std::array<ComparedFigure, 16> kFigures = {{
    {"cycles", "cycles", OfSize::shrinks, true,
     [](const Compared& d) { return Number(d.counts.cycles); }},
    {"seconds", "time", OfSize::shrinks, false,
     [](const Compared& d) { return Number(d.seconds); }},
    {"energy_pj", "energy", OfSize::independent, false,
     [](const Compared& d) { return d.energy_pj.total(); }},
    {"area_um2", "area", OfSize::independent, false,
     [](const Compared& d) { return d.area_um2.total(); }},
    {"array_and_buffers_um2", "area of array and buffers", OfSize::independent, false,
     [](const Compared& d) { return array_and_buffers_um2(d.area_um2); }},
    {"edp_js", "EDP, J s", OfSize::shrinks, false, joule_seconds},
    {"tops_per_watt", "TOPS/W", OfSize::independent, false, tops_per_watt},
    {"tops_per_mm2", "TOPS/mm2", OfSize::independent, false, tops_per_mm2},
    {"pes", "PEs", OfSize::independent, true, [](const Compared& d) { return Number(d.pes); }},
    {"peak_macs_per_cycle", "peak MACs/cycle", OfSize::grows, true,
     [](const Compared& d) { return Number(d.peak_macs_per_cycle); }},
    {"macs_per_cycle", "MACs/cycle", OfSize::grows, false, macs_per_cycle},
    {"utilization", "utilization", OfSize::independent, false,
     [](const Compared& d) {
       return Number(*macs_per_cycle(d) / static_cast<double>(d.peak_macs_per_cycle));
     }},
    {"macs", "MACs", OfSize::independent, true,
     [](const Compared& d) { return Number(d.counts.macs); }},
    {"dram_bytes", "DRAM bytes", OfSize::independent, true,
     [](const Compared& d) { return d.dram_bytes ? Number(*d.dram_bytes) : std::nullopt; }},
    {"clock_ghz", "clock, GHz", OfSize::independent, false,
     [](const Compared& d) { return Number(d.clock_ghz); }},
    {"perplexity", "perplexity", OfSize::independent, false, perplexity},
}};

Number size_of(const IsoSize& iso, const Compared& design) {
  return iso.kind == IsoSize::Kind::pes ? Number(design.pes)
                                        : array_and_buffers_um2(design.area_um2);
}

// ---------------------------------------------------------------------------------- JSON

Json figures_json(const Compared& design) {
  Json json = Json::object();
  for (const ComparedFigure& figure : kFigures) {
    const Number value = figure.value(design);
    json[figure.name] =
        value && figure.is_count ? Json(static_cast<std::uint64_t>(*value)) : number_json(value);
  }
  return json;
}

Json ratios_json(const Comparison& comparison, const Compared& design, bool normalised) {
  Json json = Json::object();
  for (const ComparedFigure& figure : kFigures) {
    json[figure.name] = number_json(ratio(comparison, design, figure, normalised));
  }
  return json;
}

Json cycles_json(const RunCounts& counts) {
  Json json = {{"array_cycles", counts.array_cycles}};
  for (const StallCause& cause : kStallCauses) {
    json[cause.name] = counts.stall_cycles.*cause.cycles;
  }
  return json;
}

std::int64_t difference(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::int64_t>(a) - static_cast<std::int64_t>(b);
}

Json cycles_difference_json(const RunCounts& counts, const RunCounts& baseline) {
  Json json = {{"total", difference(counts.cycles, baseline.cycles)},
               {"array_cycles", difference(counts.array_cycles, baseline.array_cycles)}};
  for (const StallCause& cause : kStallCauses) {
    json[cause.name] =
        difference(counts.stall_cycles.*cause.cycles, baseline.stall_cycles.*cause.cycles);
  }
  return json;
}

Json energy_parts_json(const RunEnergy& energy) {
  Json json = Json::object();
  for (const EnergyPart& part : kEnergyParts) json[part.name] = number_json(part.value(energy));
  return json;
}

Json energy_difference_json(const RunEnergy& energy, const RunEnergy& baseline) {
  const auto of = [](const Number& a, const Number& b) { return a && b ? Json(*a - *b) : Json(); };
  Json json = {{"total", of(energy.total(), baseline.total())}};
  for (const EnergyPart& part : kEnergyParts) {
    json[part.name] = of(part.value(energy), part.value(baseline));
  }
  return json;
}

Json accuracy_json(const Compared& design) {
  if (!design.accuracy) return nullptr;
  const ComparedAccuracy& a = *design.accuracy;
  return {{"quantization", a.quantization},
          {"perplexity", a.perplexity},
          {"fp32_perplexity", a.fp32_perplexity},
          {"tokens", a.tokens},
          {"operators", a.operators},
          {"by_the_design", a.by_the_design}};
}

Json design_json(const Comparison& comparison, const Compared& design) {
  Json json = {{"name", design.name}, {"file", design.file}};
  if (!design.errors.empty()) {
    json.update({{"status", "failed"}, {"errors", design.errors}});
    return json;
  }
  const Compared& baseline = comparison.designs[comparison.baseline];
  json["status"] = "done";
  json["config"] = design.config;
  json["figures"] = figures_json(design);
  json["ratios"] = ratios_json(comparison, design, false);
  if (comparison.iso) {
    json["residual"] = number_json(residual(comparison, design));
    json["normalised_ratios"] = ratios_json(comparison, design, true);
  }
  json["cycles"] = cycles_json(design.counts);
  json["cycles_difference"] = cycles_difference_json(design.counts, baseline.counts);
  json["energy_pj"] = energy_parts_json(design.energy_pj);
  json["energy_difference_pj"] = energy_difference_json(design.energy_pj, baseline.energy_pj);
  json["area_um2"] = {{"array", number_json(design.area_um2.array)},
                      {"buffers", number_json(design.area_um2.buffers)},
                      {"vector", number_json(design.area_um2.vector)}};
  json["mixed_nodes"] = design.mixed_nodes;
  json["accuracy"] = accuracy_json(design);
  json["missing"] = design.missing;
  json["remarks"] = design.remarks;
  return json;
}

// ---------------------------------------------------------------------------------- what is
// missing

constexpr const char* kNoMemory = "energy and area: memory is none, so that nothing is around it";
constexpr const char* kNoSram = "buffers: sram.device is none";
constexpr const char* kMixedNodes =
    "totals: array and SRAM are of different nodes; technology.allow_mixed_nodes=true adds them up";

// Why its technology does not know it.
void add_array(const char* what, const RunCost& cost, std::vector<std::string>& missing) {
  if (!cost.array) {
    missing.push_back(fmt::format("{}: no record, as technology.name is none", what));
    return;
  }
  for (const std::string& note : cost.array->notes) {
    missing.push_back(fmt::format("{}: {}", what, note));
  }
}

void add_vector(const RunCost& cost, const std::string& engine, std::vector<std::string>& missing) {
  if (!cost.vector) {
    missing.emplace_back("vector unit: no record, as technology.name is none");
    return;
  }
  const ModuleEnergies& energies = cost.vector->lane.figures.record.energies;
  if (!cost.energy_pj.vector && energies.at(OperandClass::normal, PeCycleClass::mac)) {
    missing.push_back(fmt::format("vector unit: engine {} does not count its cycles", engine));
  }
  if (cost.area_um2.vector && !cost.vector->leakage_uw) {
    missing.emplace_back("leakage of the vector unit: its record has none");
  }
  if (cost.vector->lane.figures.known()) return;
  for (const std::string& note : cost.vector->notes) missing.push_back("vector unit: " + note);
}

}  // namespace

std::span<const ComparedFigure> compared_figures() { return kFigures; }

std::optional<double> array_and_buffers_um2(const RunArea& area) {
  return area.parts_add_up ? sum_of({area.array, area.buffers}) : std::nullopt;
}

std::vector<std::string> missing_area(const Accelerator& accelerator, const RunCost& cost) {
  std::vector<std::string> missing;
  if (!accelerator.memory) missing.emplace_back(kNoMemory);
  if (!cost.area_um2.array) add_array("array", cost, missing);
  if (accelerator.memory && accelerator.memory->sram.device == SramDevice::none) {
    missing.emplace_back(kNoSram);
  }
  if (!cost.area_um2.parts_add_up) missing.emplace_back(kMixedNodes);
  return missing;
}

std::vector<std::string> missing_cost(const Accelerator& accelerator, const RunCost& cost,
                                      const std::string& engine) {
  std::vector<std::string> missing = missing_area(accelerator, cost);
  const RunEnergy& energy = cost.energy_pj;
  if (cost.area_um2.array && !energy.array) {
    const bool is_told = cost.array && !cost.array->notes.empty();
    if (is_told) add_array("energy of the array", cost, missing);
    if (!is_told) {
      missing.push_back(fmt::format(
          "energy of the array: engine {} does not count the cycles of its PEs", engine));
    }
  }
  if (cost.area_um2.array && cost.array && !cost.array->leakage_uw) {
    missing.emplace_back("leakage of the array: its records have none");
  }
  if (!accelerator.memory) return missing;
  if (accelerator.memory->sram.device != SramDevice::none && !energy.buffers) {
    missing.push_back(fmt::format("buffers: engine {} does not count their accesses", engine));
  }
  if (!energy.dram) missing.emplace_back("DRAM: the memory's file has no energy");
  const bool has_no_leakage = cost.vector && !cost.vector->leakage_uw;
  if (!energy.vector || !cost.area_um2.vector || has_no_leakage) add_vector(cost, engine, missing);
  return missing;
}

Compared compared_of(const RunReportInput& input) {
  const Accelerator& accelerator = input.accelerator;
  Compared design;
  design.name = accelerator.name;
  design.config = accelerator.resolved();
  design.pes = accelerator.design->pe_count();
  design.peak_macs_per_cycle = accelerator.design->peak_macs_per_cycle();
  design.clock_ghz = accelerator.params.clock_ghz;
  design.counts = input.result.total;
  design.seconds = seconds(design.counts, accelerator);
  if (accelerator.memory) {
    const DramBytes bytes = dram_bytes(design.counts, *accelerator.memory);
    design.dram_bytes = bytes.read() + bytes.written();
  }
  design.energy_pj = input.cost.energy_pj;
  design.area_um2 = input.cost.area_um2;
  design.mixed_nodes = input.cost.mixed_nodes;
  design.missing = missing_cost(accelerator, input.cost, input.engine);
  if (input.cost.array) design.remarks = array_marks(*input.cost.array);
  if (const std::string clock = limited_clock_text(input); !clock.empty()) {
    design.remarks.push_back(clock);
  }
  if (input.cost.vector && input.cost.vector->lane.figures.known()) {
    const std::vector<std::string>& notes = input.cost.vector->notes;
    design.remarks.insert(design.remarks.end(), notes.begin(), notes.end());
  }
  return design;
}

std::optional<double> residual(const Comparison& comparison, const Compared& design) {
  if (!comparison.iso) return std::nullopt;
  const Number size = size_of(*comparison.iso, design);
  return size ? Number(*size / comparison.iso->wanted - 1) : std::nullopt;
}

std::optional<double> ratio(const Comparison& comparison, const Compared& design,
                            const ComparedFigure& figure, bool normalised) {
  const Compared& baseline = comparison.designs[comparison.baseline];
  const Number mine = figure.value(design), of_baseline = figure.value(baseline);
  if (!mine || !of_baseline || *of_baseline == 0) return std::nullopt;
  const double plain = *mine / *of_baseline;
  if (!normalised || !comparison.iso || figure.of_size == OfSize::independent) return plain;
  const Number size = size_of(*comparison.iso, design);
  const Number baseline_size = size_of(*comparison.iso, baseline);
  if (!size || !baseline_size) return std::nullopt;
  const double growth = *size / *baseline_size;
  return figure.of_size == OfSize::shrinks ? plain * growth : plain / growth;
}

Json comparison_json(const Comparison& comparison) {
  Json iso = nullptr;
  if (comparison.iso) {
    const bool is_pes = comparison.iso->kind == IsoSize::Kind::pes;
    iso = {{"size", is_pes ? "pes" : "array_and_buffers_um2"}, {"wanted", comparison.iso->wanted}};
  }
  Json designs = Json::array();
  for (const Compared& design : comparison.designs) {
    designs.push_back(design_json(comparison, design));
  }
  return {{"schema", "bitsmith.compare/1"},
          {"version", version()},
          {"workload", comparison.workload},
          {"engine", comparison.engine},
          {"baseline", comparison.designs[comparison.baseline].name},
          {"iso", iso},
          {"designs", designs}};
}

}  // namespace bitsmith
