#include "pe/systolic/design.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "common/error.h"
#include "numerics/pack.h"
#include "pe/systolic/golden_gemm.h"

namespace bitsmith::systolic {
namespace {

constexpr std::array<std::string_view, kActions> kActionNames = {
    "job",        "a_beat",      "w_beat",   "mac",       "add_partial_sums",
    "drain_copy", "drain_shift", "acc_read", "acc_write", "y_beat"};

// What systolic_product needs to know of a format beyond its width.
std::int64_t exponent_bits(const Format& format) {
  return format.kind == FormatKind::minifloat ? format.exponent_bits : 0;
}
std::int64_t specials(const Format& format) {
  return format.kind == FormatKind::minifloat ? static_cast<std::int64_t>(format.specials) : 0;
}

// Lane i of a beat is `code(i)`.
template <class Code>
void pack_lanes(std::span<std::uint32_t> words, std::size_t lanes, int bits, Code code) {
  std::fill(words.begin(), words.end(), 0U);
  for (std::size_t i = 0; i < lanes; ++i) {
    put_bits(words, i * static_cast<std::size_t>(bits), bits, code(i));
  }
}

RtlParameters only(const RtlParameters& all, std::initializer_list<std::string_view> names) {
  RtlParameters kept = all;
  std::erase_if(kept, [&](const auto& p) {
    return std::find(names.begin(), names.end(), p.first) == names.end();
  });
  return kept;
}

}  // namespace

std::unique_ptr<const bitsmith::Design> Design::read(const YamlNode& map,
                                                     Diagnostics& diagnostics) {
  const std::size_t mistakes_before = diagnostics.size();
  const Params params = parameters().read(map, diagnostics, {"design"});
  if (diagnostics.size() > mistakes_before) return nullptr;
  return std::make_unique<const Design>(params);
}

nlohmann::ordered_json Design::resolved() const {
  nlohmann::ordered_json result = {{"design", kId}};
  result.update(parameters().resolved(params_));
  return result;
}

RtlParameters Design::rtl_parameters() const {
  RtlParameters all = parameters().rtl_parameters(params_);
  all.emplace_back("AExpBits", exponent_bits(*params_.activation));
  all.emplace_back("WExpBits", exponent_bits(*params_.weight));
  all.emplace_back("ASpecials", specials(*params_.activation));
  all.emplace_back("WSpecials", specials(*params_.weight));
  return all;
}

RtlDescription Design::describe_rtl() const {
  RtlDescription rtl;
  rtl.sources = {"common/skid_buffer.sv",
                 "common/delay_line.sv",
                 "common/delay_taps.sv",
                 "common/sram_1r1w.sv",
                 "common/lzc.sv",
                 "common/shift_right_sticky.sv",
                 "common/fp_unpack.sv",
                 "common/increment.sv",
                 "common/fp_mul.sv",
                 "common/fp_add_align.sv",
                 "common/fp_add_finish.sv",
                 "common/fp_add.sv",
                 "systolic/systolic_product.sv",
                 "systolic/systolic_sum.sv",
                 "systolic/systolic_os_pe.sv",
                 "systolic/systolic_os_edge.sv",
                 "systolic/systolic_os.sv",
                 "systolic/systolic_ws_pe.sv",
                 "systolic/systolic_ws_edge.sv",
                 "systolic/systolic_ws.sv",
                 "systolic/systolic_array.sv"};
  rtl.top = "systolic_array";
  rtl.parameters = rtl_parameters();
  rtl.sizes = {{"rows", {"Rows"}}, {"cols", {"Cols"}}};
  if (is_output_stationary(params_)) {
    rtl.modules = os_modules();
  } else {
    rtl.modules = ws_modules();
    rtl.memories = {{"accumulator bank", params_.cols, params_.acc_rows, params_.accumulator_bits,
                     kAccRead, kAccWrite}};
  }
  return rtl;
}

std::vector<RtlDescription::Module> Design::os_modules() const {
  const RtlParameters all = rtl_parameters();
  return {{"systolic_os_pe", pe_count(),
           only(all, {"ABits", "WBits", "AExpBits", "WExpBits", "ASpecials", "WSpecials", "AccBits",
                      "Overflow", "Pipeline", "DrainOverlapped", "ClockGating"}),
           true},
          {"systolic_os_edge", 1,
           only(all, {"Rows", "Cols", "ABits", "WBits", "AccBits", "KBits", "Pipeline",
                      "DrainOverlapped"})}};
}

// The modules speak of moving and stationary operands.
std::vector<RtlDescription::Module> Design::ws_modules() const {
  const bool swapped = params_.dataflow == Dataflow::input_stationary;
  RtlParameters all;
  for (auto [name, value] : rtl_parameters()) {
    const bool is_operand = name.size() > 1 && (name[0] == 'A' || name[0] == 'W') &&
                            std::isupper(static_cast<unsigned char>(name[1])) != 0;
    if (is_operand) name = ((name[0] == 'A') != swapped ? "Mov" : "Sta") + name.substr(1);
    all.emplace_back(name, value);
  }
  return {
      {"systolic_ws_pe", pe_count(),
       only(all, {"MovBits", "StaBits", "MovExpBits", "StaExpBits", "MovSpecials", "StaSpecials",
                  "AccBits", "Overflow", "Pipeline", "PreloadOverlapped", "ClockGating"}),
       true},
      {"systolic_ws_edge", 1,
       only(all, {"Rows", "Cols", "MovBits", "StaBits", "AccBits", "AccRows", "Pipeline",
                  "PreloadOverlapped", "DrainOverlapped"})}};
}

std::span<const std::string_view> Design::action_names() const { return kActionNames; }

BeatCounts Design::beats(const Job& job) const {
  if (is_output_stationary(params_)) return {job.k, job.k, 0, job.emit ? job.m : 0};
  const std::uint32_t tokens = stream_shape(params_, job).tokens;
  const std::uint64_t results = job.emit ? tokens : 0;
  if (params_.dataflow == Dataflow::weight_stationary) return {tokens, job.k, 0, results};
  return {job.k, tokens, 0, results};
}

void Design::pack_job(const Job& job, std::span<std::uint32_t> words) const {
  std::fill(words.begin(), words.end(), 0U);
  job_layout(params_).pack(job, words);
}

void Design::pack_a(const Job& job, CodeView a, std::uint64_t beat,
                    std::span<std::uint32_t> words) const {
  check(a.rows == job.m && a.cols == job.k && beat < beats(job).a,
        "the tile of A is not the job's");
  const int bits = params_.activation->bits;
  if (params_.dataflow == Dataflow::weight_stationary) {
    pack_lanes(words, job.k, bits, [&](std::size_t k) { return a(beat, k); });
  } else {
    pack_lanes(words, job.m, bits, [&](std::size_t m) { return a(m, beat); });
  }
}

void Design::pack_w(const Job& job, CodeView w, std::uint64_t beat,
                    std::span<std::uint32_t> words) const {
  check(w.rows == job.k && w.cols == job.n && beat < beats(job).w,
        "the tile of W is not the job's");
  const int bits = params_.weight->bits;
  if (params_.dataflow == Dataflow::input_stationary) {
    pack_lanes(words, job.k, bits, [&](std::size_t k) { return w(k, beat); });
  } else {
    pack_lanes(words, job.n, bits, [&](std::size_t n) { return w(beat, n); });
  }
}

void Design::unpack_y(const Job& job, std::span<const std::uint32_t> words, std::uint64_t beat,
                      MatrixView<std::int64_t> y) const {
  check(y.rows == job.m && y.cols == job.n && beat < beats({job.m, job.n, job.k, false, true}).y,
        "the tile of Y is not the job's");
  const auto bits = static_cast<int>(params_.accumulator_bits);
  const auto lane = [&](std::size_t i) {
    return sign_extend(get_bits(words, i * params_.accumulator_bits, bits), bits);
  };
  if (params_.dataflow == Dataflow::input_stationary) {
    for (std::size_t m = 0; m < job.m; ++m) y(m, beat) = lane(m);
  } else {
    for (std::size_t n = 0; n < job.n; ++n) y(beat, n) = lane(n);
  }
}

void Design::golden(const OperandViews& operands, MatrixView<std::int64_t> y) const {
  golden_gemm(params_, operands.a, operands.w, y);
}

}  // namespace bitsmith::systolic
