// Area, critical path and energy of an array in a run: the records of its modules times how often
// and in what they were.
//
// A PE's cycles are those of PeCycles; a module that is none (RtlDescription::Module) is fed
// where a token enters the array, stalled where the array takes no step, else idle. Leakage is
// apart: it takes time, not cycles. What is not known is absent, with a note that says why.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cost/sram.h"
#include "cost/technology.h"
#include "system/accelerator.h"
#include "system/run_result.h"

namespace bitsmith {

struct ArrayModule {
  // Of one class of cycles.
  struct Use {
    PeCycleClass cycle;
    double cycles = 0;  // of all instances together
    double pj_per_cycle = 0;
    double pj() const { return cycles * pj_per_cycle; }
  };
  ModuleFigures figures;
  bool is_pe = false;
  std::vector<Use> uses;  // classes that occur; empty where energies are not known

  const ModuleCost& cost() const { return figures.record.cost; }
};

// SRAM that belongs to the array. The table knows macros of one port; the RTL's have a port more,
// which takes more area and leakage.
struct ArrayMemory {
  RtlDescription::Memory memory;
  SramFigures macro;                    // of one instance
  std::uint64_t reads = 0, writes = 0;  // words of all instances

  double pj() const {
    return static_cast<double>(reads) * macro.read_pj +
           static_cast<double>(writes) * macro.write_pj;
  }
};

struct ArrayFigures {
  std::string technology;
  TechnologySource source;
  OperandClass operands = OperandClass::llm;
  std::vector<ArrayModule> modules;
  std::vector<ArrayMemory> memories;  // in the SRAM of the accelerator, by add_array_memories()
  // Of modules and memories.
  std::optional<double> area_um2;
  std::optional<double> leakage_uw;
  std::optional<double> critical_path_ps;
  std::optional<double> dynamic_pj;  // switching, clock and registers
  bool overclocked = false;
  std::optional<double> wanted_clock_ghz;  // where limit_clock() made it slower
  std::vector<std::string> notes;          // what is missing, and what makes it

  std::optional<double> maximum_clock_ghz() const;
  // Whether any module's figures are of that origin.
  bool has(ModuleFigures::Origin origin) const;
  bool extrapolated() const { return has(ModuleFigures::Origin::extrapolated); }
  // Fitted at any size, within or beyond those measured.
  bool interpolated() const { return has(ModuleFigures::Origin::interpolated) || extrapolated(); }
  bool estimated() const { return has(ModuleFigures::Origin::estimated); }
};

// With technology.limit_clock: slows the accelerator's clock down to what the critical path of its
// array's modules allows, in whole picoseconds; a module without a record counts as slow as those
// of its name that differ in the fewest parameters. Returns the clock it had when it was faster.
std::optional<double> limit_clock(Accelerator& accelerator, TechnologyShelf& shelf);

// Of an accelerator that names a technology, else none. Without `counts`, or where nobody counted
// PE-cycles, without energy. Throws UserError when there is no such technology, and when the clock
// is above what the critical path allows and neither technology.allow_overclock nor limit_clock
// is set. Estimates, where allowed, have no critical path.
std::optional<ArrayFigures> array_figures(const Accelerator& accelerator, TechnologyShelf& shelf,
                                          const RunCounts* counts,
                                          OperandClass operands = OperandClass::llm);

// Adds the design's memories, in the accelerator's SRAM. Where that is not named, or of another
// node, which technology.allow_mixed_nodes does not allow, area and energy become unknown, with a
// note. Nothing for a design without memories.
void add_array_memories(const Accelerator& accelerator, const RunCounts& counts,
                        const SramTable& table, ArrayFigures& array);

}  // namespace bitsmith
