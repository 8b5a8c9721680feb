#include "pe/lut_tensor_core/design.h"

#include <algorithm>
#include <array>

#include "common/error.h"
#include "numerics/pack.h"
#include "pe/lut_tensor_core/golden.h"
#include "pe/lut_tensor_core/golden_gemm.h"

namespace bitsmith::lut_tensor_core {
namespace {

constexpr std::array<std::string_view, kActions> kActionNames = {
    "job",   "a_beat", "w_beat",   "s_beat",       "y_beat",
    "table", "lane",   "sum_lane", "result_shift", "dequantise"};

RtlParameters only(const RtlParameters& all, std::initializer_list<std::string_view> names) {
  RtlParameters kept = all;
  std::erase_if(kept, [&](const auto& p) {
    return std::find(names.begin(), names.end(), p.first) == names.end();
  });
  return kept;
}

// The stored bits of K weights in one plane, of which `real` are not padding.
std::uint32_t stored_bits(const Params& params, std::uint32_t bits, std::uint32_t real) {
  const std::uint32_t top = 1U << (params.k - 1);
  if (params.engine != Engine::lut || (bits & top) != 0) return bits;
  return ~bits & ((1U << real) - 1) & (top - 1);
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
                 "lut_tensor_core/lut_tensor_core_add.sv",
                 "lut_tensor_core/lut_tensor_core_mux.sv",
                 "lut_tensor_core/lut_tensor_core_part.sv",
                 "lut_tensor_core/lut_tensor_core_sum.sv",
                 "lut_tensor_core/lut_tensor_core_entries.sv",
                 "lut_tensor_core/lut_tensor_core_float.sv",
                 "lut_tensor_core/lut_tensor_core_operand.sv",
                 "lut_tensor_core/lut_tensor_core_round.sv",
                 "lut_tensor_core/lut_tensor_core_table.sv",
                 "lut_tensor_core/lut_tensor_core_lane.sv",
                 "lut_tensor_core/lut_tensor_core_column.sv",
                 "lut_tensor_core/lut_tensor_core_edge.sv",
                 "lut_tensor_core/lut_tensor_core_array.sv"};
  rtl.top = "lut_tensor_core_array";
  rtl.sizes = {{"m", {"M", "Rows"}}, {"n", {"N"}}};
  rtl.parameters = parameters().rtl_parameters(params_);
  rtl.parameters.emplace_back("Activation", activation_kind(params_));
  rtl.parameters.emplace_back("WeightKind", static_cast<std::int64_t>(weight_kind(params_)));
  rtl.parameters.emplace_back("AccManBits", params_.accumulator == Accumulator::tf32 ? 10 : 23);
  const std::uint64_t tables = std::uint64_t{rows(params_)} * params_.unit_cols;
  RtlParameters of_lane = only(rtl.parameters, {"K", "Engine", "Activation", "WBits", "WeightKind",
                                                "Table", "AccManBits", "Pipeline", "Group"});
  RtlParameters of_sum_lane = of_lane;
  of_lane.emplace_back("IsSum", 0);
  of_sum_lane.emplace_back("IsSum", 1);
  RtlParameters of_column =
      only(rtl.parameters, {"K", "Engine", "Activation", "WBits", "WeightKind", "Table",
                            "Precompute", "AccManBits", "Group"});
  of_column.emplace_back("Rows", rows(params_));
  rtl.modules = {{"lut_tensor_core_edge", 1, rtl.parameters},
                 {"lut_tensor_core_table", tables,
                  only(rtl.parameters, {"K", "Engine", "Activation", "Table", "Precompute"})},
                 {"lut_tensor_core_lane", pe_count(), of_lane, true},
                 {"lut_tensor_core_column", cols(params_), of_column}};
  if (has_sum_lane(params_)) rtl.modules.push_back({"lut_tensor_core_lane", tables, of_sum_lane});
  return rtl;
}

std::span<const std::string_view> Design::action_names() const { return kActionNames; }

BeatCounts Design::beats(const Job& job) const {
  return {beat_count(params_, job.k), token_count(params_, job.k), group_count(params_, job.k),
          job.emit ? job.m : 0};
}

void Design::pack_job(const Job& job, std::span<std::uint32_t> words) const {
  std::fill(words.begin(), words.end(), 0U);
  job_layout(params_).pack(job, words);
}

void Design::pack_a(const Job& job, CodeView a, std::uint64_t beat,
                    std::span<std::uint32_t> words) const {
  check(a.rows == job.m && a.cols == job.k && beat < beats(job).a,
        "the tile of A is not the job's");
  std::fill(words.begin(), words.end(), 0U);
  if (params_.precompute == Precompute::fused) return pack_tables(job, a, beat, words);
  const int bits = params_.activation->bits;
  const std::uint64_t begin = beat * params_.k;
  for (std::uint64_t r = 0; r < job.m; ++r) {
    for (std::uint64_t k = begin; k < std::min<std::uint64_t>(begin + params_.k, job.k); ++k) {
      put_bits(words, (r * params_.k + k - begin) * static_cast<std::uint64_t>(bits), bits,
               a(r, k));
    }
  }
}

// Rows beyond m have tables of zeros: all bits 0.
void Design::pack_tables(const Job& job, CodeView a, std::uint64_t beat,
                         std::span<std::uint32_t> words) const {
  const int bits = static_cast<int>(entry_bits(params_));
  const std::uint64_t begin = beat * params_.k;
  std::vector<std::uint32_t> codes(params_.k);
  for (std::uint64_t r = 0; r < job.m; ++r) {
    for (std::uint64_t j = 0; j < params_.k; ++j) {
      codes[j] = begin + j < job.k ? a(r, begin + j) : 0;
    }
    const Table table = precompute(params_, codes);
    std::uint64_t at = r * table_bits(params_);
    for (const std::uint32_t entry : table.entries) {
      put_bits(words, at, bits, entry);
      at += static_cast<std::uint64_t>(bits);
    }
    if (params_.table == TableKind::int8) {
      put_bits(words, at, kTableScaleBits, table.scale_code);
    }
  }
}

void Design::pack_w(const Job& job, CodeView w, std::uint64_t beat,
                    std::span<std::uint32_t> words) const {
  check(w.rows == job.k && w.cols == job.n && beat < beats(job).w,
        "the tile of W is not the job's");
  std::fill(words.begin(), words.end(), 0U);
  const auto plane = static_cast<std::uint32_t>(beat % steps_per_beat(params_));
  const std::uint64_t begin = beat / steps_per_beat(params_) * params_.k;
  const auto real = static_cast<std::uint32_t>(std::min<std::uint64_t>(params_.k, job.k - begin));
  const int weight_bits = params_.weight->bits;
  for (std::uint64_t c = 0; c < job.n; ++c) {
    std::uint32_t bits = 0;
    for (std::uint32_t j = 0; j < real; ++j) {
      const std::uint32_t code = w(begin + j, c);
      if (params_.engine == Engine::mac) {
        // Ternary's second zero is none in two's complement.
        put_bits(words, (c * params_.k + j) * static_cast<std::uint64_t>(weight_bits), weight_bits,
                 static_cast<std::uint64_t>(weight_value(params_, code)));
      } else {
        bits |= plane_bit(params_, code, plane) << j;
      }
    }
    if (params_.engine != Engine::mac) {
      put_bits(words, c * params_.k, static_cast<int>(params_.k), stored_bits(params_, bits, real));
    }
  }
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
  check(y.rows == job.m && y.cols == job.n && beat < job.m, "the tile of Y is not the job's");
  const auto bits = static_cast<int>(sum_bits(params_));
  for (std::size_t n = 0; n < job.n; ++n) {
    y(beat, n) = sign_extend(get_bits(words, n * sum_bits(params_), bits), bits);
  }
}

void Design::golden(const OperandViews& operands, MatrixView<std::int64_t> y) const {
  golden_gemm(params_, operands, y);
}

}  // namespace bitsmith::lut_tensor_core
