// The engine `cycle`: the accelerator of sim/system/README.md as SystemC modules, in true cycles
// and with true data.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <systemc>
#include <vector>

#include "common/error.h"
#include "mapping/operand_source.h"
#include "system/accelerator.h"
#include "system/dram.h"
#include "system/plan.h"
#include "system/run_result.h"
#include "system/sc_array.h"
#include "system/sc_buffers.h"
#include "system/sc_clocked.h"
#include "system/sc_dma.h"
#include "system/sc_dram.h"
#include "system/sc_fst_trace.h"
#include "system/sc_ledger.h"
#include "system/sc_sender.h"
#include "system/sc_sequencer.h"
#include "system/sc_tap.h"
#include "system/sc_tensors.h"
#include "system/sc_vector_unit.h"
#include "system/sc_work.h"
#include "system/sc_writer.h"
#include "system/timeline.h"

namespace bitsmith {

struct CycleOptions {
  std::filesystem::path wave;  // FST of all handshakes and states; empty: none
  Timeline* timeline = nullptr;
};

// All wires of an accelerator.
struct ScWires {
  template <class T>
  using Signal = sc_core::sc_signal<T>;

  Signal<bool> rst_n{"rst_n", true}, en{"en"};
  Signal<bool> job_valid{"job_valid"}, job_ready{"job_ready"};
  Signal<bool> a_valid{"a_valid"}, a_ready{"a_ready"};
  Signal<bool> w_valid{"w_valid"}, w_ready{"w_ready"};
  Signal<bool> s_valid{"s_valid"}, s_ready{"s_ready"};  // without scales nobody drives them
  Signal<bool> y_valid{"y_valid"}, y_ready{"y_ready"};
  Signal<Payload> job, a, w, s, y;
  Signal<ScWork*> work{"work"};
  Signal<std::uint64_t> a_resident{"a_resident"}, w_resident{"w_resident"};
  Signal<std::uint64_t> jobs_entered{"jobs_entered"}, blocks_written{"blocks_written"};
  Signal<std::uint64_t> inputs_passed{"inputs_passed"}, results_passed{"results_passed"};
  Signal<std::uint64_t> stored{"stored"};

  explicit ScWires(const ChannelWidths& widths)
      : job("job", Payload(widths.job)),
        a("a", Payload(widths.a)),
        w("w", Payload(widths.w)),
        s("s", Payload(widths.s)),
        y("y", Payload(widths.y)) {}
};

template <class Array>
class ScAccelerator : public sc_core::sc_module {
 public:
  ScAccelerator(sc_core::sc_module_name name, const Design& design, const MemoryParams& memory,
                const MemoryTimes& times, std::deque<ScWork>& works, const OperandSource& operands,
                Array& array, Timeline* timeline)
      : sc_core::sc_module(name),
        widths_(design.channel_widths()),
        tensors(design, operands),
        controller_(times.dram),
        ledger_(design, times, operands, timeline),
        tap_(guard, array),
        wires(widths_),
        clock("clock", times.period_ps),
        dram("dram", guard, controller_, tensors),
        dma("dma", guard, design, memory, times, buffers_, timeline),
        jobs("jobs", guard, JobFeed(design), widths_.job, 1),
        a_reader("a_reader", guard,
                 OperandFeed(Tensor::activations, buffers_.activations, times.a_port_cycles),
                 widths_.a, times.a_port_cycles),
        w_reader("w_reader", guard,
                 OperandFeed(Tensor::weights, buffers_.weights, times.w_port_cycles), widths_.w,
                 times.w_port_cycles),
        pins("array", tap_, widths_),
        writer("writer", guard, design, times.y_port_cycles, buffers_.results),
        vector_unit("vector_unit", guard, memory, times, timeline),
        sequencer(
            "sequencer", guard, memory, times,
            {works, ledger_, tap_, vector_unit, tensors, result, [this] { return events(); }}) {
    if (widths_.s > 0) {
      s_reader = std::make_unique<ScSender<OperandFeed>>(
          "s_reader", guard, OperandFeed(Tensor::weights, buffers_.scales, times.s_port_cycles),
          widths_.s, times.s_port_cycles);
      s_reader->clk_i(clock);
      sequencer.blocks_o(*s_reader);
    }
    connect_clock();
    connect_array();
    connect_counts();
    dma.socket.bind(dram.socket);
    sequencer.blocks_o(jobs);
    sequencer.blocks_o(a_reader);
    sequencer.blocks_o(w_reader);
    sequencer.blocks_o(writer);
    sequencer.blocks_o(vector_unit);
  }

