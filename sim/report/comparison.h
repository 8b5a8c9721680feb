// Accelerators side by side on one workload: figures, their ratios to a baseline, and the parts
// that differences are made of. JSON (schema bitsmith.compare/1) and a table for people.
//
// A ratio is the accelerator's figure by the baseline's. Two identities hold:
//   cycles == array_cycles + the sum of stall_cycles, so that the difference of cycles to the
//   baseline is the sum of their differences;
//   energy == array + buffers + DRAM + vector + leakage, where all are known.
// What is not known is null, in the table "unknown", and a line says why; never 0.
#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "report/run_figures.h"

namespace bitsmith {

// How well a model predicts a text with the accelerator's number formats.
struct ComparedAccuracy {
  std::string quantization;
  double perplexity = 0;
  double fp32_perplexity = 0;
  std::uint64_t tokens = 0;         // of the text
  std::uint64_t operators = 0;      // of the model, by name
  std::uint64_t by_the_design = 0;  // of these, that the design's arithmetic computed
};

struct Compared {
  std::string name;
  std::string file;
  nlohmann::ordered_json config;
  std::string array;  // "rows 16, cols 16": the sizes of its array
  std::uint64_t pes = 0;
  std::uint64_t peak_macs_per_cycle = 0;
  double clock_ghz = 0;
  double seconds = 0;
  RunCounts counts;
  std::optional<std::uint64_t> dram_bytes;  // read and written
  RunEnergy energy_pj;
  RunArea area_um2;
  bool mixed_nodes = false;          // of array and SRAM, whether or not totals add them up
  std::vector<std::string> missing;  // what is unknown, and why
  std::vector<std::string> remarks;  // what to know of what is known
  std::optional<ComparedAccuracy> accuracy;
  std::vector<std::string> errors;  // why it cannot run the workload; then all figures are void
};

// Fills in all but file, array and accuracy.
Compared compared_of(const RunReportInput& input);
// What --iso area compares: the vector unit does not grow with the array. Nothing where one is
// unknown, or they are of different nodes.
std::optional<double> array_and_buffers_um2(const RunArea& area);
// What of that area is unknown, and why: "array: ...". Energies are not looked at.
std::vector<std::string> missing_area(const Accelerator& accelerator, const RunCost& cost);
// What of a run's cost is unknown, and why: "array: ...".
std::vector<std::string> missing_cost(const Accelerator& accelerator, const RunCost& cost,
                                      const std::string& engine);

// Where arrays were resized. What they miss of `wanted` is taken out of ratios of cycles, seconds
// and EDP (times the array's size by the baseline's) and of MACs per cycle (divided by it), as if
// speed grew with size.
struct IsoSize {
  enum class Kind { pes, area } kind = Kind::pes;
  double wanted = 0;  // PEs, or um2 of array and buffers
};

struct Comparison {
  std::string workload;
  std::string engine;
  std::size_t baseline = 0;  // has no errors
  std::optional<IsoSize> iso;
  std::vector<Compared> designs;
};

struct ComparedFigure {
  enum class OfSize { independent, shrinks, grows };

  const char* name;  // in JSON
  const char* label;
  OfSize of_size;  // how an array's size changes it, for IsoSize
  bool is_count;
  std::optional<double> (*value)(const Compared& design);
};

// cycles, seconds, energy_pj, area_um2, ...
std::span<const ComparedFigure> compared_figures();

// By the baseline's; nothing where one is unknown or the baseline's is 0. `normalised` says whether
// IsoSize applies.
std::optional<double> ratio(const Comparison& comparison, const Compared& design,
                            const ComparedFigure& figure, bool normalised);
// The size of its array by the wanted one, minus 1; nothing without IsoSize.
std::optional<double> residual(const Comparison& comparison, const Compared& design);

// The parts of energy_pj, in the order in which they are added up.
struct EnergyPart {
  const char* name;
  std::optional<double> (*value)(const RunEnergy& energy);
};
inline constexpr std::array<EnergyPart, 5> kEnergyParts = {{
    {"array", [](const RunEnergy& e) { return e.array; }},
    {"buffers", [](const RunEnergy& e) { return e.buffers; }},
    {"dram", [](const RunEnergy& e) { return e.dram_total(); }},
    {"vector", [](const RunEnergy& e) { return e.vector; }},
    {"leakage", [](const RunEnergy& e) { return e.leakage.total(); }},
}};

nlohmann::ordered_json comparison_json(const Comparison& comparison);
std::string comparison_table(const Comparison& comparison);

}  // namespace bitsmith
