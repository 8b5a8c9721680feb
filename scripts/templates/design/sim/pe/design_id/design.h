// What pe/design.h asks of a design.
#pragma once

#include <memory>
#include <string_view>

#include "pe/design.h"
#include "pe/design_id/model.h"
#include "pe/design_id/params.h"
#include "pe/design_id/timing.h"

namespace bitsmith::design_id {

class Design final : public bitsmith::Design {
 public:
  static constexpr std::string_view kId = "design_id";
  // REPLACE: what `bitsmith describe` says of it.
  static constexpr std::string_view kTitle =
      "Dot product of integers, one sum at a time (template)";
  using Model = design_id::Model;
  using Timing = design_id::Timing;

  explicit Design(const Params& params) : params_(params) {}
  static std::unique_ptr<const bitsmith::Design> read(const YamlNode& map,
                                                      Diagnostics& diagnostics);

  const Params& params() const { return params_; }

  std::string_view id() const override { return kId; }
  nlohmann::ordered_json resolved() const override;
  ChannelWidths channel_widths() const override { return design_id::channel_widths(params_); }
  TileLimits tile_limits() const override;
  std::uint64_t pe_count() const override { return 1; }
  std::uint64_t peak_macs_per_cycle() const override { return params_.lanes; }
  const Format& activation_format() const override { return *params_.activation; }
  const Format& weight_format() const override { return *params_.weight; }
  std::uint32_t accumulator_bits() const override { return params_.accumulator_bits; }
  std::span<const std::string_view> action_names() const override;
  BeatCounts beats(const Job& job) const override;
  void pack_job(const Job& job, std::span<std::uint32_t> words) const override;
  void pack_a(const Job& job, CodeView a, std::uint64_t beat,
              std::span<std::uint32_t> words) const override;
  void pack_w(const Job& job, CodeView w, std::uint64_t beat,
              std::span<std::uint32_t> words) const override;
  void unpack_y(const Job& job, std::span<const std::uint32_t> words, std::uint64_t beat,
                MatrixView<std::int64_t> y) const override;
  void golden(const OperandViews& operands, MatrixView<std::int64_t> y) const override;

 private:
  RtlDescription describe_rtl() const override;

  Params params_;
};

}  // namespace bitsmith::design_id
