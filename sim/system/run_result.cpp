#include "system/run_result.h"

namespace bitsmith {

void RunCounts::add(const RunCounts& other, std::uint64_t times) {
  cycles += times * other.cycles;
  array_cycles += times * other.array_cycles;
  stall_cycles.fill_drain += times * other.stall_cycles.fill_drain;
  stall_cycles.weights += times * other.stall_cycles.weights;
  stall_cycles.activations += times * other.stall_cycles.activations;
  stall_cycles.results += times * other.stall_cycles.results;
  stall_cycles.vector += times * other.stall_cycles.vector;
  stall_cycles.control += times * other.stall_cycles.control;
  stall_cycles.refresh += times * other.stall_cycles.refresh;
  macs += times * other.macs;
  jobs += times * other.jobs;
  pe_cycles.mac += times * other.pe_cycles.mac;
  pe_cycles.pad += times * other.pe_cycles.pad;
  pe_cycles.idle += times * other.pe_cycles.idle;
  pe_cycles.stalled += times * other.pe_cycles.stalled;
  actions.add(other.actions, times);
}

}  // namespace bitsmith
