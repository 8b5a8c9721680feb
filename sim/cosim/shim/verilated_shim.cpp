// Compiled together with what Verilator makes of an array's RTL into one shared object: the array's
// ports as the C functions that sim/cosim/verilated_array.cpp looks up.
//
// Build-time names: BITSMITH_HAS_S when the array has a scale channel, BITSMITH_TRACE for
// waveforms.
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <vector>

#include "Vdut.h"
#include "pe/array_ports.h"
#include "verilated.h"
#ifdef BITSMITH_TRACE
#include "verilated_fst_c.h"
#endif

namespace {

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
  Dut(const char* wave, std::uint64_t seed) {
    // Registers without reset start at random values, so that nothing can rely on them.
    context_.randReset(2);
    context_.randSeed(static_cast<int>(seed & 0x7FFFFFFF));
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
    dump();
    top.clk_i = 1;
    top.eval();
    dump();
    read_outputs();
    top.clk_i = 0;
    top.eval();
  }

  const bitsmith::ArrayOutputs& outputs() const { return outputs_; }
  bool stopped() const { return context_.gotFinish(); }

 private:
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
#ifdef BITSMITH_TRACE
  VerilatedFstC wave_;
  bool tracing_ = false;
#endif
};

}  // namespace

extern "C" {
void* bitsmith_create(const char* wave, std::uint64_t seed) { return new Dut(wave, seed); }
void bitsmith_destroy(void* dut) { delete static_cast<Dut*>(dut); }
const bitsmith::ArrayOutputs* bitsmith_outputs(void* dut) {
  return &static_cast<Dut*>(dut)->outputs();
}
void bitsmith_step(void* dut, const bitsmith::ArrayInputs* in) {
  static_cast<Dut*>(dut)->step(*in);
}
}
