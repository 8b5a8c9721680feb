#include "cosim/lockstep.h"

#include "common/error.h"
#include "common/process.h"
#include "pe/registry.h"

namespace bitsmith {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kCyclesAfterMismatch = 10;

std::string hex(const std::uint32_t* words, std::uint32_t bits) {
  std::string text = "0x";
  for (std::size_t i = words_for_bits(bits); i-- > 0;) text += fmt::format("{:08x}", words[i]);
  return text;
}

template <class Model>
LockstepResult run_model_and_rtl(const Design& design, const typename Model::Params& params,
                                 const LockstepOptions& options, const fs::path& wave) {
  Model model(params);
  VerilatedArray rtl(build_verilated(rtl_sources(design), !wave.empty()), options.seed, wave,
                     VerilatedArray::Checks::on);
  return lockstep(design, model, rtl, options);
}

// The same with a waveform. The FST writer reports no error and replaces whatever it is given, so
// it writes into a folder of its own beside `wave`.
template <class Model>
LockstepResult run_with_wave(const Design& design, const typename Model::Params& params,
                             LockstepOptions options, const fs::path& wave) {
  if (fs::exists(wave) && !fs::is_regular_file(wave)) {
    throw UserError(fmt::format("{}: is no regular file, cannot become a waveform", wave.string()));
  }
  options.cycles_after_mismatch = kCyclesAfterMismatch;
  const TemporaryFolder folder(fs::absolute(wave).parent_path());
  const fs::path written = folder.path() / "wave.fst";
  LockstepResult result = run_model_and_rtl<Model>(design, params, options, written);
  if (!fs::exists(written)) {
    throw UserError(fmt::format("{}: the waveform could not be written", wave.string()));
  }
  fs::rename(written, wave);
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

LockstepResult verify(const Design& design, const std::string& name, const LockstepOptions& options,
                      const fs::path& wave) {
  return visit_design(design, [&](const auto& concrete) {
    using Model = typename std::decay_t<decltype(concrete)>::Model;
    if (!wave.empty()) return run_with_wave<Model>(design, concrete.params(), options, wave);
    LockstepResult result = run_model_and_rtl<Model>(design, concrete.params(), options, {});
    if (!result.mismatch) return result;
    const fs::path file = fmt::format("verify_{}_seed{}.fst", name, options.seed);
    try {
      result.wave = run_with_wave<Model>(design, concrete.params(), options, file).wave;
    } catch (const UserError&) {
      // The mismatch is worth reporting even where no file can be written.
    }
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
