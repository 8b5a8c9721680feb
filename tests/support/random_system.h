// Small random accelerators with random plans, for both engines: every dataflow, format and
// pipeline, ports and banks that slow the array down, DRAMs from starving to abundant, mappings
// random among those that fit.
#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "common/divide.h"
#include "common/error.h"
#include "pe/systolic/design.h"
#include "support/bit_serial_jobs.h"
#include "support/lut_tensor_core_jobs.h"
#include "support/mixpe_jobs.h"
#include "system/accelerator.h"
#include "system/plan.h"
#include "system/program.h"

namespace bitsmith::test {

class SystemMaker {
 public:
  // GEMMs of at most `largest` rows, columns and K; vector operators of ten times as many elements.
  explicit SystemMaker(std::uint64_t seed, std::uint64_t largest = 30)
      : random_(seed), largest_(largest) {}

  Accelerator accelerator;
  std::vector<PlannedOperator> plan;

  void make() {
    many_blocks_ = chance(20);
    make_design();
    make_memory();
    make_converter();
    make_plan();
    fit_buffers();
  }

  std::string text() const {
    const MemoryParams& m = *accelerator.memory;
    std::string text = accelerator.design->resolved().dump();
    const auto buffer = [&](const char* name, const BufferParams& b) {
      text += fmt::format("\n{}: {} bytes, {} x {} bits, latency {}", name, b.capacity_bytes,
                          b.banks, b.port_bits, b.latency);
    };
    buffer("activation_buffer", m.activation_buffer);
    buffer("weight_buffer", m.weight_buffer);
    buffer("result_buffer", m.result_buffer);
    text += fmt::format(
        "\nclock {} GHz, DRAM {} GB/s {} ns {} bytes, outstanding {}, setup {}, lanes {} latency "
        "{}, "
        "block_cycles {}, stored {}, fuse {} {}",
        accelerator.params.clock_ghz, m.dram.bandwidth_gb_s, m.dram.latency_ns, m.dram.access_bytes,
        m.dma.outstanding, m.dma.setup_cycles, m.vector.lanes, m.vector.latency,
        m.sequencer.block_cycles, m.stored->name, m.fuse_dequantize, m.fuse_activation);
    if (m.weight_converter) {
      text += "\nconverter " + weight_converter_table().resolved(*m.weight_converter).dump();
    }
    for (const PlannedOperator& planned : plan) text += "\n" + text_of(planned);
    return text;
  }

 private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  std::uint64_t from_to(std::uint64_t least, std::uint64_t most) {
    return least + below(most - least + 1);
  }
  bool chance(std::uint64_t one_in) { return below(one_in) == 0; }
  const Format* one_of(std::initializer_list<const char*> names) {
    return find_format(names.begin()[below(names.size())]);
  }

  static std::string text_of(const PlannedOperator& planned) {
    const ProgramOperator& p = planned.program;
    if (!planned.mapping) {
      return fmt::format("{}: {} elements, {} -> {} bits, {} passes", p.op.name, p.vector.elements,
                         p.vector.input_bits, p.vector.output_bits, p.vector.passes);
    }
    return fmt::format("{}: {}x{}x{} x{} in {}x{}x{} {}, {} passes", p.op.name, p.op.gemm.m,
                       p.op.gemm.n, p.op.gemm.k, p.op.count, planned.mapping->block_m,
                       planned.mapping->block_n, planned.mapping->block_k,
                       planned.mapping->order == LoopOrder::m_outer ? "m_outer" : "n_outer",
                       p.passes);
  }

  void make_design() {
    accelerator.name = "random";
    accelerator.params.clock_ghz = 1000.0 / static_cast<double>(from_to(200, 2000));
    switch (below(5)) {
      case 0:
        return make_bit_serial();
      case 1:
        return make_lut_tensor_core();
      case 2:
        return make_mixpe();
      default:
        return make_systolic();
    }
  }

  // As above, two by two units of two by three lanes at most.
  void make_lut_tensor_core() {
    lut_tensor_core::Params params = random_lut_params(random_);
    params.m = static_cast<std::uint32_t>(from_to(1, 2));
    params.n = static_cast<std::uint32_t>(from_to(1, 3));
    params.group = (8 / params.k + (8 % params.k == 0 ? 0 : 1)) * params.k;
    accelerator.design = std::make_unique<lut_tensor_core::Design>(params);
  }

