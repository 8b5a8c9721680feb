// ScArray adds nothing and loses nothing: the cycle model and the Verilated RTL behind SystemC pins
// show in every cycle what a model stepped without SystemC shows, with the same stimulus. SystemC
// elaborates once per process, so this is one test with a main of its own.
#include "system/sc_array.h"

#include <gtest/gtest.h>

#include "cosim/stimulus.h"
#include "cosim/verilated_array.h"
#include "pe/systolic/design.h"

namespace bitsmith {
namespace {

using systolic::Model;

constexpr std::uint64_t kCycles = 5000;

// The wires of one ScArray.
struct Wires {
  sc_core::sc_signal<bool> rst_n, en, job_valid, job_ready, a_valid, a_ready, w_valid, w_ready,
      y_valid, y_ready;
  sc_core::sc_signal<Payload> job, a, w, y;

  template <class Array>
  void connect(ScArray<Array>& array, sc_core::sc_clock& clock) {
    array.clk_i(clock);
    array.rst_ni(rst_n);
    array.en_i(en);
    array.job_valid_i(job_valid);
    array.job_ready_o(job_ready);
    array.job_i(job);
    array.a_valid_i(a_valid);
    array.a_ready_o(a_ready);
    array.a_i(a);
    array.w_valid_i(w_valid);
    array.w_ready_o(w_ready);
    array.w_i(w);
    array.y_valid_o(y_valid);
    array.y_ready_i(y_ready);
    array.y_o(y);
  }

  void drive(const ArrayInputs& in, const ChannelWidths& widths) {
    const auto put = [](sc_core::sc_signal<Payload>& wire, const std::uint32_t* words,
                        std::uint32_t bits) {
      Payload payload(bits);
      std::copy_n(words, payload.words.size(), payload.words.begin());
      wire.write(payload);
    };
    rst_n.write(in.rst_n);
    en.write(in.en);
    job_valid.write(in.job_valid);
    put(job, in.job, widths.job);
    a_valid.write(in.a_valid);
    put(a, in.a, widths.a);
    w_valid.write(in.w_valid);
    put(w, in.w, widths.w);
    y_ready.write(in.y_ready);
  }

  void expect_equal(const ArrayOutputs& out, std::uint64_t cycle) const {
    ASSERT_EQ(job_ready.read(), out.job_ready) << "cycle " << cycle;
    ASSERT_EQ(a_ready.read(), out.a_ready) << "cycle " << cycle;
    ASSERT_EQ(w_ready.read(), out.w_ready) << "cycle " << cycle;
    ASSERT_EQ(y_valid.read(), out.y_valid) << "cycle " << cycle;
    ASSERT_TRUE(std::equal(y.read().words.begin(), y.read().words.end(), out.y))
        << "cycle " << cycle;
  }
};

TEST(ScArray, ModelAndRtlBehindPinsEqualTheBareModel) {
  systolic::Params params;
  params.rows = params.cols = 4;
  const systolic::Design design(params);
  const ChannelWidths widths = design.channel_widths();
  Model bare(params), model(params);
  VerilatedArray rtl(build_verilated(rtl_sources(design), false), 1);

  sc_core::sc_clock clock("clock", 1, sc_core::SC_NS, 0.5, 0.5, sc_core::SC_NS, true);
  ScArray<Model> model_pins("model", model, widths);
  ScArray<VerilatedArray> rtl_pins("rtl", rtl, widths);
  Wires model_wires, rtl_wires;
  model_wires.connect(model_pins, clock);
  rtl_wires.connect(rtl_pins, clock);

  Stimulus stimulus(design, 9);
  for (std::uint64_t cycle = 0; cycle < kCycles; ++cycle) {
    const ArrayInputs& in = stimulus.next_inputs();
    ArrayOutputs before = bare.outputs();
    std::vector<std::uint32_t> y(before.y, before.y + words_for_bits(widths.y));
    before.y = y.data();
    model_wires.drive(in, widths);
    rtl_wires.drive(in, widths);
    bare.step(in);
    sc_core::sc_start(1.0, sc_core::SC_NS);  // one rising edge, half way
    model_wires.expect_equal(bare.outputs(), cycle);
    rtl_wires.expect_equal(bare.outputs(), cycle);
    if (HasFatalFailure()) return;
    ASSERT_EQ(stimulus.observe(before), "");
  }
  EXPECT_GT(stimulus.values_compared(), 100U);
}

}  // namespace
}  // namespace bitsmith

int sc_main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
