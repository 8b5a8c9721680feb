#include "pe/design.h"

#include <fmt/core.h>

namespace bitsmith {
namespace {

// Of all that operand_tiles() asks a design for.
std::string operands_text(const Design& design) {
  std::string text =
      fmt::format("{} x {}", design.activation_format().name, design.weight_format().name);
  if (design.scale_bits() == 0) return text;
  const ScaleScheme scheme = design.scale_scheme();
  text += fmt::format(", {} scales of {}", scheme.scale->name, scheme.group);
  if (scheme.zero_points != ZeroPoints::none) text += ", zero points";
  return text;
}

}  // namespace

RtlDescription Design::rtl() const {
  RtlDescription description = describe_rtl();
  const std::string operands = operands_text(*this);
  for (RtlDescription::Module& module : description.modules) module.operands = operands;
  return description;
}

}  // namespace bitsmith
