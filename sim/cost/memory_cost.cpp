#include "cost/memory_cost.h"

#include "common/divide.h"
#include "common/error.h"

namespace bitsmith {

SramTechnology sram_technology(const SramParams& sram) {
  switch (sram.device) {
    case SramDevice::none:
      break;
    case SramDevice::itrs_hp:
      return {sram.node_nm, "itrs-hp"};
    case SramDevice::itrs_lop:
      return {sram.node_nm, "itrs-lop"};
    case SramDevice::itrs_lstp:
      return {sram.node_nm, "itrs-lstp"};
    case SramDevice::ihp_sg13g2:
      return {sram.node_nm, "ihp-sg13g2"};
  }
  throw InternalError("SRAM of no known device");
}

BufferCost buffer_cost(const SramTable& table, const SramTechnology& technology,
                       const BufferParams& buffer) {
  const std::uint64_t words = pieces(buffer.half_bits(), buffer.bits_per_cycle());
  BufferCost cost;
  cost.macro = table.macro(technology, words, buffer.port_bits);
  cost.macros = std::uint64_t{2} * buffer.banks;
  const SramFigures& bank = cost.macro.figures;
  cost.read_pj = buffer.banks * bank.read_pj;
  cost.write_pj = buffer.banks * bank.write_pj;
  cost.leakage_mw = static_cast<double>(cost.macros) * bank.leakage_mw;
  cost.area_um2 = static_cast<double>(cost.macros) * bank.area_um2;
  return cost;
}

std::optional<DramEnergy> dram_energy(const DramParams& dram, const SystemCounts& counts,
                                      double seconds) {
  if (!dram.energy) return std::nullopt;
  constexpr double kPicojoulesPerMilliwattSecond = 1e9;
  const DramEnergyParams& of = *dram.energy;
  const auto bytes_of = [&](std::uint64_t accesses) {
    return static_cast<double>(accesses) * dram.access_bytes;
  };
  const double read = bytes_of(counts.dram_reads()), written = bytes_of(counts.dram_writes());
  return DramEnergy{.transfers_pj = 8 * (read * of.read_pj_per_bit + written * of.write_pj_per_bit),
                    .activations_pj = (read + written) / of.row_bytes * of.activate_pj,
                    .background_pj = of.background_mw * seconds * kPicojoulesPerMilliwattSecond,
                    .refresh_pj = seconds * 1e9 / of.refresh_interval_ns * of.refresh_pj};
}

}  // namespace bitsmith
