// The systolic array: what pe/design.h asks of a design.
#pragma once

#include <memory>
#include <string_view>

#include "pe/design.h"
#include "pe/systolic/model.h"
#include "pe/systolic/params.h"
#include "pe/systolic/timing.h"

namespace bitsmith::systolic {

class Design final : public bitsmith::Design {
 public:
  static constexpr std::string_view kId = "systolic";
  static constexpr std::string_view kTitle =
      "Systolic array of integer or floating-point multiply-accumulate PEs; output, weight or "
      "input "
      "stationary";
  using Model = systolic::Model;
  using Timing = systolic::Timing;

  explicit Design(const Params& params) : params_(params) {}
  static std::unique_ptr<const bitsmith::Design> read(const YamlNode& map,
                                                      Diagnostics& diagnostics);

  const Params& params() const { return params_; }

  std::string_view id() const override { return kId; }
  nlohmann::ordered_json resolved() const override;
  ChannelWidths channel_widths() const override { return systolic::channel_widths(params_); }
  TileLimits tile_limits() const override { return systolic::tile_limits(params_); }
  std::uint64_t pe_count() const override { return std::uint64_t{params_.rows} * params_.cols; }
  std::uint64_t peak_macs_per_cycle() const override { return pe_count(); }
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
  RtlParameters rtl_parameters() const;
  std::vector<RtlDescription::Module> os_modules() const;
  std::vector<RtlDescription::Module> ws_modules() const;

  Params params_;
};

}  // namespace bitsmith::systolic
