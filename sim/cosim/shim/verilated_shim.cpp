// Compiled together with what Verilator makes of an array's RTL into one shared object: the array's
// ports as the C functions that sim/cosim/verilated_array.cpp looks up.
//
// Build-time names: BITSMITH_HAS_S when the array has a scale channel, BITSMITH_TRACE for
// waveforms.
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "Vdut.h"
#include "pe/array_ports.h"
#include "verilated.h"
#ifdef BITSMITH_TRACE
#include "verilated_fst_c.h"
#endif

namespace {

// The first failed assertion of the RTL in this library. Verilator reports them through a function
// without an object, so this cannot belong to one.
std::string& assertion_failure() {
  static std::string text;
  return text;
}

template <class Port>
void drive(Port& port, const std::uint32_t* words) {
  if (words == nullptr) return;
  if constexpr (std::is_integral_v<Port>) {
    std::uint64_t value = words[0];
    if constexpr (sizeof(Port) > 4) value |= std::uint64_t{words[1]} << 32;
    port = static_cast<Port>(value);
  } else {
    std::memcpy(port.data(), words, sizeof(Port));
  }
}

template <class Port>
void sample(const Port& port, std::uint32_t* words) {
  if constexpr (std::is_integral_v<Port>) {
    const std::uint64_t value = port;
    words[0] = static_cast<std::uint32_t>(value);
    if constexpr (sizeof(Port) > 4) words[1] = static_cast<std::uint32_t>(value >> 32);
  } else {
    std::memcpy(words, port.data(), sizeof(Port));
  }
}

class Dut {
 public:
  Dut(const char* wave, std::uint64_t seed, bool checks) : checks_(checks) {
    // Registers without reset start at random values, so that nothing can rely on them. Verilator
    // takes seed 0 for "any".
    context_.randReset(2);
    context_.randSeed(static_cast<int>((seed * 0x9E3779B97F4A7C15U) >> 34) | 1);
    assertion_failure().clear();
#ifdef BITSMITH_TRACE
    context_.traceEverOn(true);
#endif
    top_ = std::make_unique<Vdut>(&context_, "dut");
#ifdef BITSMITH_TRACE
    if (wave != nullptr) {
      top_->trace(&wave_, 99);
      wave_.open(wave);
      tracing_ = true;
    }
#else
    (void)wave;
#endif
    // Power-on reset without a clock edge.
    top_->clk_i = 0;
    top_->rst_ni = 1;
    top_->eval();
    top_->rst_ni = 0;
    top_->eval();
    read_outputs();
  }

  ~Dut() {
    top_->final();
#ifdef BITSMITH_TRACE
    if (tracing_) wave_.close();
#endif
  }

  Dut(const Dut&) = delete;
  Dut& operator=(const Dut&) = delete;

  void step(const bitsmith::ArrayInputs& in) {
    Vdut& top = *top_;
    top.rst_ni = in.rst_n;
    top.en_i = in.en;
    top.job_valid_i = in.job_valid;
    drive(top.job_i, in.job);
    top.a_valid_i = in.a_valid;
    drive(top.a_i, in.a);
    top.w_valid_i = in.w_valid;
    drive(top.w_i, in.w);
#ifdef BITSMITH_HAS_S
    top.s_valid_i = in.s_valid;
    drive(top.s_i, in.s);
#endif
    top.y_ready_i = in.y_ready;
    if (checks_) check_before_edge(in.rst_n);
    dump();
    top.clk_i = 1;
    top.eval();
    dump();
    read_outputs();
    y_after_edge_ = y_;
    top.clk_i = 0;
    top.eval();
  }

  const bitsmith::ArrayOutputs& outputs() const { return outputs_; }
  const char* failure() const {
    return assertion_failure().empty() ? failure_.c_str() : assertion_failure().c_str();
  }

 private:
  // Between edges the inputs must not reach an output, but a reset must reach all of them.
  void check_before_edge(bool rst_n) {
    const Shown before = shown();
    top_->eval();
    read_outputs();
    const Shown now = shown();
    if (!failure_.empty()) return;
    if (rst_n && was_running_ && now != before) {
      failure_ = "an output follows an input without a clock edge";
    } else if (!rst_n && now != Shown{true, true, true, has_s(), false, true}) {
      failure_ = "the reset needs a clock edge";
    }
    was_running_ = rst_n;
  }

  struct Shown {
    bool job_ready, a_ready, w_ready, s_ready, y_valid, y_same;
    bool operator!=(const Shown& other) const {
      return job_ready != other.job_ready || a_ready != other.a_ready || w_ready != other.w_ready ||
             s_ready != other.s_ready || y_valid != other.y_valid || y_same != other.y_same;
    }
  };
  // y_same: the payload is what it was after the last edge, or zero in reset.
  Shown shown() const {
    return {outputs_.job_ready, outputs_.a_ready, outputs_.w_ready,
            outputs_.s_ready,   outputs_.y_valid, !outputs_.y_valid || y_ == y_after_edge_};
  }
  static constexpr bool has_s() {
#ifdef BITSMITH_HAS_S
    return true;
#else
    return false;
#endif
  }

  void read_outputs() {
    outputs_.job_ready = top_->job_ready_o;
    outputs_.a_ready = top_->a_ready_o;
    outputs_.w_ready = top_->w_ready_o;
#ifdef BITSMITH_HAS_S
    outputs_.s_ready = top_->s_ready_o;
#endif
    outputs_.y_valid = top_->y_valid_o;
    y_.resize((sizeof(top_->y_o) + 3) / 4);
    sample(top_->y_o, y_.data());
    outputs_.y = y_.data();
  }

  void dump() {
#ifdef BITSMITH_TRACE
    if (tracing_) wave_.dump(context_.time());
#endif
    context_.timeInc(1);
  }

  VerilatedContext context_;
  std::unique_ptr<Vdut> top_;
  bitsmith::ArrayOutputs outputs_;
  std::vector<std::uint32_t> y_;
  std::vector<std::uint32_t> y_after_edge_;
  bool checks_;
  bool was_running_ = false;
  std::string failure_;
#ifdef BITSMITH_TRACE
  VerilatedFstC wave_;
  bool tracing_ = false;
#endif
};

}  // namespace

// Verilator calls this (VL_USER_STOP) instead of aborting the process.
void vl_stop(const char* file, int line, const char*) VL_MT_UNSAFE {
  if (assertion_failure().empty()) {
    assertion_failure() =
        std::string("an assertion of the RTL failed: ") + file + ":" + std::to_string(line);
  }
}

extern "C" {
void* bitsmith_create(const char* wave, std::uint64_t seed, bool checks) {
  return new Dut(wave, seed, checks);
}
const char* bitsmith_failure(void* dut) { return static_cast<Dut*>(dut)->failure(); }
void bitsmith_destroy(void* dut) { delete static_cast<Dut*>(dut); }
const bitsmith::ArrayOutputs* bitsmith_outputs(void* dut) {
  return &static_cast<Dut*>(dut)->outputs();
}
void bitsmith_step(void* dut, const bitsmith::ArrayInputs* in) {
  static_cast<Dut*>(dut)->step(*in);
}
}
