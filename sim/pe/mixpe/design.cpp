#include "pe/mixpe/design.h"

#include <algorithm>
#include <array>

#include "common/error.h"
#include "numerics/pack.h"
#include "pe/mixpe/golden_gemm.h"

namespace bitsmith::mixpe {
namespace {

constexpr std::array<std::string_view, kActions> kActionNames = {
    "job", "a_beat", "w_beat", "s_beat", "shift_add", "row_sum", "result", "dequantise", "y_beat"};

RtlParameters only(const RtlParameters& all, std::initializer_list<std::string_view> names) {
  RtlParameters kept = all;
  std::erase_if(kept, [&](const auto& p) {
    return std::find(names.begin(), names.end(), p.first) == names.end();
  });
  return kept;
}

// The number of an activation's format in the RTL.
std::int64_t activation_number(const Params& params) {
  if (sums_are_floating_point(params)) return 2;
  return params.activation->bits == 8 ? 0 : 1;
}

// Lane pe * lanes + i of a beat is element beat * lanes + i of that PE's row or column; lanes
// beyond k stay zero.
template <class CodeOf>
void pack_lanes(const Params& params, std::uint32_t pes, std::uint32_t k, int bits,
                std::uint64_t beat, std::span<std::uint32_t> words, CodeOf code_of) {
  std::fill(words.begin(), words.end(), 0U);
  const std::uint64_t begin = beat * params.lanes;
  const std::uint64_t end = std::min<std::uint64_t>(begin + params.lanes, k);
  for (std::uint64_t pe = 0; pe < pes; ++pe) {
    for (std::uint64_t i = begin; i < end; ++i) {
      const std::uint64_t lane = pe * params.lanes + i - begin;
      put_bits(words, lane * static_cast<std::uint64_t>(bits), bits, code_of(pe, i));
    }
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

RtlDescription Design::describe_rtl() const {
  RtlDescription rtl;
  rtl.sources = {"common/skid_buffer.sv",
                 "common/delay_line.sv",
                 "common/lzc.sv",
                 "common/shift_right_sticky.sv",
                 "common/increment.sv",
                 "common/fp_unpack.sv",
                 "common/fp_mul.sv",
                 "common/fp_add_align.sv",
                 "common/fp_add_finish.sv",
                 "common/fp_add.sv",
                 "mixpe/mixpe_to_float.sv",
                 "mixpe/mixpe_product.sv",
                 "mixpe/mixpe_float_shift.sv",
                 "mixpe/mixpe_float_product.sv",
                 "mixpe/mixpe_pe.sv",
                 "mixpe/mixpe_row_sum.sv",
                 "mixpe/mixpe_column.sv",
                 "mixpe/mixpe_edge.sv",
                 "mixpe/mixpe_array.sv"};
  rtl.top = "mixpe_array";
  rtl.sizes = {{"rows", {"Rows"}}, {"cols", {"Cols"}}};
  rtl.parameters = parameters().rtl_parameters(params_);
  const auto add = [&](const char* name, std::int64_t value) {
    rtl.parameters.emplace_back(name, value);
  };
  add("Activation", activation_number(params_));
  add("WeightKind", static_cast<std::int64_t>(weight_kind(params_)));
  add("Digit", digit_bits(params_));
  add("Scale", mixpe::results_are_floating_point(params_) ? 1 : 0);
  add("Group", group_size(params_));
  rtl.modules = {{"mixpe_pe", pe_count(),
                  only(rtl.parameters, {"Lanes", "Activation", "WBits", "WeightKind", "Digit",
                                        "Pipeline", "RowInterval", "Group"}),
                  true},
                 {"mixpe_column", params_.cols,
                  only(rtl.parameters,
                       {"Rows", "Cols", "Activation", "WBits", "WeightKind", "Scale", "Group"})},
                 {"mixpe_edge", 1, rtl.parameters}};
  if (has_zero_points(params_)) {
    rtl.modules.push_back(
        {"mixpe_row_sum", params_.rows,
         only(rtl.parameters, {"Lanes", "Activation", "Pipeline", "RowInterval", "Group"})});
  }
  return rtl;
}

std::span<const std::string_view> Design::action_names() const { return kActionNames; }

BeatCounts Design::beats(const Job& job) const {
  const std::uint64_t operands = beat_count(params_, job.k);
  return {operands, operands, group_count(params_, job.k), job.emit ? job.m : 0};
}

void Design::pack_job(const Job& job, std::span<std::uint32_t> words) const {
  std::fill(words.begin(), words.end(), 0U);
  job_layout(params_).pack(job, words);
}

void Design::pack_a(const Job& job, CodeView a, std::uint64_t beat,
                    std::span<std::uint32_t> words) const {
  check(a.rows == job.m && a.cols == job.k && beat < beats(job).a,
        "the tile of A is not the job's");
  pack_lanes(params_, job.m, job.k, params_.activation->bits, beat, words,
             [&](std::uint64_t row, std::uint64_t k) { return a(row, k); });
}

void Design::pack_w(const Job& job, CodeView w, std::uint64_t beat,
                    std::span<std::uint32_t> words) const {
  check(w.rows == job.k && w.cols == job.n && beat < beats(job).w,
        "the tile of W is not the job's");
  pack_lanes(params_, job.n, job.k, params_.weight->bits, beat, words,
             [&](std::uint64_t col, std::uint64_t k) { return w(k, col); });
}

void Design::pack_s(const Job& job, CodeView s, std::uint64_t beat,
                    std::span<std::uint32_t> words) const {
  check(s.rows == scale_rows(job.k) && s.cols == job.n && beat < beats(job).s,
        "the scales are not the job's");
  std::fill(words.begin(), words.end(), 0U);
  const std::size_t lane = scale_lane_bits(params_);
  const auto scale = static_cast<int>(scale_code_bits(params_));
  const std::size_t row = beat * scale_rows_per_group(params_);
  for (std::size_t n = 0; n < job.n; ++n) {
    put_bits(words, n * lane, scale, s(row, n));
    if (!has_zero_points(params_)) continue;
    put_bits(words, n * lane + scale_code_bits(params_), params_.weight->bits, s(row + 1, n));
  }
}

void Design::unpack_y(const Job& job, std::span<const std::uint32_t> words, std::uint64_t beat,
                      MatrixView<std::int64_t> y) const {
  check(y.rows == job.m && y.cols == job.n && beat < job.m, "the tile of Y is not the job's");
  for (std::size_t n = 0; n < job.n; ++n) y(beat, n) = sign_extend(words[n], kResultBits);
}

void Design::golden(const OperandViews& operands, MatrixView<std::int64_t> y) const {
  golden_gemm(params_, operands, y);
}

}  // namespace bitsmith::mixpe
