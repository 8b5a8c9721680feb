#include "pe/design_id/design.h"

#include <algorithm>
#include <array>

#include "common/error.h"
#include "numerics/pack.h"
#include "pe/design_id/golden.h"

namespace bitsmith::design_id {
namespace {

constexpr std::array<std::string_view, kActions> kActionNames = {"job", "a_beat", "w_beat", "mac",
                                                                 "y_beat"};

// Element beat * lanes + i of the job goes to lane i; lanes beyond k stay zero.
template <class CodeOf>
void pack_lanes(const Params& params, const Job& job, int bits, std::uint64_t beat,
                std::span<std::uint32_t> words, CodeOf code_of) {
  std::fill(words.begin(), words.end(), 0U);
  const std::uint64_t begin = beat * params.lanes;
  const std::uint64_t end = std::min<std::uint64_t>(begin + params.lanes, job.k);
  for (std::uint64_t k = begin; k < end; ++k) {
    put_bits(words, (k - begin) * static_cast<std::uint64_t>(bits), bits, code_of(k));
  }
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

// REPLACE: the files of your RTL in compilation order, and the modules whose sum is the array,
// the PE marked with `true`.
RtlDescription Design::describe_rtl() const {
  RtlDescription rtl;
  rtl.sources = {"common/skid_buffer.sv", "design_id/design_id_pe.sv",
                 "design_id/design_id_edge.sv", "design_id/design_id_array.sv"};
  rtl.top = "design_id_array";
  rtl.parameters = parameters().rtl_parameters(params_);
  RtlParameters of_pe = rtl.parameters;
  std::erase_if(of_pe, [](const auto& parameter) { return parameter.first == "KBits"; });
  rtl.modules = {{"design_id_pe", pe_count(), of_pe, true}, {"design_id_edge", 1, rtl.parameters}};
  return rtl;
}

TileLimits Design::tile_limits() const {
  TileLimits limits;
  const std::uint32_t longest = (std::uint32_t{1} << params_.k_bits) - 1;
  limits.k = longest - longest % params_.lanes;  // a split of K leaves only the last beat half full
  limits.k_total = longest_exact_k(params_);
  return limits;
}

std::span<const std::string_view> Design::action_names() const { return kActionNames; }

// REPLACE: the contract of README.md: beats per job, what is in them, and how they are packed.
BeatCounts Design::beats(const Job& job) const {
  const std::uint64_t operands = operand_beats(params_, job);
  return {.a = operands, .w = operands, .s = 0, .y = std::uint64_t{job.emit ? 1U : 0U}};
}

void Design::pack_job(const Job& job, std::span<std::uint32_t> words) const {
  std::fill(words.begin(), words.end(), 0U);
  job_layout(params_).pack(job, words);
}

void Design::pack_a(const Job& job, CodeView a, std::uint64_t beat,
                    std::span<std::uint32_t> words) const {
  check(a.rows == 1 && a.cols == job.k && beat < beats(job).a, "the tile of A is not the job's");
  pack_lanes(params_, job, params_.activation->bits, beat, words,
             [&](std::uint64_t k) { return a(0, k); });
}

void Design::pack_w(const Job& job, CodeView w, std::uint64_t beat,
                    std::span<std::uint32_t> words) const {
  check(w.rows == job.k && w.cols == 1 && beat < beats(job).w, "the tile of W is not the job's");
  pack_lanes(params_, job, params_.weight->bits, beat, words,
             [&](std::uint64_t k) { return w(k, 0); });
}

void Design::unpack_y(const Job& job, std::span<const std::uint32_t> words, std::uint64_t beat,
                      MatrixView<std::int64_t> y) const {
  check(y.rows == 1 && y.cols == 1 && beat < beats(job).y, "the tile of Y is not the job's");
  const auto bits = static_cast<int>(params_.accumulator_bits);
  y(0, 0) = sign_extend(get_bits(words, 0, bits), bits);
}

void Design::golden(const OperandViews& operands, MatrixView<std::int64_t> y) const {
  design_id::golden(params_, operands.a, operands.w, y);
}

}  // namespace bitsmith::design_id
