// What all modules of the `cycle` engine stand on: a clock with rising edges only, modules that do
// one thing per edge, and errors that leave SystemC as the exceptions they were.
//
// Edge e is at e * period + 0.5 ps: an answer of the DRAM, at a whole picosecond, that is due at
// exactly e * period is there at edge e. The time resolution is 1 fs.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <systemc>

#include "common/error.h"

namespace bitsmith {

inline constexpr std::uint64_t kFsPerPs = 1000;
inline constexpr std::uint64_t kEdgeOffsetFs = 500;

inline sc_core::sc_time sc_time_of_fs(std::uint64_t fs) { return sc_core::sc_time::from_value(fs); }
// Whole picoseconds so far; at edge e this is e * period.
inline std::uint64_t sc_now_ps() { return sc_core::sc_time_stamp().value() / kFsPerPs; }

// Keeps the first exception of a process and pauses the simulation; SystemC would replace it by a
// report of its own.
class ScGuard {
 public:
  template <class Body>
  void run(Body&& body) noexcept {
    if (error_ != nullptr) return;
    try {
      body();
    } catch (...) {
      error_ = std::current_exception();
      sc_core::sc_pause();
    }
  }
  void rethrow() const {
    if (error_ != nullptr) std::rethrow_exception(error_);
  }

 private:
  std::exception_ptr error_;
};

// Rising edges only, at half the events of an sc_clock. Read as a signal it is always high.
class ScEdgeClock : public sc_core::sc_module, public sc_core::sc_signal_in_if<bool> {
 public:
  SC_HAS_PROCESS(ScEdgeClock);

  ScEdgeClock(sc_core::sc_module_name name, std::uint64_t period_ps)
      : sc_core::sc_module(name), period_(sc_time_of_fs(period_ps * kFsPerPs)) {
    SC_METHOD(tick);
    sensitive << edge_;
    dont_initialize();
  }

  void start_of_simulation() override { edge_.notify(sc_time_of_fs(kEdgeOffsetFs)); }

  const sc_core::sc_event& default_event() const override { return edge_; }
  const sc_core::sc_event& value_changed_event() const override { return edge_; }
  const sc_core::sc_event& posedge_event() const override { return edge_; }
  const sc_core::sc_event& negedge_event() const override { return never_; }
  const bool& read() const override { return high_; }
  const bool& get_data_ref() const override { return high_; }
  bool event() const override { return edge_.triggered(); }
  bool posedge() const override { return edge_.triggered(); }
  bool negedge() const override { return false; }

 private:
  void tick() { edge_.notify(period_); }

  sc_core::sc_time period_;
  sc_core::sc_event edge_{"edge"};
  sc_core::sc_event never_{"never"};
  bool high_ = true;
};

// A module with one method, on_edge(), at every rising edge; the first edge is number 0. What it
// reads from signals is what other modules wrote at edges before.
class ScClocked : public sc_core::sc_module {
 public:
  sc_core::sc_in<bool> clk_i{"clk_i"};

  SC_HAS_PROCESS(ScClocked);

 protected:
  ScClocked(sc_core::sc_module_name name, ScGuard& guard)
      : sc_core::sc_module(name), guard_(guard) {
    SC_METHOD(clock_edge);
    sensitive << clk_i.pos();
    dont_initialize();
  }

  virtual void on_edge() = 0;
  // The number of the present edge.
  std::uint64_t now() const { return edges_ - 1; }

 private:
  void clock_edge() {
    ++edges_;
    guard_.run([this] { on_edge(); });
  }

  ScGuard& guard_;
  std::uint64_t edges_ = 0;
};

// Reports of SystemC become exceptions; notes are dropped.
inline void sc_report_as_exception(const sc_core::sc_report& report, const sc_core::sc_actions&) {
  if (report.get_severity() == sc_core::SC_INFO) return;
  throw InternalError(std::string("SystemC: ") + report.get_msg_type() + ": " + report.get_msg());
}

}  // namespace bitsmith
