#include <algorithm>

#include "reproduce/lut_tensor_core_points.h"

namespace bitsmith::reproduce::lut_tensor_core {
namespace {

// Of one array, and how many products it makes per cycle.
struct Area {
  double lanes_um2 = 0;  // with the tables
  double columns_um2 = 0;
  double macs_per_cycle = 0;
  bool stale = false;
};

// By area per product, of `of` and `unit`: how much denser `of` is. Nothing if a record is missing.
struct Ratio {
  std::optional<double> lanes;
  std::optional<double> with_columns;
  bool stale = false;
};

class Book {
 public:
  Book(const SynthesisRecords& records, std::string_view library)
      : records_(records), library_(library), rtl_hash_(hash_of_rtl(*design_of(kLutTensorCore))) {}

  std::optional<Area> area(const Point& point) const {
    const auto design = design_of(point);
    std::optional<Area> area = sum(*design);
    if (!area) return std::nullopt;
    const int planes = point.engine == kMac.engine ? 1 : design->weight_format().bits;
    area->macs_per_cycle = static_cast<double>(point.m * point.n * point.k) / planes;
    return area;
  }

  // `lut` with the XNOR gates that its packed weights save: K - 1 per column.
  std::optional<Area> negating() const {
    std::optional<Area> result = area(kPacked);
    const SynthesisRecord* gate = records_.find_cell(library_);
    if (!result || gate == nullptr) return std::nullopt;
    result->lanes_um2 += gate->area_um2 * kPacked.n * (kPacked.k - 1);
    return result;
  }

  // Products per cycle and area of `point` over those of `other`.
  Ratio density(const Point& point, const Point& other) const {
    return density(area(point), area(other));
  }
  static Ratio density(const std::optional<Area>& a, const std::optional<Area>& b) {
    if (!a || !b) return {};
    const double macs = a->macs_per_cycle / b->macs_per_cycle;
    return {macs * b->lanes_um2 / a->lanes_um2,
            macs * (b->lanes_um2 + b->columns_um2) / (a->lanes_um2 + a->columns_um2),
            a->stale || b->stale};
  }

 private:
  std::optional<Area> sum(const Design& design) const {
    Area area;
    for (const RtlDescription::Module& module : design.rtl().modules) {
      if (module.name == kEdge) continue;
      const SynthesisRecord* record = records_.find({{}, module.name, module.parameters}, library_);
      if (record == nullptr) return std::nullopt;
      const double um2 = static_cast<double>(module.instances) * record->area_um2;
      (module.name == kColumn ? area.columns_um2 : area.lanes_um2) += um2;
      area.stale = area.stale || record->rtl_hash != rtl_hash_;
    }
    return area;
  }

