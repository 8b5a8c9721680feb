// What every design is to the rest of Bitsmith: parameters, channels, packing, golden results, RTL.
//
// Cycle models and timing are reached as concrete types through visit_design (pe/registry.h), so
// that no virtual call stands between two clock edges. A concrete design D provides besides this
// interface
//   D::Model  : Model(const Params&); step(const ArrayInputs&); outputs(); pe_cycles(); actions();
//               jobs_entered();
//   D::Timing : Timing(const Params&); State: step, alike(), not_before();
//               next(State&, const Job&, Pace) -> JobTiming; where steps depend on the weights
//               also groups(const Job&) and next(..., steps of the job's groups).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "config/parameter_table.h"
#include "numerics/format.h"
#include "pe/array_ports.h"
#include "pe/job.h"
#include "pe/matrix.h"

namespace bitsmith {

// The synthesizable form of a design: files below rtl/, the array and the modules it is made of.
struct RtlDescription {
  struct Module {
    std::string name;
    std::uint64_t instances;  // in one array
    RtlParameters parameters;
    bool is_pe = false;  // whether PeCycles are its own: it stands in every PE
    // What the design computes on, which its parameters need not tell: "fp16 x fp4, int8 scales of
    // 128". Energy depends on it; Design::rtl() fills it in.
    std::string operands = {};
  };
  // SRAM, which synthesis would turn into registers: not part of the modules.
  struct Memory {
    std::string name;
    std::uint64_t instances;
    std::uint64_t words;
    std::uint64_t bits;                     // of a word
    std::size_t read_action, write_action;  // that count words of all instances
  };
  // A size of the array that modules around the PEs depend on.
  struct Size {
    std::string key;                      // of the design's configuration
    std::vector<std::string> parameters;  // what modules call it, or a part of it
    std::uint64_t step = 1;               // it is a multiple of
  };
  std::vector<std::string> sources;  // in compilation order
  std::string top;
  RtlParameters parameters;
  std::vector<Module> modules;  // the array is the sum of these, PEs and edge, and of its memories
  std::vector<Memory> memories = {};
  std::vector<Size> sizes = {};
};

// The weights of a design with scales: groups of `group` along k with a scale each, whose code is
// the low bits of an S. In a format with special values select i, above the scale, makes a group's
// weights numbers of mixture[i]; their codes are the same.
//
// With zero points, which unsigned weights have, every group has one: an integer in the weights'
// own format, in a row of S below the group's scales, or above the scale in the same S.
enum class ZeroPoints { none, row_below, above_scale };
struct ScaleScheme {
  std::uint64_t group = 1;
  const Format* scale = nullptr;
  std::vector<const Format*> mixture;
  ZeroPoints zero_points = ZeroPoints::none;
};

class Design {
 public:
  virtual ~Design() = default;

  virtual std::string_view id() const = 0;
  virtual nlohmann::ordered_json resolved() const = 0;
  RtlDescription rtl() const;

  virtual ChannelWidths channel_widths() const = 0;
  virtual TileLimits tile_limits() const = 0;
  virtual std::uint64_t pe_count() const = 0;
  virtual std::uint64_t peak_macs_per_cycle() const = 0;
  virtual const Format& activation_format() const = 0;
  virtual const Format& weight_format() const = 0;
  virtual std::uint32_t accumulator_bits() const = 0;  // of a result at the y port
  // Results are FP32 codes, otherwise integers.
  virtual bool results_are_floating_point() const {
    return activation_format().kind == FormatKind::minifloat;
  }
  virtual std::span<const std::string_view> action_names() const = 0;

  virtual BeatCounts beats(const Job& job) const = 0;
  // A tile A[m,k], W[k,n] of any size, also of many jobs.
  virtual OperandBits operand_bits(std::uint64_t m, std::uint64_t n, std::uint64_t k) const {
    return {.a = m * k * static_cast<std::uint64_t>(activation_format().bits),
            .w = k * n * static_cast<std::uint64_t>(weight_format().bits),
            .s = scale_rows(k) * n * scale_bits()};
  }
  // Designs whose weights come with scales: bits of a scale's code, with whatever goes with it, and
  // rows of S[rows,n] for weights W[k,n]. Rows of accumulating jobs follow each other.
  virtual std::uint32_t scale_bits() const { return 0; }
  virtual std::uint64_t scale_rows([[maybe_unused]] std::uint64_t k) const { return 0; }
  virtual ScaleScheme scale_scheme() const {
    throw InternalError("a design without a scale channel");
  }

  // Designs whose cycles depend on the weights: the steps that each group of W[k,n] takes, which
  // Timing::next asks for; scale_rows(k) numbers for every tile of tile_limits().n columns, tile
  // after tile.
  virtual bool steps_depend_on_weights() const { return false; }
  virtual void weight_steps([[maybe_unused]] CodeView w, [[maybe_unused]] CodeView s,
                            [[maybe_unused]] std::span<std::uint32_t> steps) const {
    throw InternalError("a design whose steps do not depend on the weights");
  }

  // One beat of a channel. The views are the job's own tile, A[m,k], W[k,n] and S[scale_rows(k),n];
  // `beat` counts from 0 below beats(job); `words` holds words_of_bits(width) words and is
  // overwritten.
  virtual void pack_job(const Job& job, std::span<std::uint32_t> words) const = 0;
  virtual void pack_a(const Job& job, CodeView a, std::uint64_t beat,
                      std::span<std::uint32_t> words) const = 0;
  virtual void pack_w(const Job& job, CodeView w, std::uint64_t beat,
                      std::span<std::uint32_t> words) const = 0;
  virtual void pack_s([[maybe_unused]] const Job& job, [[maybe_unused]] CodeView s,
                      [[maybe_unused]] std::uint64_t beat,
                      [[maybe_unused]] std::span<std::uint32_t> words) const {
    throw InternalError("a design without a scale channel");
  }
  // Writes the results of one beat into Y[m,n]: what is in the accumulator, sign-extended; for a
  // floating-point accumulator these are its bits.
  virtual void unpack_y(const Job& job, std::span<const std::uint32_t> words, std::uint64_t beat,
                        MatrixView<std::int64_t> y) const = 0;

  // The right results, as unpack_y gives them: Y[M,N] = A[M,K] x W[K,N], scaled if there are
  // scales, for any M, N and K up to tile_limits().k_total.
  virtual void golden(const OperandViews& operands, MatrixView<std::int64_t> y) const = 0;

 private:
  // All but what rtl() fills in.
  virtual RtlDescription describe_rtl() const = 0;
};

}  // namespace bitsmith
