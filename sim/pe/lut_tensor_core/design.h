// The array of lookup-table units: what pe/design.h asks of a design.
#pragma once

#include <memory>
#include <string_view>

#include "pe/design.h"
#include "pe/lut_tensor_core/model.h"
#include "pe/lut_tensor_core/params.h"
#include "pe/lut_tensor_core/timing.h"

namespace bitsmith::lut_tensor_core {

class Design final : public bitsmith::Design {
 public:
  static constexpr std::string_view kId = "lut_tensor_core";
  static constexpr std::string_view kTitle =
      "Lookup tables of sums of activations, addressed by bits of low-bit weights, after LUT "
      "Tensor "
      "Core (ISCA 2025)";
  using Model = lut_tensor_core::Model;
  using Timing = lut_tensor_core::Timing;

  explicit Design(const Params& params) : params_(params) {}
  static std::unique_ptr<const bitsmith::Design> read(const YamlNode& map,
                                                      Diagnostics& diagnostics);

  const Params& params() const { return params_; }

  std::string_view id() const override { return kId; }
  nlohmann::ordered_json resolved() const override;
  ChannelWidths channel_widths() const override { return lut_tensor_core::channel_widths(params_); }
  TileLimits tile_limits() const override { return lut_tensor_core::tile_limits(params_); }
  std::uint64_t pe_count() const override { return std::uint64_t{rows(params_)} * cols(params_); }
  // Rounded up where the planes of a weight do not divide the products.
  std::uint64_t peak_macs_per_cycle() const override {
    return (pe_count() * params_.k - 1) / steps_per_beat(params_) + 1;
  }
  const Format& activation_format() const override { return *params_.activation; }
  const Format& weight_format() const override { return *params_.weight; }
  std::uint32_t accumulator_bits() const override { return sum_bits(params_); }
  std::span<const std::string_view> action_names() const override;
  std::uint32_t scale_bits() const override { return scale_code_bits(params_); }
  std::uint64_t scale_rows(std::uint64_t k) const override { return group_count(params_, k); }
  ScaleScheme scale_scheme() const override {
    return {params_.group,
            find_format("int8"),
            {},
            has_zero(params_) ? ZeroPoints::above_scale : ZeroPoints::none};
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
  void pack_tables(const Job& job, CodeView a, std::uint64_t beat,
                   std::span<std::uint32_t> words) const;

  Params params_;
};

}  // namespace bitsmith::lut_tensor_core
