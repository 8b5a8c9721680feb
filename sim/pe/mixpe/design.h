// The array of shift-and-add PEs: what pe/design.h asks of a design.
#pragma once

#include <memory>
#include <string_view>

#include "pe/design.h"
#include "pe/mixpe/model.h"
#include "pe/mixpe/params.h"
#include "pe/mixpe/timing.h"

namespace bitsmith::mixpe {

class Design final : public bitsmith::Design {
 public:
  static constexpr std::string_view kId = "mixpe";
  static constexpr std::string_view kTitle =
      "Shift-and-add PEs: low-bit integer or power-of-two weights against INT8, INT16 or FP16 "
      "activations, dequantised once per group, after MixPE (arXiv 2411.16158)";
  using Model = mixpe::Model;
  using Timing = mixpe::Timing;

  explicit Design(const Params& params) : params_(params) {}
  static std::unique_ptr<const bitsmith::Design> read(const YamlNode& map,
                                                      Diagnostics& diagnostics);

  const Params& params() const { return params_; }

  std::string_view id() const override { return kId; }
  nlohmann::ordered_json resolved() const override;
  ChannelWidths channel_widths() const override { return mixpe::channel_widths(params_); }
  TileLimits tile_limits() const override { return mixpe::tile_limits(params_); }
  std::uint64_t pe_count() const override { return std::uint64_t{params_.rows} * params_.cols; }
  // Rounded up where the digits of a weight do not divide the lanes.
  std::uint64_t peak_macs_per_cycle() const override {
    return (pe_count() * params_.lanes - 1) / digit_count(params_) + 1;
  }
  const Format& activation_format() const override { return *params_.activation; }
  const Format& weight_format() const override { return *params_.weight; }
  std::uint32_t accumulator_bits() const override { return kResultBits; }
  bool results_are_floating_point() const override {
    return mixpe::results_are_floating_point(params_);
  }
  std::span<const std::string_view> action_names() const override;
  std::uint32_t scale_bits() const override { return scale_code_bits(params_); }
  std::uint64_t scale_rows(std::uint64_t k) const override {
    return scale_rows_per_group(params_) * group_count(params_, k);
  }
  ScaleScheme scale_scheme() const override {
    return {group_size(params_),
            params_.scale,
            {},
            has_zero_points(params_) ? ZeroPoints::row_below : ZeroPoints::none};
  }
  BeatCounts beats(const Job& job) const override;
  void pack_job(const Job& job, std::span<std::uint32_t> words) const override;
  void pack_a(const Job& job, CodeView a, std::uint64_t beat,
              std::span<std::uint32_t> words) const override;
  void pack_w(const Job& job, CodeView w, std::uint64_t beat,
              std::span<std::uint32_t> words) const override;
  void pack_s(const Job& job, CodeView s, std::uint64_t beat,
              std::span<std::uint32_t> words) const override;
  void unpack_y(const Job& job, std::span<const std::uint32_t> words, std::uint64_t beat,
                MatrixView<std::int64_t> y) const override;
  void golden(const OperandViews& operands, MatrixView<std::int64_t> y) const override;

 private:
  RtlDescription describe_rtl() const override;
  Params params_;
};

}  // namespace bitsmith::mixpe
