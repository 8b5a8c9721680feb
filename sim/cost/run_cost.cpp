#include "cost/run_cost.h"

namespace bitsmith {
namespace {

BuffersCost buffers_cost(const MemoryParams& memory, const SramTable& table) {
  const SramTechnology technology = sram_technology(memory.sram);
  return {buffer_cost(table, technology, memory.activation_buffer),
          buffer_cost(table, technology, memory.weight_buffer),
          buffer_cost(table, technology, memory.result_buffer)};
}

double access_energy(const BufferCost& cost, std::uint64_t reads, std::uint64_t writes) {
  return static_cast<double>(reads) * cost.read_pj + static_cast<double>(writes) * cost.write_pj;
}

}  // namespace

std::optional<double> sum_of(std::initializer_list<std::optional<double>> parts) {
  double sum = 0;
  for (const std::optional<double>& part : parts) {
    if (!part) return std::nullopt;
    sum += *part;
  }
  return sum;
}

void require_sram(const Accelerator& accelerator, const GetSramTable& table) {
  if (!accelerator.memory || accelerator.memory->sram.device == SramDevice::none) return;
  try {
    table().require(sram_technology(accelerator.memory->sram));
  } catch (const UserError& error) {
    throw UserError(fmt::format("accelerator {}: sram: {}", accelerator.name, error.what()));
  }
}

namespace {

constexpr double kPicojoulesPerMicrowattSecond = 1e6;

void add_array(const Accelerator& accelerator, const RunCounts& counts, double seconds,
               const GetSramTable& table, std::optional<ArrayFigures> array, RunCost& cost) {
  if (!array) return;
  if (!accelerator.design->rtl().memories.empty()) {
    require_sram(accelerator, table);
    add_array_memories(accelerator, counts, table(), *array);
  }
  cost.area_um2.array = array->area_um2;
  cost.energy_pj.array = array->dynamic_pj;
  if (array->leakage_uw) {
    cost.energy_pj.leakage.array = *array->leakage_uw * seconds * kPicojoulesPerMicrowattSecond;
  }
  if (accelerator.memory && accelerator.memory->sram.device != SramDevice::none) {
    // A library whose node is not told may be of any.
    cost.mixed_nodes = array->source.node_nm != accelerator.memory->sram.node_nm;
    const bool add_up = !cost.mixed_nodes || accelerator.technology.allow_mixed_nodes;
    cost.energy_pj.parts_add_up = cost.area_um2.parts_add_up = add_up;
  }
  cost.array = std::move(array);
}

void add_vector(double seconds, std::optional<VectorFigures> vector, RunCost& cost) {
  if (!vector) return;
  cost.area_um2.vector = vector->area_um2;
  cost.energy_pj.vector = vector->dynamic_pj;
  if (vector->leakage_uw) {
    cost.energy_pj.leakage.vector = *vector->leakage_uw * seconds * kPicojoulesPerMicrowattSecond;
  }
  cost.vector = std::move(vector);
}

}  // namespace

RunCost run_cost(const Accelerator& accelerator, const RunCounts& counts, double seconds,
                 const GetSramTable& table, std::optional<ArrayFigures> array,
                 std::optional<VectorFigures> vector) {
  RunCost cost;
  add_array(accelerator, counts, seconds, table, std::move(array), cost);
  add_vector(seconds, std::move(vector), cost);
  if (!accelerator.memory) return cost;
  const MemoryParams& memory = *accelerator.memory;
  const SystemCounts& system = counts.system;
  cost.energy_pj.dram = dram_energy(memory.dram, system, seconds);
  if (memory.sram.device == SramDevice::none) return cost;
  require_sram(accelerator, table);
  const BuffersCost buffers = buffers_cost(memory, table());
  cost.energy_pj.buffers =
      access_energy(buffers.activation, system.activation_buffer_reads,
                    system.activation_buffer_writes) +
      access_energy(buffers.weight, system.weight_buffer_reads, system.weight_buffer_writes) +
      access_energy(buffers.result, system.result_buffer_reads, system.result_buffer_writes);
  double leakage_mw = 0, area_um2 = 0;
  for (const BufferCost* buffer : {&buffers.activation, &buffers.weight, &buffers.result}) {
    leakage_mw += buffer->leakage_mw;
    area_um2 += buffer->area_um2;
  }
  constexpr double kPicojoulesPerMilliwattSecond = 1e9;
  cost.energy_pj.leakage.buffers = leakage_mw * seconds * kPicojoulesPerMilliwattSecond;
  cost.area_um2.buffers = area_um2;
  cost.buffers = buffers;
  return cost;
}

}  // namespace bitsmith
