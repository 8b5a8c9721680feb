// What synthesis and gate-level simulation say of one module of a design: the unit in which the
// records of a technology are kept.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cost/energy.h"
#include "cost/synthesis.h"
#include "cost/word_cells.h"

namespace bitsmith {

// What the operands look like. All are seeded samples in the design's own formats.
enum class OperandClass {
  uniform,  // every code equally likely
  normal,   // quantized N(0,1), scaled to the format's range as the quantizers do
  llm,      // the generated LLM-like tensors: heavy tails, outlier channels
  zero,     // all operands 0, controls as in the others
};
inline constexpr std::size_t kOperandClasses = 4;
inline constexpr std::array<std::string_view, kOperandClasses> kOperandClassNames = {
    "uniform", "normal", "llm", "zero"};

// Which of PeCycles a cycle counts as. A module that is no PE (an edge, a column's adders) has no
// `pad`: with it, mac is any step in which a token enters the array.
enum class PeCycleClass { mac, pad, idle, stalled };
inline constexpr std::size_t kPeCycleClasses = 4;
inline constexpr std::array<std::string_view, kPeCycleClasses> kPeCycleClassNames = {
    "mac", "pad", "idle", "stalled"};

// Energy per cycle of one instance, by class; none where the module has no such cycles.
class ModuleEnergies {
 public:
  std::optional<EnergyRecord>& at(OperandClass operands, PeCycleClass cycle) {
    return records_[static_cast<std::size_t>(operands)][static_cast<std::size_t>(cycle)];
  }
  const std::optional<EnergyRecord>& at(OperandClass operands, PeCycleClass cycle) const {
    return records_[static_cast<std::size_t>(operands)][static_cast<std::size_t>(cycle)];
  }

 private:
  std::array<std::array<std::optional<EnergyRecord>, kPeCycleClasses>, kOperandClasses> records_;
};

// Of our way from RTL to figures (synthesis script, stimuli, windows, power integration). To be
// raised when figures change with it: records of another method are stale, as those of other RTL.
inline constexpr std::uint32_t kRecordMethod = 2;

// What a record was made with.
struct RecordTools {
  std::uint32_t method = kRecordMethod;
  std::string yosys, opensta, iverilog;  // what they call themselves
  std::string date;                      // YYYY-MM-DD

  bool operator==(const RecordTools&) const = default;
};

struct ModuleRecord {
  ModuleCost cost;           // `instances` is 1
  RtlParameters parameters;  // what the module was elaborated with
  std::string operands;      // what its design computes on; "": nothing that a class could shape
  std::string rtl_hash;      // of the design's sources: another one makes the record stale
  double target_period_ps = 0;
  double energy_period_ps = 0;  // of the clock at which energy was measured: only leakage_pj
                                // depends on it
  ModuleEnergies energies;
  RecordTools tools;
  std::optional<WordCells> word_cells;  // where they were counted
};

// Whether there is any.
inline bool has_energies(const ModuleRecord& record) {
  for (std::size_t operands = 0; operands < kOperandClasses; ++operands) {
    for (std::size_t cycle = 0; cycle < kPeCycleClasses; ++cycle) {
      const auto o = static_cast<OperandClass>(operands);
      if (record.energies.at(o, static_cast<PeCycleClass>(cycle))) return true;
    }
  }
  return false;
}

// What a cycle takes whatever its length.
inline double dynamic_pj(const EnergyRecord& record) {
  return record.switching_pj + record.internal_pj + record.clock_and_registers_pj;
}

}  // namespace bitsmith
