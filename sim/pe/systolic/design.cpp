#include "pe/systolic/design.h"

#include <algorithm>
#include <array>

#include "common/error.h"
#include "numerics/pack.h"
#include "pe/systolic/golden.h"

namespace bitsmith::systolic {
namespace {

constexpr std::array<std::string_view, kActions> kActionNames = {
    "job", "a_beat", "w_beat", "mac", "drain_copy", "drain_shift", "y_beat"};

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

RtlDescription Design::rtl() const {
  RtlDescription rtl;
  rtl.sources = {"common/skid_buffer.sv", "common/delay_line.sv", "systolic/systolic_pe.sv",
                 "systolic/systolic_edge.sv", "systolic/systolic_array.sv"};
  rtl.top = "systolic_array";
  rtl.parameters = parameters().rtl_parameters(params_);
  const auto without = [&](std::initializer_list<std::string_view> names) {
    RtlParameters kept = rtl.parameters;
    std::erase_if(kept, [&](const auto& p) {
      return std::find(names.begin(), names.end(), p.first) != names.end();
    });
    return kept;
  };
  rtl.modules = {{"systolic_pe", pe_count(), without({"Rows", "Cols", "KBits"})},
                 {"systolic_edge", 1, without({"Overflow", "ClockGating"})}};
  return rtl;
}

TileLimits Design::tile_limits() const {
  TileLimits limits;
  limits.m = params_.rows;
  limits.n = params_.cols;
  limits.k = (std::uint32_t{1} << params_.k_bits) - 1;
  limits.k_total =
      params_.overflow == Overflow::exact ? longest_exact_k(params_) : ~std::uint64_t{0};
  return limits;
}

std::span<const std::string_view> Design::action_names() const { return kActionNames; }

BeatCounts Design::beats(const Job& job) const {
  return {.a = job.k, .w = job.k, .s = 0, .y = job.emit ? job.m : 0};
}

void Design::pack_job(const Job& job, std::span<std::uint32_t> words) const {
  std::fill(words.begin(), words.end(), 0U);
  job_layout(params_).pack(job, words);
}

void Design::pack_a(const Job& job, CodeView a, std::uint64_t beat,
                    std::span<std::uint32_t> words) const {
  check(a.rows == job.m && a.cols == job.k && beat < job.k, "the tile of A is not the job's");
  std::fill(words.begin(), words.end(), 0U);
  const int bits = params_.activation->bits;
  for (std::size_t r = 0; r < job.m; ++r) {
    put_bits(words, r * static_cast<std::size_t>(bits), bits, a(r, beat));
  }
}

void Design::pack_w(const Job& job, CodeView w, std::uint64_t beat,
                    std::span<std::uint32_t> words) const {
  check(w.rows == job.k && w.cols == job.n && beat < job.k, "the tile of W is not the job's");
  std::fill(words.begin(), words.end(), 0U);
  const int bits = params_.weight->bits;
  for (std::size_t c = 0; c < job.n; ++c) {
    put_bits(words, c * static_cast<std::size_t>(bits), bits, w(beat, c));
  }
}

void Design::unpack_y(const Job& job, std::span<const std::uint32_t> words, std::uint64_t beat,
                      MatrixView<std::int64_t> y) const {
  check(y.rows == job.m && y.cols == job.n && beat < job.m, "the tile of Y is not the job's");
  const auto bits = static_cast<int>(params_.accumulator_bits);
  for (std::size_t c = 0; c < job.n; ++c) {
    y(beat, c) = sign_extend(get_bits(words, c * params_.accumulator_bits, bits), bits);
  }
}

void Design::golden(CodeView a, CodeView w, MatrixView<std::int64_t> y) const {
  static_cast<void>(systolic::golden(params_, a, w, y));
}

}  // namespace bitsmith::systolic
