#include "system/run_result.h"

namespace bitsmith {

void StallCycles::add(const StallCycles& other, std::uint64_t times) {
  fill_drain += times * other.fill_drain;
  weights += times * other.weights;
  activations += times * other.activations;
  results += times * other.results;
  vector += times * other.vector;
  control += times * other.control;
  refresh += times * other.refresh;
}

void SystemCounts::add(const SystemCounts& other, std::uint64_t times) {
  blocks += times * other.blocks;
  descriptors += times * other.descriptors;
  weight_reads += times * other.weight_reads;
  kv_cache_reads += times * other.kv_cache_reads;
  activation_reads += times * other.activation_reads;
  kv_cache_writes += times * other.kv_cache_writes;
  result_writes += times * other.result_writes;
  activation_buffer_writes += times * other.activation_buffer_writes;
  activation_buffer_reads += times * other.activation_buffer_reads;
  weight_buffer_writes += times * other.weight_buffer_writes;
  weight_buffer_reads += times * other.weight_buffer_reads;
  result_buffer_writes += times * other.result_buffer_writes;
  result_buffer_reads += times * other.result_buffer_reads;
  weight_conversions += times * other.weight_conversions;
  vector_operations += times * other.vector_operations;
}

void RunCounts::add(const RunCounts& other, std::uint64_t times) {
  cycles += times * other.cycles;
  array_cycles += times * other.array_cycles;
  stall_cycles.add(other.stall_cycles, times);
  macs += times * other.macs;
  jobs += times * other.jobs;
  pe_cycles.mac += times * other.pe_cycles.mac;
  pe_cycles.pad += times * other.pe_cycles.pad;
  pe_cycles.idle += times * other.pe_cycles.idle;
  pe_cycles.stalled += times * other.pe_cycles.stalled;
  actions.add(other.actions, times);
  system.add(other.system, times);
}

}  // namespace bitsmith
