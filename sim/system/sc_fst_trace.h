// A waveform of the `cycle` engine: handshakes and payloads of all channels and the states of the
// modules, as they are after every clock edge.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>
#include <systemc>
#include <vector>

#include "common/fst_writer.h"
#include "system/sc_array.h"
#include "system/sc_clocked.h"

namespace bitsmith {

class ScFstTrace : public sc_core::sc_module {
 public:
  sc_core::sc_in<bool> clk_i{"clk_i"};

  SC_HAS_PROCESS(ScFstTrace);

  // Throws UserError when the file cannot be made. What is added must outlive the simulation.
  ScFstTrace(sc_core::sc_module_name name, ScGuard& guard, const std::filesystem::path& path,
             std::uint64_t period_ps)
      : sc_core::sc_module(name), guard_(guard), period_ps_(period_ps), writer_(path) {
    clock_ = writer_.add("accelerator", "clk", 1);
    SC_METHOD(clock_edge);
    sensitive << clk_i.pos();
    dont_initialize();
    SC_METHOD(sample);
    sensitive << settled_;
    dont_initialize();
  }

  void add(std::string_view scope, std::string_view signal,
           const sc_core::sc_signal_in_if<bool>& wire) {
    const int id = writer_.add(scope, signal, 1);
    samplers_.push_back([this, id, &wire] { writer_.set(id, wire.read() ? 1U : 0U); });
  }
  void add(std::string_view scope, std::string_view signal,
           const sc_core::sc_signal_in_if<Payload>& wire, std::uint32_t bits) {
    const int id = writer_.add(scope, signal, bits);
    samplers_.push_back([this, id, &wire] { writer_.set(id, wire.read().words); });
  }
  void add(std::string_view scope, std::string_view signal,
           const sc_core::sc_signal_in_if<std::uint64_t>& wire) {
    add_state(scope, signal, 64, [&wire] { return wire.read(); });
  }
  // `state()` is asked after every edge.
  void add_state(std::string_view scope, std::string_view signal, std::uint32_t bits,
                 std::function<std::uint64_t()> state) {
    const int id = writer_.add(scope, signal, bits);
    samplers_.push_back([this, id, state = std::move(state)] {
      const std::uint64_t value = state();
      const std::array words{static_cast<std::uint32_t>(value),
                             static_cast<std::uint32_t>(value >> 32)};
      writer_.set(id, words);
    });
  }

  void finish() { writer_.finish(); }

 private:
  void clock_edge() { settled_.notify(sc_core::SC_ZERO_TIME); }

  void sample() {
    guard_.run([this] {
      const std::uint64_t edge_ps = sc_now_ps();
      writer_.time(edge_ps);
      writer_.set(clock_, 1U);
      for (const auto& sampler : samplers_) sampler();
      if (period_ps_ < 2) return;
      writer_.time(edge_ps + period_ps_ / 2);
      writer_.set(clock_, 0U);
    });
  }

  ScGuard& guard_;
  std::uint64_t period_ps_;
  FstWriter writer_;
  int clock_ = 0;
  sc_core::sc_event settled_{"settled"};
  std::vector<std::function<void()>> samplers_;
};

}  // namespace bitsmith