  // Declares all that a waveform shows.
  void show_in(ScFstTrace& trace) const {
    const auto channel = [&](const std::string& scope, const auto& valid, const auto& ready,
                             const auto& beat, std::uint32_t bits) {
      trace.add("accelerator." + scope, "valid", valid);
      trace.add("accelerator." + scope, "ready", ready);
      trace.add("accelerator." + scope, "beat", beat, bits);
    };
    channel("job", wires.job_valid, wires.job_ready, wires.job, widths_.job);
    channel("a", wires.a_valid, wires.a_ready, wires.a, widths_.a);
    channel("w", wires.w_valid, wires.w_ready, wires.w, widths_.w);
    if (s_reader) channel("s", wires.s_valid, wires.s_ready, wires.s, widths_.s);
    channel("y", wires.y_valid, wires.y_ready, wires.y, widths_.y);
    trace.add("accelerator.array", "en", wires.en);
    trace.add("accelerator.array", "jobs_entered", wires.jobs_entered);
    trace.add_state("accelerator.array", "tokens", 64, [this] { return tap_.tokens(); });
    trace.add_state("accelerator.sequencer", "operator", 32,
                    [this] { return sequencer.operator_number(); });
    trace.add_state("accelerator.sequencer", "blocks_dispatched", 64,
                    [this] { return sequencer.blocks_dispatched(); });
    trace.add_state("accelerator.dma", "issuing", 1, [this] { return dma.is_issuing() ? 1 : 0; });
    trace.add_state("accelerator.dma", "in_flight", 16, [this] { return dma.in_flight(); });
    trace.add("accelerator.dma", "a_resident", wires.a_resident);
    trace.add("accelerator.dma", "w_resident", wires.w_resident);
    trace.add("accelerator.dma", "stored", wires.stored);
    trace.add("accelerator.writer", "blocks_written", wires.blocks_written);
    trace.add_state("accelerator.vector_unit", "busy", 1,
                    [this] { return vector_unit.is_busy() ? 1 : 0; });
    trace.add("accelerator.vector_unit", "inputs_passed", wires.inputs_passed);
    trace.add("accelerator.vector_unit", "results_passed", wires.results_passed);
  }

 private:
  void connect_clock() {
    for (ScClocked* module : std::initializer_list<ScClocked*>{&dma, &jobs, &a_reader, &w_reader,
                                                               &writer, &vector_unit, &sequencer}) {
      module->clk_i(clock);
    }
    pins.clk_i(clock);
  }

  void connect_array() {
    pins.rst_ni(wires.rst_n);
    pins.en_i(wires.en);
    sequencer.en_o(wires.en);
    connect(jobs, wires.job_valid, wires.job_ready, wires.job);
    pins.job_valid_i(wires.job_valid);
    pins.job_ready_o(wires.job_ready);
    pins.job_i(wires.job);
    connect(a_reader, wires.a_valid, wires.a_ready, wires.a);
    pins.a_valid_i(wires.a_valid);
    pins.a_ready_o(wires.a_ready);
    pins.a_i(wires.a);
    connect(w_reader, wires.w_valid, wires.w_ready, wires.w);
    pins.w_valid_i(wires.w_valid);
    pins.w_ready_o(wires.w_ready);
    pins.w_i(wires.w);
    if (s_reader) {
      connect(*s_reader, wires.s_valid, wires.s_ready, wires.s);
      pins.s_valid_i(wires.s_valid);
      pins.s_ready_o(wires.s_ready);
      pins.s_i(wires.s);
    }
    pins.y_valid_o(wires.y_valid);
    pins.y_ready_i(wires.y_ready);
    pins.y_o(wires.y);
    writer.valid_i(wires.y_valid);
    writer.ready_o(wires.y_ready);
    writer.beat_i(wires.y);
  }
  template <class Sender>
  static void connect(Sender& sender, sc_core::sc_signal<bool>& valid,
                      sc_core::sc_signal<bool>& ready, sc_core::sc_signal<Payload>& beat) {
    sender.valid_o(valid);
    sender.ready_i(ready);
    sender.beat_o(beat);
  }

