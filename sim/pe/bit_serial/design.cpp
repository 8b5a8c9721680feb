#include "pe/bit_serial/design.h"

#include <algorithm>
#include <array>

#include "common/error.h"
#include "numerics/pack.h"
#include "numerics/quantizer.h"
#include "pe/bit_serial/golden_gemm.h"
#include "pe/bit_serial/term_table.h"

namespace bitsmith::bit_serial {
namespace {

constexpr std::array<std::string_view, kActions> kActionNames = {
    "job",    "a_beat",     "w_beat",       "s_beat",     "dot",
    "encode", "dequantise", "result_shift", "column_add", "y_beat"};

RtlParameters only(const RtlParameters& all, std::initializer_list<std::string_view> names) {
  RtlParameters kept = all;
  std::erase_if(kept, [&](const auto& p) {
    return std::find(names.begin(), names.end(), p.first) == names.end();
  });
  return kept;
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
                 "common/lzc.sv",
                 "common/shift_right_sticky.sv",
                 "common/increment.sv",
                 "common/fp_add_align.sv",
                 "common/fp_add_finish.sv",
                 "common/fp_add.sv",
                 "bit_serial/bit_serial_encoder.sv",
                 "bit_serial/bit_serial_match.sv",
                 "bit_serial/bit_serial_multiply.sv",
                 "bit_serial/bit_serial_accumulate.sv",
                 "bit_serial/bit_serial_pe.sv",
                 "bit_serial/bit_serial_column.sv",
                 "bit_serial/bit_serial_edge.sv",
                 "bit_serial/bit_serial_array.sv"};
  rtl.top = "bit_serial_array";
  rtl.sizes = {{"rows", {"Rows"}, params_.row_tiles}, {"cols", {"Cols"}}};
  rtl.parameters = parameters().rtl_parameters(params_);
  rtl.parameters.emplace_back("WeightKind", static_cast<std::int64_t>(weight_kind(params_)));
  // A column is as high as a tile.
  RtlParameters of_column =
      only(rtl.parameters, {"Lanes", "ABits", "WBits", "WeightKind", "SkipZeroTerms"});
  of_column.emplace_back("Rows", tile_rows(params_));
  rtl.modules = {{"bit_serial_pe", pe_count(),
                  only(rtl.parameters, {"Lanes", "ABits", "SkipZeroTerms"}), true},
                 {"bit_serial_column", std::uint64_t{params_.row_tiles} * params_.cols, of_column},
                 {"bit_serial_edge", 1,
                  only(rtl.parameters, {"Rows", "Cols", "RowTiles", "Lanes", "ABits", "WBits",
                                        "WeightKind", "Group", "KBits"})}};
  return rtl;
}

std::span<const std::string_view> Design::action_names() const { return kActionNames; }

ScaleScheme Design::scale_scheme() const {
  ScaleScheme scheme{params_.group, find_format("int8"), {}};
  if (weight_kind(params_) == WeightKind::fp4) scheme.mixture = bitmod_fp4();
  if (weight_kind(params_) == WeightKind::fp3) scheme.mixture = bitmod_fp3();
  return scheme;
}

BeatCounts Design::beats(const Job& job) const {
  const std::uint64_t operands = beat_count(params_, job.k);
  return {operands, operands, group_count(params_, job.k),
          job.emit ? result_beats(params_, job.m) : 0};
}

void Design::weight_steps(CodeView w, CodeView s, std::span<std::uint32_t> steps) const {
  count_steps(params_, w, s, steps);
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
  check(s.rows == group_count(params_, job.k) && s.cols == job.n && beat < s.rows,
        "the scales are not the job's");
  std::fill(words.begin(), words.end(), 0U);
  const std::uint32_t bits = scale_code_bits(params_);
  for (std::size_t n = 0; n < job.n; ++n) {
    put_bits(words, n * bits, static_cast<int>(bits), s(beat, n));
  }
}

void Design::unpack_y(const Job& job, std::span<const std::uint32_t> words, std::uint64_t beat,
                      MatrixView<std::int64_t> y) const {
  check(y.rows == job.m && y.cols == job.n && beat < beats({job.m, job.n, job.k, false, true}).y,
        "the tile of Y is not the job's");
  const auto bits = static_cast<int>(sum_bits(params_));
  for (std::size_t m = beat, lane = 0; m < job.m; m += tile_rows(params_), lane += params_.cols) {
    for (std::size_t n = 0; n < job.n; ++n) {
      y(m, n) = sign_extend(get_bits(words, (lane + n) * sum_bits(params_), bits), bits);
    }
  }
}

void Design::golden(const OperandViews& operands, MatrixView<std::int64_t> y) const {
  golden_gemm(params_, operands, y);
}

}  // namespace bitsmith::bit_serial
