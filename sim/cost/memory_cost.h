// Energy and area of what surrounds the array: buffers out of an SRAM table, DRAM out of the
// energies of its file. Counts are those of a run (system/run_result.h).
#pragma once

#include <cstdint>
#include <optional>

#include "cost/sram.h"
#include "system/memory_params.h"
#include "system/run_result.h"

namespace bitsmith {

// As the table of SRAMs calls it; a device there is.
SramTechnology sram_technology(const SramParams& sram);

// A buffer: two halves of `banks` macros each, every macro with one port of port_bits.
struct BufferCost {
  SramMacro macro;  // of one bank of one half
  std::uint64_t macros = 0;
  double read_pj = 0;     // of a word of the buffer: all banks of a half
  double write_pj = 0;    //
  double leakage_mw = 0;  // of both halves, powered all the time
  double area_um2 = 0;
};

BufferCost buffer_cost(const SramTable& table, const SramTechnology& technology,
                       const BufferParams& buffer);

struct DramEnergy {
  double transfers_pj = 0;
  double activations_pj = 0;
  double background_pj = 0;
  double refresh_pj = 0;

  double total_pj() const { return transfers_pj + activations_pj + background_pj + refresh_pj; }
};

// Of a run that took `seconds`; nothing where the memory's file has no energies. Transfers are
// whole accesses. The ideal DRAM has no rows: blocks are contiguous, so an activation is charged
// for every row_bytes moved, the least there can be. Background is that of an open row all the
// time.
std::optional<DramEnergy> dram_energy(const DramParams& dram, const SystemCounts& counts,
                                      double seconds);

}  // namespace bitsmith
