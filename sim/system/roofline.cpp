#include "system/roofline.h"

#include <algorithm>

#include "common/divide.h"
#include "common/error.h"
#include "mapping/blocks.h"
#include "mapping/schedule.h"

namespace bitsmith {
namespace {

__extension__ typedef unsigned __int128 Wide;

// ceil(a * b / c); the result is known to fit.
std::uint64_t scaled_up(std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  return static_cast<std::uint64_t>((Wide{a} * b + c - 1) / c);
}

// What one occurrence of an operator moves at least.
struct Traffic {
  std::uint64_t weights = 0;    // or KV cache
  std::uint64_t converted = 0;  // of these, codes that a converter takes, or fewer
  std::uint64_t activations = 0;
  std::uint64_t results = 0;
  std::uint64_t total() const { return weights + activations + results; }
};

// PE-cycles, generously; what stays below kMostPeCycles fits every counter.
double bound_of(const ProgramOperator& program, const Design& design, double cycles_per_byte) {
  constexpr double kMostBytes = 16;  // of an operand or result, scales included
  const Operator& op = program.op;
  const auto m = static_cast<double>(op.gemm.m), n = static_cast<double>(op.gemm.n),
             k = static_cast<double>(op.gemm.k), count = static_cast<double>(op.count);
  const auto elements = static_cast<double>(program.vector.elements);
  const double macs = op.is_gemm() ? m * n * k * count : 0;
  const double cycles =
      op.is_gemm()
          ? 1 + kMostBytes * (m * k + k * n + m * n) * count * cycles_per_byte
          : elements * (static_cast<double>(program.vector.passes) + kMostBytes * cycles_per_byte);
  return (macs + cycles * static_cast<double>(design.pe_count())) * static_cast<double>(op.repeat);
}

Traffic traffic_of(const ProgramOperator& program, const Design& design,
                   const WeightConverter* converter) {
  const Operator& op = program.op;
  Traffic traffic;
  if (op.is_gemm()) {
    const BlockFootprint whole = footprint(design, op.gemm.m, op.gemm.n, op.gemm.k, converter);
    traffic.weights = whole.w_dram_bytes * op.count;
    if (converter != nullptr) {
      traffic.converted = traffic.weights - pieces(whole.parameter_bits, 8) * op.count;
    }
    traffic.activations = whole.a_dram_bytes * op.count;
    traffic.results = pieces(whole.results * op.count * program.output_bits, 8);
  } else {
    traffic.activations = pieces(program.vector.elements * program.vector.input_bits, 8);
    traffic.results = pieces(program.vector.elements * program.vector.output_bits, 8);
  }
  return traffic;
}

// A converter may keep the DRAM for longer than its bandwidth asks for.
std::uint64_t dram_cycles(const Traffic& traffic, const MemoryTimes& times) {
  const Wide ps = Wide{traffic.total() - traffic.converted} * times.dram.access_ps +
                  Wide{traffic.converted} * times.converted_access_ps;
  const Wide ps_per_cycle = Wide{times.access_bytes} * times.period_ps;
  return static_cast<std::uint64_t>((ps + ps_per_cycle - 1) / ps_per_cycle);
}

std::uint64_t& cause_of(const Traffic& traffic, StallCycles& stalls) {
  if (traffic.weights >= std::max(traffic.activations, traffic.results)) return stalls.weights;
  return traffic.activations >= traffic.results ? stalls.activations : stalls.results;
}

RunCounts once(const Accelerator& accelerator, const MemoryTimes& times,
               const ProgramOperator& program) {
  const Design& design = *accelerator.design;
  const Operator& op = program.op;
  const WeightConverter* converter = accelerator.memory->converter_of(program.weights_are_kv_cache);
  const Traffic traffic = traffic_of(program, design, converter);
  RunCounts counts;
  std::uint64_t compute = 0;
  if (op.is_gemm()) {
    counts.macs = op.gemm.m * op.gemm.n * op.gemm.k * op.count;
    compute = pieces(counts.macs, design.peak_macs_per_cycle());
    counts.array_cycles = compute;
  } else {
    compute =
        program.vector.passes * pieces(program.vector.elements, accelerator.memory->vector.lanes);
    counts.stall_cycles.vector = compute;
  }
  const std::uint64_t dram = dram_cycles(traffic, times);
  counts.cycles = std::max(compute, dram);
  cause_of(traffic, counts.stall_cycles) += counts.cycles - compute;

  counts.pe_cycles.mac = scaled_up(counts.macs, design.pe_count(), design.peak_macs_per_cycle());
  counts.pe_cycles.idle = design.pe_count() * counts.cycles - counts.pe_cycles.mac;

  const auto accesses = [&](std::uint64_t bytes) { return pieces(bytes, times.access_bytes); };
  SystemCounts& system = counts.system;
  (program.weights_are_kv_cache ? system.kv_cache_reads : system.weight_reads) =
      accesses(traffic.weights);
  if (converter != nullptr) system.weight_conversions = op.gemm.k * op.gemm.n * op.count;
  system.activation_reads = accesses(traffic.activations);
  (program.results_are_kv_cache ? system.kv_cache_writes : system.result_writes) =
      accesses(traffic.results);
  return counts;
}

// Codes that a converter took.
double converted_bytes(const Accelerator& accelerator, const RunCounts& counts) {
  const std::optional<WeightConverter>& converter = accelerator.memory->weight_converter;
  if (!converter) return 0;
  return static_cast<double>(counts.system.weight_conversions) * converter->stored->bits / 8;
}

MemoryTimes times_of(const Accelerator& accelerator) {
  return memory_times(*accelerator.design, *accelerator.memory, accelerator.params.clock_ghz);
}

}  // namespace

double dram_bytes_per_cycle(const MemoryTimes& times) {
  return static_cast<double>(times.access_bytes) * static_cast<double>(times.period_ps) /
         static_cast<double>(times.dram.access_ps);
}

RunResult run_roofline(const Accelerator& accelerator, const std::vector<PlannedOperator>& plan) {
  if (!accelerator.memory) {
    throw UserError("engine 'roofline' needs a memory; the accelerator's 'memory' is none");
  }
  const MemoryTimes times = times_of(accelerator);
  const double cycles_per_byte =
      static_cast<double>(std::max(times.dram.access_ps, times.converted_access_ps)) /
      static_cast<double>(times.access_bytes * times.period_ps);
  RunResult result;
  double bound = 0;
  for (const PlannedOperator& planned : plan) {
    const Operator& op = planned.program.op;
    bound += bound_of(planned.program, *accelerator.design, cycles_per_byte);
    if (bound >= kMostPeCycles) {
      throw UserError(fmt::format(
          "up to operator '{}' it is more PE-cycles than 64-bit counters hold", op.name));
    }
    OperatorResult row{op, {}, planned.mapping, planned.mappings_seen};
    row.counts.add(once(accelerator, times, planned.program), op.repeat);
    result.total.add(row.counts, 1);
    result.operators.push_back(std::move(row));
  }
  return result;
}

RooflinePoint roofline_point(const Accelerator& accelerator, const RunCounts& counts) {
  check(accelerator.memory.has_value(), "a roofline needs a memory");
  const MemoryTimes times = times_of(accelerator);
  const double operations = 2 * static_cast<double>(counts.macs);
  const double bytes =
      static_cast<double>(counts.system.dram_reads() + counts.system.dram_writes()) *
      static_cast<double>(times.access_bytes);
  check(bytes > 0 && counts.cycles > 0, "a GEMM moves something and takes time");
  const double peak = 2 * static_cast<double>(accelerator.design->peak_macs_per_cycle());
  RooflinePoint point;
  point.operations_per_byte = operations / bytes;
  const double slope = point.operations_per_byte * dram_bytes_per_cycle(times);
  const double transfers =
      (bytes * static_cast<double>(times.dram.access_ps) +
       converted_bytes(accelerator, counts) * (static_cast<double>(times.converted_access_ps) -
                                               static_cast<double>(times.dram.access_ps))) /
      static_cast<double>(times.access_bytes * times.period_ps);
  point.bound = transfers > static_cast<double>(counts.array_cycles) ? RooflineBound::memory
                                                                     : RooflineBound::compute;
  point.attainable_ops_per_cycle = std::min(peak, slope);
  point.achieved_ops_per_cycle = operations / static_cast<double>(counts.cycles);
  return point;
}

}  // namespace bitsmith
