// The bit-serial array: what pe/design.h asks of a design.
#pragma once

#include <memory>
#include <string_view>

#include "pe/bit_serial/model.h"
#include "pe/bit_serial/params.h"
#include "pe/bit_serial/timing.h"
#include "pe/design.h"

namespace bitsmith::bit_serial {

class Design final : public bitsmith::Design {
 public:
  static constexpr std::string_view kId = "bit_serial";
  static constexpr std::string_view kTitle =
      "Bit-serial dot products of low-bit weights with a scale per group and FP16 or INT8 "
      "activations, after BitMoD (HPCA 2025)";
  using Model = bit_serial::Model;
  using Timing = bit_serial::Timing;

  explicit Design(const Params& params) : params_(params) {}
  static std::unique_ptr<const bitsmith::Design> read(const YamlNode& map,
                                                      Diagnostics& diagnostics);

  const Params& params() const { return params_; }

  std::string_view id() const override { return kId; }
  nlohmann::ordered_json resolved() const override;
  ChannelWidths channel_widths() const override { return bit_serial::channel_widths(params_); }
  TileLimits tile_limits() const override { return bit_serial::tile_limits(params_); }
  std::uint64_t pe_count() const override { return std::uint64_t{params_.rows} * params_.cols; }
  // Rounded up where the terms of a weight do not divide the lanes.
  // A step per beat where zero terms are skipped.
  std::uint64_t peak_macs_per_cycle() const override {
    const std::uint32_t fewest_terms = params_.skip_zero_terms ? 1 : term_count(params_);
    return (pe_count() * params_.lanes - 1) / fewest_terms + 1;
  }
  const Format& activation_format() const override { return *params_.activation; }
  const Format& weight_format() const override { return *params_.weight; }
  std::uint32_t accumulator_bits() const override { return sum_bits(params_); }
  std::span<const std::string_view> action_names() const override;
  std::uint32_t scale_bits() const override { return scale_code_bits(params_); }
  std::uint64_t scale_rows(std::uint64_t k) const override { return group_count(params_, k); }
  bool steps_depend_on_weights() const override { return params_.skip_zero_terms; }
  void weight_steps(CodeView w, CodeView s, std::span<std::uint32_t> steps) const override;
  ScaleScheme scale_scheme() const override;
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

}  // namespace bitsmith::bit_serial
