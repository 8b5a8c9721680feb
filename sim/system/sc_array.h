// The SystemC face of an array: pins named as in the RTL around one step() per rising clock edge.
//
// `Array` is a cycle model or the Verilated RTL: anything with step(const ArrayInputs&) and
// outputs(). A reset takes effect at the next rising edge. Use it through bitsmith::systemc; one
// elaboration per process (SystemC's limit).
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <systemc>
#include <vector>

#include "numerics/pack.h"
#include "pe/array_ports.h"

namespace bitsmith {

// A flat vector on a wire, as wide as the channel; bit i is bit i % 32 of word i / 32.
struct Payload {
  std::vector<std::uint32_t> words;

  Payload() = default;
  explicit Payload(std::uint32_t bits) : words(words_for_bits(bits)) {}
  bool operator==(const Payload&) const = default;
};

inline std::ostream& operator<<(std::ostream& stream, const Payload& payload) {
  for (std::size_t i = payload.words.size(); i-- > 0;) {
    stream << std::hex << payload.words[i] << std::dec << (i == 0 ? "" : "_");
  }
  return stream;
}

inline void sc_trace(sc_core::sc_trace_file* file, const Payload& payload,
                     const std::string& name) {
  for (std::size_t i = 0; i < payload.words.size(); ++i) {
    sc_core::sc_trace(file, payload.words[i], name + "." + std::to_string(i));
  }
}

template <class Array>
class ScArray : public sc_core::sc_module {
 public:
  sc_core::sc_in<bool> clk_i{"clk_i"};
  sc_core::sc_in<bool> rst_ni{"rst_ni"};
  sc_core::sc_in<bool> en_i{"en_i"};

  sc_core::sc_in<bool> job_valid_i{"job_valid_i"};
  sc_core::sc_out<bool> job_ready_o{"job_ready_o"};
  sc_core::sc_in<Payload> job_i{"job_i"};

  sc_core::sc_in<bool> a_valid_i{"a_valid_i"};
  sc_core::sc_out<bool> a_ready_o{"a_ready_o"};
  sc_core::sc_in<Payload> a_i{"a_i"};

  sc_core::sc_in<bool> w_valid_i{"w_valid_i"};
  sc_core::sc_out<bool> w_ready_o{"w_ready_o"};
  sc_core::sc_in<Payload> w_i{"w_i"};

  // Bound only when the design has a scale channel.
  sc_core::sc_port<sc_core::sc_signal_in_if<bool>, 1, sc_core::SC_ZERO_OR_MORE_BOUND> s_valid_i{
      "s_valid_i"};
  sc_core::sc_port<sc_core::sc_signal_inout_if<bool>, 1, sc_core::SC_ZERO_OR_MORE_BOUND> s_ready_o{
      "s_ready_o"};
  sc_core::sc_port<sc_core::sc_signal_in_if<Payload>, 1, sc_core::SC_ZERO_OR_MORE_BOUND> s_i{"s_i"};

  sc_core::sc_out<bool> y_valid_o{"y_valid_o"};
  sc_core::sc_in<bool> y_ready_i{"y_ready_i"};
  sc_core::sc_out<Payload> y_o{"y_o"};

  SC_HAS_PROCESS(ScArray);

  // `array` must outlive the module.
  ScArray(sc_core::sc_module_name name, Array& array, const ChannelWidths& widths)
      : sc_core::sc_module(name), array_(array), has_s_(widths.s > 0), y_(widths.y) {
    SC_METHOD(clock_edge);
    sensitive << clk_i.pos();
    dont_initialize();
  }

  // What the pins show before the first edge.
  void start_of_simulation() override { show(array_.outputs()); }

 private:
  void clock_edge() {
    ArrayInputs in;
    in.rst_n = rst_ni.read();
    in.en = en_i.read();
    in.job_valid = job_valid_i.read();
    in.job = job_i.read().words.data();
    in.a_valid = a_valid_i.read();
    in.a = a_i.read().words.data();
    in.w_valid = w_valid_i.read();
    in.w = w_i.read().words.data();
    if (has_s_) {
      in.s_valid = s_valid_i->read();
      in.s = s_i->read().words.data();
    }
    in.y_ready = y_ready_i.read();
    array_.step(in);
    show(array_.outputs());
  }

  void show(const ArrayOutputs& out) {
    job_ready_o.write(out.job_ready);
    a_ready_o.write(out.a_ready);
    w_ready_o.write(out.w_ready);
    if (has_s_) s_ready_o->write(out.s_ready);
    y_valid_o.write(out.y_valid);
    y_.words.assign(out.y, out.y + y_.words.size());
    y_o.write(y_);
  }

  Array& array_;
  bool has_s_;
  Payload y_;
};

}  // namespace bitsmith
