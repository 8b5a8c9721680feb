#include "reproduce/lut_tensor_core_points.h"

namespace bitsmith::reproduce::lut_tensor_core {
namespace {

// Of one array.
struct Answers {
  UnitAnswer lanes;  // with the tables
  UnitAnswer with_columns;
};

Answers answers_of(const Point& point, const Technology& technology) {
  const auto design = design_of(point);
  std::vector<CountedModule> lanes, all;
  for (const RtlDescription::Module& module : design->rtl().modules) {
    if (module.name == kEdge) continue;
    all.push_back({module, static_cast<double>(module.instances)});
    if (module.name != kColumn) lanes.push_back(all.back());
  }
  return {unit_energy(*design, lanes, technology), unit_energy(*design, all, technology)};
}

struct Step {
  std::string_view name;
  Point point;
  std::optional<double> claim;
  std::string_view note;
};

std::vector<Step> steps_of(const Claims& claims) {
  return {
      {"UNPU-like", kConventional, 1.0,
       "lut_full, precompute in the unit; under which operands the paper's power is we do not "
       "know"},
      {"+ weight reinterpretation", kNegating, claims.efficiency_reinterpretation,
       "lut_negate; its XNOR gates sit in the columns, so only the figure with columns has them"},
      {"+ negation elimination", kPacked, claims.efficiency_negation,
       "lut: without these gates, which serve both rows at once here"},
      {"+ 8-bit tables alone", kRounded, std::nullopt,
       "lut, table int8: the paper has no figure of it alone"},
      {"+ fused precompute alone", kFused, std::nullopt,
       "lut, precompute fused: the paper has no figure of it alone"},
      {"LUT Tensor Core", kLutTensorCore, claims.efficiency_lut_tensor_core,
       "lut, table int8, precompute fused: our reading of the paper's last step; the vector unit "
       "that makes the tables is not counted"},
  };
}

Row row_of(const Step& step) {
  Row row;
  row.table = "ablation, W2 A8, 2x64x4: energy efficiency, UNPU-like is 1";
  row.row = step.name;
  row.claim = step.claim;
  row.unit = "ratio of products per energy";
  row.note = step.note;
  row.missing = true;
  return row;
}

void add_ours(const Answers& unpu, const Answers& step, Row& row) {
  // Products per energy are the inverse of energy per product.
  const EnergyRatio lanes = energy_ratio(EnergyQuantity::per_mac, unpu.lanes, step.lanes);
  const EnergyRatio all =
      energy_ratio(EnergyQuantity::per_mac, unpu.with_columns, step.with_columns);
  row.ours = lanes.value;
  row.with_columns = all.value;
  row.measured = lanes.measured;
  row.remarks = all.remarks;  // columns add to those of the lanes
  row.stale = all.stale;
  row.missing = !lanes.value;
}

}  // namespace

std::vector<Row> energy_rows(const Claims& claims, const std::vector<Technology>& technologies) {
  const std::vector<Step> steps = steps_of(claims);
  std::vector<Row> rows;
  for (const Technology& technology : technologies) {
    const Answers unpu = answers_of(kConventional, technology);
    for (const Step& step : steps) {
      rows.push_back(row_of(step));
      rows.back().technology = technology.source.library;
      add_ours(unpu, answers_of(step.point, technology), rows.back());
    }
  }
  if (!technologies.empty()) return rows;
  for (const Step& step : steps) {
    rows.push_back(row_of(step));
    rows.back().remarks = {std::string(kNoTechnology)};
  }
  return rows;
}

}  // namespace bitsmith::reproduce::lut_tensor_core