  // Groups short enough for K to have several.
  void make_bit_serial() {
    bit_serial::Params params = random_bit_serial_params(random_);
    params.row_tiles = static_cast<std::uint32_t>(from_to(1, 3));
    params.rows = params.row_tiles * static_cast<std::uint32_t>(from_to(1, 6 / params.row_tiles));
    if (!params.skip_zero_terms) params.cols = static_cast<std::uint32_t>(from_to(1, 6));
    params.group = 8;
    accelerator.design = std::make_unique<bit_serial::Design>(params);
  }

  // Groups as short as they are made; a channel as long as the longest K.
  void make_mixpe() {
    mixpe::Params params = random_mixpe_params(random_);
    params.rows = static_cast<std::uint32_t>(from_to(1, 6));
    params.cols = static_cast<std::uint32_t>(from_to(1, 6));
    if (params.group != mixpe::kChannel) params.group = 16;
    if (params.group == mixpe::kChannel) params.k_bits = 8;
    accelerator.design = std::make_unique<mixpe::Design>(params);
  }

  void make_systolic() {
    using namespace systolic;
    Params params;
    params.rows = static_cast<std::uint32_t>(from_to(1, 6));
    params.cols = static_cast<std::uint32_t>(from_to(1, 6));
    params.dataflow = static_cast<Dataflow>(below(3));
    params.acc_rows = static_cast<std::uint32_t>(from_to(1, 12));
    params.drain = static_cast<Drain>(below(2));
    params.preload = static_cast<Preload>(below(2));
    params.pipeline = static_cast<std::uint32_t>(from_to(1, 3));
    if (params.pipeline == 3 || chance(3)) {
      params.activation = one_of({"fp8_e4m3", "fp16", "bf16", "fp8_e5m2"});
      params.weight = one_of({"fp8_e4m3", "fp16", "bf16", "fp4_e2m1"});
    } else {
      params.activation = one_of({"int8", "int4", "int16", "int3"});
      params.weight = one_of({"int8", "int4", "int2"});
      if (chance(3)) {
        params.overflow = chance(2) ? systolic::Overflow::wrap : systolic::Overflow::saturate;
        params.accumulator_bits = static_cast<std::uint32_t>(from_to(26, 34));
      }
    }
    accelerator.design = std::make_unique<systolic::Design>(params);
  }

  void make_memory() {
    MemoryParams memory;
    for (BufferParams* buffer :
         {&memory.activation_buffer, &memory.weight_buffer, &memory.result_buffer}) {
      buffer->banks = static_cast<std::uint32_t>(from_to(1, 4));
      buffer->port_bits = static_cast<std::uint32_t>(chance(2) ? from_to(5, 40) : 64);
      buffer->latency = static_cast<std::uint32_t>(from_to(1, 4));
    }
    memory.dram.access_bytes = static_cast<std::uint32_t>(from_to(1, 40));
    memory.dram.bandwidth_gb_s = static_cast<double>(from_to(1, 30000)) / 300.0;
    memory.dram.latency_ns = static_cast<double>(chance(3) ? 0 : below(90000)) / 1000.0;
    memory.dma.outstanding = static_cast<std::uint32_t>(chance(2) ? from_to(1, 3) : from_to(4, 64));
    memory.dma.setup_cycles = static_cast<std::uint32_t>(below(7));
    memory.vector.lanes = static_cast<std::uint32_t>(from_to(1, 20));
    memory.vector.latency = static_cast<std::uint32_t>(below(12));
    memory.vector.dequantize_passes = static_cast<std::uint32_t>(from_to(1, 3));
    memory.sequencer.block_cycles = static_cast<std::uint32_t>(from_to(1, 5));
    memory.stored = one_of({"fp16", "bf16", "fp8_e4m3", "int8"});
    memory.fuse_dequantize = !chance(4);
    memory.fuse_activation = chance(2);
    accelerator.memory = memory;
  }

  // For most of the arrays that can have one, from a few tries. Pace, latency and groups from
  // nothing to much.
  void make_converter() {
    for (int i = 0; i < 4 && !accelerator.memory->weight_converter; ++i) try_converter();
  }
  void try_converter() {
    WeightConverter converter;
    converter.stored = one_of({"uint4", "int4", "uint2", "int3", "uint8", "int8", "uint5"});
    converter.scale = static_cast<ConverterScale>(below(3));
    converter.zero_points = !converter.stored->is_signed && chance(2);
    converter.group = static_cast<std::uint32_t>(chance(2) ? from_to(1, 8) : from_to(9, 60));
    converter.lanes = static_cast<std::uint32_t>(chance(2) ? from_to(1, 4) : from_to(5, 200));
    converter.latency = static_cast<std::uint32_t>(below(12));
    converter.kv_cache = chance(2);
    if (!cannot_serve(converter, *accelerator.design)) {
      accelerator.memory->weight_converter = converter;
    }
  }

