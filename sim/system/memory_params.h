// What surrounds the array: buffers, DMA, DRAM, vector unit, sequencer, mapping.
// sim/system/README.md says what they do with it.
#pragma once

#include <cstdint>
#include <optional>

#include "config/parameter_table.h"
#include "mapping/blocks.h"
#include "mapping/weight_converter.h"

namespace bitsmith {

enum class DramKind { ideal };

// Energy of all devices of the memory together, as datasheets' currents give it.
struct DramEnergyParams {
  double read_pj_per_bit = 0;
  double write_pj_per_bit = 0;
  double activate_pj = 0;          // of a row, its precharge included
  std::uint32_t row_bytes = 1024;  // that an activation opens
  double background_mw = 0;        // a row open, nothing going on
  double refresh_pj = 0;
  double refresh_interval_ns = 7800;
};

// A file of configs/memory.
struct DramParams {
  DramKind kind = DramKind::ideal;
  double bandwidth_gb_s = 25.6;  // 1e9 bytes per second
  double latency_ns = 30.0;      // from the end of a transfer to its answer
  std::uint32_t access_bytes = 64;
  std::optional<DramEnergyParams> energy;  // none: not known
};

// Both halves together.
struct BufferParams {
  std::uint64_t capacity_bytes = 131072;
  std::uint32_t banks = 8;  // of a half, accessed together
  std::uint32_t port_bits = 64;
  std::uint32_t latency = 1;  // cycles from an address to its word

  std::uint64_t half_bits() const { return capacity_bytes / 2 * 8; }
  // Bits that a half reads or writes in a cycle.
  std::uint64_t bits_per_cycle() const { return std::uint64_t{banks} * port_bits; }
  std::uint64_t cycles_for(std::uint64_t bits) const {
    return (bits + bits_per_cycle() - 1) / bits_per_cycle();
  }
};

// The devices of configs/tech/sram.csv; none: not known.
enum class SramDevice { none, itrs_hp, itrs_lop, itrs_lstp, ihp_sg13g2 };

// What the macros of the buffers are made in, which their energy and area come from
// (cost/sram.h).
struct SramParams {
  std::uint32_t node_nm = 22;
  SramDevice device = SramDevice::none;
};

struct DmaParams {
  std::uint32_t outstanding = 64;  // requests without an answer
  std::uint32_t setup_cycles = 2;  // per descriptor
};

// Passes over the elements of an operator; one pass takes `lanes` elements per cycle.
struct VectorParams {
  std::uint32_t lanes = 16;
  std::uint32_t latency = 4;            // cycles from the last elements in to their results out
  std::uint32_t dequantize_passes = 1;  // accumulator to the stored format, whatever that is
  std::uint32_t norm_passes = 2;        // statistics; scale
  std::uint32_t softmax_passes = 3;     // maximum; exponential and sum; division
  std::uint32_t rotary_passes = 1;
  std::uint32_t activation_passes = 1;
  std::uint32_t multiply_passes = 1;
  std::uint32_t add_passes = 1;
  std::uint32_t embedding_passes = 1;
};

struct SequencerParams {
  std::uint32_t block_cycles = 2;
};

enum class LoopChoice { best, m_outer, n_outer };

// 0, best: chosen per GEMM, by fewest cycles, then least DRAM traffic.
struct MappingParams {
  std::uint64_t block_m = 0;
  std::uint64_t block_n = 0;
  std::uint64_t block_k = 0;
  LoopChoice loop_order = LoopChoice::best;
};

struct MemoryParams {
  DramParams dram;
  BufferParams activation_buffer;
  BufferParams weight_buffer;
  BufferParams result_buffer;
  SramParams sram;
  DmaParams dma;
  VectorParams vector;
  SequencerParams sequencer;
  MappingParams mapping;
  const Format* stored = find_format("fp16");  // results of GEMMs, inputs of vector operators
  bool fuse_dequantize = true;   // results are converted on their way out; otherwise by an operator
                                 // of their own, through DRAM
  bool fuse_activation = false;  // an MLP's activation function is applied with that conversion
  std::optional<WeightConverter> weight_converter;

  // What converts the W of a GEMM, or null.
  const WeightConverter* converter_of(bool weights_are_kv_cache) const {
    if (!weight_converter || (weights_are_kv_cache && !weight_converter->kv_cache)) return nullptr;
    return &*weight_converter;
  }
};

// Constants of the memory system in cycles and picoseconds.
struct DramTimes {
  std::uint64_t access_ps = 1;
  std::uint64_t latency_ps = 0;
};

struct MemoryTimes {
  std::uint64_t period_ps = 1000;  // of the clock
  DramTimes dram;
  std::uint64_t access_bytes = 64;
  std::uint64_t a_write_cycles = 1;  // of one access into the buffer
  std::uint64_t w_write_cycles = 1;
  std::uint64_t converted_access_ps = 0;     // an access with codes of converted weights
  std::uint64_t converted_write_cycles = 0;  // from its answer until they are in the buffer
  std::uint64_t y_read_cycles = 1;           // of one access out of the result buffer
  std::uint64_t operand_latency = 1;         // of the activation and weight buffers
  std::uint64_t a_port_cycles = 1;           // of a beat
  std::uint64_t w_port_cycles = 1;
  std::uint64_t s_port_cycles = 0;  // 0: the design has no scales
  std::uint64_t y_port_cycles = 1;
  std::uint64_t interval = 1;  // II: the largest of these

  std::uint64_t edge_at_or_after(std::uint64_t ps) const {
    return (ps + period_ps - 1) / period_ps;
  }
};

}  // namespace bitsmith
