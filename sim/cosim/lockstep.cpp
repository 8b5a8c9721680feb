#include "cosim/lockstep.h"

#include "common/error.h"
#include "pe/registry.h"

namespace bitsmith {
namespace {

constexpr std::uint64_t kCyclesAfterMismatch = 5;

std::string hex(const std::uint32_t* words, std::uint32_t bits) {
  std::string text = "0x";
  for (std::size_t i = words_for_bits(bits); i-- > 0;) text += fmt::format("{:08x}", words[i]);
  return text;
}

template <class Model>
LockstepResult verify_model(const Design& design, const typename Model::Params& params,
                            const LockstepOptions& options, const std::filesystem::path& wave) {
  Model model(params);
  VerilatedArray rtl(build_verilated(rtl_sources(design), !wave.empty()), options.seed, wave);
  LockstepResult result = lockstep(design, model, rtl, options);
  result.wave = wave;
  return result;
}

}  // namespace

std::string compare_ports(const ArrayOutputs& expected, const ArrayOutputs& actual,
                          const ChannelWidths& widths) {
  const auto differ = [](std::string_view port, bool a, bool b) {
    return fmt::format("{}: expected {}, found {}", port, a ? 1 : 0, b ? 1 : 0);
  };
  if (expected.job_ready != actual.job_ready) {
    return differ("job_ready_o", expected.job_ready, actual.job_ready);
  }
  if (expected.a_ready != actual.a_ready)
    return differ("a_ready_o", expected.a_ready, actual.a_ready);
  if (expected.w_ready != actual.w_ready)
    return differ("w_ready_o", expected.w_ready, actual.w_ready);
  if (widths.s != 0 && expected.s_ready != actual.s_ready) {
    return differ("s_ready_o", expected.s_ready, actual.s_ready);
  }
  if (expected.y_valid != actual.y_valid)
    return differ("y_valid_o", expected.y_valid, actual.y_valid);
  if (!std::equal(expected.y, expected.y + words_for_bits(widths.y), actual.y)) {
    return fmt::format("y_o: expected {}, found {}", hex(expected.y, widths.y),
                       hex(actual.y, widths.y));
  }
  return "";
}

std::uint64_t port_count(const ChannelWidths& widths) { return widths.s == 0 ? 5 : 6; }

LockstepResult verify(const Design& design, const LockstepOptions& options,
                      const std::filesystem::path& wave) {
  return visit_design(design, [&](const auto& concrete) {
    using Concrete = std::decay_t<decltype(concrete)>;
    LockstepResult result =
        verify_model<typename Concrete::Model>(design, concrete.params(), options, wave);
    if (!result.mismatch || !wave.empty()) return result;
    // Once more, now with a waveform that ends shortly after the mismatch.
    LockstepOptions again = options;
    again.cycles = result.mismatch->cycle + 1 + kCyclesAfterMismatch;
    const std::filesystem::path file =
        fmt::format("verify_{}_seed{}.fst", design.id(), options.seed);
    const LockstepResult traced =
        verify_model<typename Concrete::Model>(design, concrete.params(), again, file);
    if (traced.mismatch) result.wave = file;
    return result;
  });
}

LockstepResult verify_netlist(const Design& design, const std::filesystem::path& netlist,
                              const LockstepOptions& options) {
  RtlSources sources = rtl_sources(design);
  VerilatedArray rtl(build_verilated(sources, false), options.seed);
  sources.files = {netlist};
  sources.parameters.clear();
  sources.lint = false;
  VerilatedArray gates(build_verilated(sources, false), options.seed);
  return lockstep(design, rtl, gates, options);
}

}  // namespace bitsmith