  Workload make_workload() {
    Workload workload{"random", {}};
    if (many_blocks_) {
      Operator op;
      op.name = "op";
      op.gemm = {from_to(10, 50), from_to(10, 50), from_to(1, 20)};
      op.count = from_to(1, 4);
      workload.operators.push_back(op);
      return workload;
    }
    const std::uint64_t count = from_to(1, 3);
    for (std::uint64_t i = 0; i < count; ++i) {
      Operator op;
      op.name = fmt::format("op{}", i);
      op.repeat = from_to(1, 3);
      if (chance(4)) {
        op.kind = static_cast<OperatorKind>(from_to(1, 7));
        op.elements = from_to(1, 10 * largest_);
      } else {
        const std::uint64_t most = chance(2) ? largest_ : 10;
        op.gemm = {from_to(1, most), from_to(1, most), from_to(1, most)};
        op.count = from_to(1, 3);
        op.operator_class = chance(2) ? OperatorClass::attention_qk : OperatorClass::linear;
        op.results = static_cast<ResultUse>(below(4));
      }
      workload.operators.push_back(op);
    }
    return workload;
  }

  // Half of the sizes are the largest.
  std::uint64_t block_size(std::uint64_t size) {
    if (many_blocks_) return from_to(2, 8);
    return chance(2) ? size : from_to(1, size);
  }

  Mapping random_mapping(const ProgramOperator& program) {
    const GemmShape& gemm = program.op.gemm;
    const TileLimits limits = block_limits(
        *accelerator.design, accelerator.memory->converter_of(program.weights_are_kv_cache));
    Mapping mapping;
    mapping.order = chance(2) ? LoopOrder::m_outer : LoopOrder::n_outer;
    if (chance(3)) {
      mapping.block_m = from_to(1, std::min<std::uint64_t>(gemm.m, limits.m));
      mapping.block_n = from_to(1, std::min<std::uint64_t>(gemm.n, limits.n));
      // Groups stay whole.
      const std::uint64_t step = limits.k_step;
      mapping.block_k = std::min(gemm.k, pieces(from_to(1, gemm.k), step) * step);
    } else {
      mapping.block_m = block_size(gemm.m);
      mapping.block_n = block_size(gemm.n);
      mapping.block_k = gemm.k;
    }
    return mapping;
  }

  void make_plan() {
    for (ProgramOperator& program :
         make_program(make_workload(), *accelerator.design, *accelerator.memory)) {
      PlannedOperator planned{program, std::nullopt, 0};
      if (program.op.is_gemm()) {
        planned.mapping = random_mapping(program);
        planned.mappings_seen = 1;
      }
      plan.push_back(planned);
    }
  }

  // Capacities that just hold all blocks, or more.
  void fit_buffers() {
    std::uint64_t a = 1, w = 1, y = 1;
    for (const PlannedOperator& planned : plan) {
      if (!planned.mapping) {
        a = std::max(a, planned.program.vector.input_bits * from_to(1, 20));
        y = std::max(y, planned.program.vector.output_bits * from_to(1, 20));
        continue;
      }
      const Mapping& mapping = *planned.mapping;
      const BlockFootprint print =
          footprint(*accelerator.design, mapping.block_m, mapping.block_n, mapping.block_k);
      a = std::max(a, print.a_buffer_bits);
      w = std::max(w, print.w_buffer_bits + print.s_buffer_bits);
      y = std::max(y, print.y_buffer_bits);
    }
    const auto capacity = [&](std::uint64_t half_bits) {
      return 2 * ((half_bits + 7) / 8 + (chance(2) ? 0 : below(2000)));
    };
    accelerator.memory->activation_buffer.capacity_bytes = capacity(a);
    accelerator.memory->weight_buffer.capacity_bytes = capacity(w);
    accelerator.memory->result_buffer.capacity_bytes = capacity(y);
  }

  // Slower until the buffers keep up.
  std::mt19937_64 random_;
  std::uint64_t largest_;
  bool many_blocks_ = false;  // one GEMM of hundreds: what repeats may be skipped
};

}  // namespace bitsmith::test