  void connect_counts() {
    jobs_entered_port_(wires.jobs_entered);
    tap_.jobs_entered_o = &jobs_entered_port_;
    writer.blocks_written_o(wires.blocks_written);
    vector_unit.blocks_written_i(wires.blocks_written);
    vector_unit.inputs_passed_o(wires.inputs_passed);
    vector_unit.results_passed_o(wires.results_passed);
    dma.work_i(wires.work);
    dma.jobs_entered_i(wires.jobs_entered);
    dma.inputs_passed_i(wires.inputs_passed);
    dma.blocks_written_i(wires.blocks_written);
    dma.results_passed_i(wires.results_passed);
    dma.a_resident_o(wires.a_resident);
    dma.w_resident_o(wires.w_resident);
    dma.stored_o(wires.stored);
    sequencer.work_o(wires.work);
    sequencer.a_resident_i(wires.a_resident);
    sequencer.w_resident_i(wires.w_resident);
    sequencer.blocks_written_i(wires.blocks_written);
    sequencer.results_passed_i(wires.results_passed);
    sequencer.stored_i(wires.stored);
  }

  std::uint64_t events() const {
    return jobs.events() + a_reader.events() + w_reader.events() + dma.events() + tap_.tokens();
  }

  ChannelWidths widths_;
  ScBuffers buffers_;

 public:
  ScGuard guard;
  RunResult result;
  ScTensors tensors;

 private:
  IdealDram controller_;
  ScLedger ledger_;
  ArrayTap<Array> tap_;
  sc_core::sc_out<std::uint64_t> jobs_entered_port_{"jobs_entered_o"};

 public:
  ScWires wires;
  ScEdgeClock clock;
  ScDram dram;
  ScDma dma;
  ScSender<JobFeed> jobs;
  ScSender<OperandFeed> a_reader;
  ScSender<OperandFeed> w_reader;
  std::unique_ptr<ScSender<OperandFeed>> s_reader;  // of designs with scales
  ScArray<ArrayTap<Array>> pins;
  ScWriter writer;
  ScVectorUnit vector_unit;
  ScSequencer sequencer;
};

// Runs a plan, every operator once; its counts are multiplied by its repetitions. `array` is fresh
// out of reset: a cycle model of the accelerator's design, or the Verilated RTL beside it, with
//   step(const ArrayInputs&), outputs(), pe_cycles(), actions(), jobs_entered() and, if it can tell
//   that something is wrong, failure() -> std::string, empty while all is well.
// Throws UserError for an accelerator that this engine cannot run, InternalError for a bug of ours.
//
// SystemC elaborates once per process: so does this.
template <class Array>
RunResult run_cycle(const Accelerator& accelerator, const std::vector<PlannedOperator>& plan,
                    const OperandSource& operands, Array& array, const CycleOptions& options = {}) {
  if (!accelerator.memory) {
    throw UserError(
        "engine cycle needs a memory system; with memory: none use tile, and verify for the array "
        "alone");
  }
  const Design& design = *accelerator.design;
  const MemoryTimes times = memory_times(design, *accelerator.memory, accelerator.params.clock_ghz);
  std::deque<ScWork> works;
  for (const PlannedOperator& planned : plan) {
    works.emplace_back(planned, works.size(), design, *accelerator.memory);
  }
  RunResult result;
  result.checked.emplace();
  if (works.empty()) return result;

  check(!sc_core::sc_start_of_simulation_invoked(), "engine cycle runs once per process");
  sc_core::sc_report_handler::set_handler(sc_report_as_exception);
  sc_core::sc_set_time_resolution(1, sc_core::SC_FS);
  ScAccelerator<Array> system("accelerator", design, *accelerator.memory, times, works, operands,
                              array, options.timeline);
  std::optional<ScFstTrace> trace;
  if (!options.wave.empty()) {
    trace.emplace("trace", system.guard, options.wave, times.period_ps);
    trace->clk_i(system.clock);
    system.show_in(*trace);
  }
  sc_core::sc_start();
  system.guard.rethrow();
  if (trace) trace->finish();
  check(system.sequencer.is_done(), "the simulation ended before its work");
  result = std::move(system.result);
  result.checked = system.tensors.checked();
  return result;
}

}  // namespace bitsmith