  const SynthesisRecords& records_;
  std::string_view library_;
  std::string rtl_hash_;
};

std::optional<double> inverse(std::optional<double> value) {
  return value ? std::optional(1 / *value) : std::nullopt;
}

Row row_of(const std::string& table, const std::string& name, std::optional<double> claim,
           const Ratio& ratio, const std::string& note) {
  return {table, name, claim, ratio.lanes, ratio.with_columns, "ratio",
          note,  "",   "",    ratio.stale, !ratio.lanes};
}

void add_ablation(const Claims& claims, const Book& book, std::vector<Row>& rows) {
  const std::string table = "ablation, W2 A8, 2x64x4: compute density, UNPU-like is 1";
  const auto add = [&](const std::string& name, const Point& point, std::optional<double> claim,
                       const std::string& note) {
    rows.push_back(row_of(table, name, claim, book.density(point, kConventional), note));
  };
  add("UNPU-like", kConventional, 1.0,
      "lut_full, precompute in the unit: 0/1 bits, 15 entries of 10 bits per table");
  rows.push_back(
      row_of(table, "+ weight reinterpretation", claims.density_reinterpretation,
             Book::density(book.negating(), book.area(kConventional)),
             "lut_negate: half tables, sum lanes for the zero point, three XNOR gates per column, "
             "which are "
             "the library's added to lut's area: mapping a column twice differs by more"));
  add("+ negation elimination", kPacked, claims.density_negation,
      "lut: without these gates, which sit in the columns, once for all rows; the paper saves more "
      "than we had");
  add("+ 8-bit tables alone", kRounded, std::nullopt,
      "lut, table int8: exact entries of 8-bit activations have only 10 bits; what lanes save in "
      "reading 8 they spend on the shift by the table's scale, and rounding is a large circuit");
  add("+ fused precompute alone", kFused, std::nullopt,
      "lut, precompute fused: tables arrive, nothing of the adders is left in the unit");
  add("LUT Tensor Core", kLutTensorCore, claims.density_lut_tensor_core,
      "lut, table int8, precompute fused: all that the paper switches on, our reading of its last "
      "step; the vector unit that makes the tables is not counted");
}

std::string text_of(const Shape& shape) {
  return fmt::format("{}x{}x{}", shape.m, shape.n, shape.k);
}

Point point_of(const Shape& shape) {
  Point point = kLutTensorCore;
  point.m = shape.m;
  point.n = shape.n;
  point.k = shape.k;
  return point;
}

void add_shapes(const Book& book, std::vector<Row>& rows) {
  const std::string table = "shapes of 512 products, W2 A8, LUT Tensor Core: area per product";
  Row rank{
      table,
      "rank of 2x64x4, 1 is the smallest",
      1.0,
      1.0,
      1.0,
      "rank",
      "the paper's best by area and power together, with weights of all planes in the unit; "
      "ours by area. Tables and lanes alone: fewer rows are fewer tables, and a larger K reads "
      "more per lane. With columns: rows share a column's dequantiser, which the paper's unit "
      "does not seem to hold"};
  for (const Shape& shape : kShapes) {
    const Ratio density = book.density(point_of(shape), point_of(kBestShape));
    const std::uint32_t products = shape.m * shape.n * shape.k;
    Row row = row_of(table, text_of(shape), std::nullopt,
                     {inverse(density.lanes), inverse(density.with_columns), density.stale},
                     products == 512
                         ? std::string("the paper only says which is best")
                         : fmt::format("{} products; the paper only says which is best", products));
    rank.stale = rank.stale || row.stale;
    if (row.missing) {
      rank.missing = true;
      rank.ours = rank.with_columns = std::nullopt;
    }
    if (rank.ours && *row.ours < 1) *rank.ours += 1;
    if (rank.with_columns && *row.with_columns < 1) *rank.with_columns += 1;
    rows.push_back(std::move(row));
  }
  rows.push_back(std::move(rank));
}

struct Engine {
  std::string_view name;
  Point point;
  double Claims::*widest;
  std::string_view why;  // ours differs
};

constexpr std::array<Engine, 3> kEngines = {
    Engine{
        "LUT Tensor Core", kLutTensorCore, &Claims::widest_lut,
        "a lane has a group's sum and a result register for one plane per cycle, which a MAC has "
        "for all planes at once"},
    Engine{"conventional LUT", kConventional, &Claims::widest_conventional_lut,
           "here its tables are shared by 64 columns as well, so it loses less"},
    Engine{"ADD", kAdd, &Claims::widest_add,
           "here three adders of 8-bit activations per lane take about as much as reading a table "
           "of eight entries"},
};

// Up to which width a unit is denser than the other.
void extend(std::optional<double>& widest, std::optional<double> ratio, std::uint32_t bits) {
  if (!ratio) widest = std::nullopt;
  if (widest && *widest == bits - 1 && *ratio > 1) *widest = bits;
}

void add_widths(const Claims& claims, const Book& book, std::vector<Row>& rows) {
  const std::string table = "weight bits, A8, 2x64x4: compute density over MAC";
  struct Baseline {
    std::string name;
    bool is_widened;
    std::string note;
  };
  const std::array<Baseline, 2> baselines = {
      Baseline{
          "MAC of 8-bit weights", true,
          "weights are widened to the activations' bits: the paper's MAC, as we read it, since "
          "it sets FP16 multipliers against tables of FP16"},
      Baseline{
          "MAC of the same weights", false,
          "multipliers of just these weights, one dot product per cycle, where planes take one "
          "cycle each"}};
  for (const Engine& engine : kEngines) {
    for (const Baseline& baseline : baselines) {
      const std::string name = fmt::format("{} over {}", engine.name, baseline.name);
      Row widest{
          table,
          "widest weights of " + name,
          baseline.is_widened ? std::optional(claims.*engine.widest) : std::nullopt,
          0.0,
          0.0,
          "bits",
          baseline.is_widened ? fmt::format("{}; {}", baseline.note, engine.why) : baseline.note};
      for (std::uint32_t bits = 1; bits <= kWidestWeight; ++bits) {
        const Ratio density =
            book.density(with_weight(engine.point, bits),
                         with_weight(kMac, baseline.is_widened ? kWidestWeight : bits));
        rows.push_back(row_of(table, fmt::format("W{} {}", bits, name), std::nullopt, density,
                              bits == 1 ? "uint1 with a zero point, other widths are two's "
                                          "complement; no claim of one width"
                                        : "no claim of one width"));
        extend(widest.ours, density.lanes, bits);
        extend(widest.with_columns, density.with_columns, bits);
        widest.stale = widest.stale || density.stale;
        widest.missing = widest.missing || !density.lanes;
      }
      rows.push_back(std::move(widest));
    }
  }
}

void add_floats(const Claims& claims, const Book& book, std::vector<Row>& rows) {
  const std::string table = "DP4, A16 (FP16): compute density over MAC";
  const std::string mac =
      "our mac multiplies FP16 by 8-bit weights, the paper's by FP16, and every lane of both of "
      "ours "
      "adds to a group's sum in FP32; 2x64x4 with its tables; at the same clock";
  const auto add = [&](const std::string& name, const Point& point, std::optional<double> claim,
                       const std::string& unit) {
    rows.push_back(row_of(table, name, claim, book.density(point, kFloatMac), unit + "; " + mac));
  };
  add("LUT W1, 8-bit tables", kFloatLut,
      claims.dp4_lut_tflops_per_mm2 / claims.dp4_mac_tflops_per_mm2,
      "lut, table int8, precompute fused, uint1");
  add("LUT W1, FP16 tables", kFloatExactLut, std::nullopt, "lut, precompute fused, uint1");
  add("ADD W1", kFloatAdd, std::nullopt, "add, uint1: three FP16 adders per lane");
}

void add_precompute(const Claims& claims, const Book& book, std::vector<Row>& rows) {
  const std::string table = "precompute";
  const std::string time =
      "as we read it, running time of kernels on a GPU in two models: no figure of the unit";
  const auto percent = [&](const std::string& name, double claim) {
    rows.push_back({table, name, claim, std::nullopt, std::nullopt, "%", time});
  };
  percent("on its own, first", claims.precompute_percent);
  percent("on its own, second", claims.precompute_percent_second);
  percent("fused, first", claims.fused_precompute_percent);
  percent("fused, second", claims.fused_precompute_percent_second);
  const auto growth = [&](const std::string& name, const Point& unit, const Point& fused) {
    Ratio ratio = book.density(fused, unit);
    const auto as_percent = [](std::optional<double>& r) {
      if (r) *r = 100 * (*r - 1);
    };
    as_percent(ratio.lanes);
    as_percent(ratio.with_columns);
    Row row = row_of(table, name, std::nullopt, ratio,
                     "area that adders, registers and rounding in the unit add to the same array "
                     "whose tables come from outside; shared by 64 columns");
    row.unit = "%";
    rows.push_back(std::move(row));
  };
  growth("area in the unit, W2 A8, 2x64x4, exact tables", kPacked, kFused);
  growth("area in the unit, W2 A8, 2x64x4, 8-bit tables", kRounded, kLutTensorCore);
}

}  // namespace

Point with_weight(Point point, std::uint32_t bits) {
  constexpr std::array<std::string_view, kWidestWeight> kWords = {"uint1", "int2", "int3", "int4",
                                                                  "int5",  "int6", "int7", "int8"};
  point.weight = kWords.at(bits - 1);
  return point;
}

std::vector<Point> ablation_points() {
  return {kConventional, kPacked, kRounded, kFused, kLutTensorCore};
}

std::vector<Point> all_points() {
  std::vector<Point> points = ablation_points();
  points.insert(points.end(), {kFloatLut, kFloatExactLut, kFloatAdd, kFloatMac});
  for (const Shape& shape : kShapes) points.push_back(point_of(shape));
  for (std::uint32_t bits = 1; bits <= kWidestWeight; ++bits) {
    for (const Engine& engine : kEngines) points.push_back(with_weight(engine.point, bits));
    points.push_back(with_weight(kMac, bits));
  }
  return points;
}

std::vector<Row> rows(const Claims& claims, const SynthesisRecords& records) {
  std::vector<Row> all;
  const auto settled = [&](std::vector<Row> rows, std::string_view library) {
    for (Row& row : rows) {
      settle(row, library, kCommand);
      all.push_back(std::move(row));
    }
  };
  for (const std::string& library : records.libraries()) {
    std::vector<Row> ablation;
    add_ablation(claims, Book(records, library), ablation);
    settled(std::move(ablation), library);
  }
  const Book book(records, kDefaultLibrary);
  std::vector<Row> rows;
  add_shapes(book, rows);
  add_widths(claims, book, rows);
  add_floats(claims, book, rows);
  add_precompute(claims, book, rows);
  settled(std::move(rows), kDefaultLibrary);
  return all;
}

}  // namespace bitsmith::reproduce::lut_tensor_core
