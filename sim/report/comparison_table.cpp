#include <cmath>
#include <map>

#include "common/table.h"
#include "report/comparison.h"

namespace bitsmith {
namespace {

using Number = std::optional<double>;

constexpr const char* kUnknown = "unknown";

// "1.23 mJ": four digits and the prefix that leaves one to three before the point.
std::string with_unit(double value, const char* unit) {
  struct Prefix {
    double factor;
    const char* sign;
  };
  constexpr std::array<Prefix, 7> kPrefixes = {
      {{1e3, "k"}, {1, ""}, {1e-3, "m"}, {1e-6, "u"}, {1e-9, "n"}, {1e-12, "p"}, {1e-15, "f"}}};
  if (value == 0) return fmt::format("0 {}", unit);
  for (const Prefix& prefix : kPrefixes) {
    // 999.95 would be shown as 1000.
    if (std::abs(value) >= prefix.factor * 0.99995 || &prefix == &kPrefixes.back()) {
      return fmt::format("{:.4g} {}{}", value / prefix.factor, prefix.sign, unit);
    }
  }
  throw InternalError("a value without a prefix");
}

std::string energy_text(double picojoules) { return with_unit(picojoules * 1e-12, "J"); }

std::string value_text(const ComparedFigure& figure, double value) {
  const std::string_view name = figure.name;
  if (name == "seconds") return with_unit(value, "s");
  if (name == "energy_pj") return energy_text(value);
  if (name == "area_um2" || name == "array_and_buffers_um2")
    return fmt::format("{:.4g} mm2", value * 1e-6);
  // Rounded down, so that only what is whole shows as 100%.
  if (name == "utilization") return fmt::format("{:.2f}%", std::floor(value * 1e4) / 1e2);
  if (figure.is_count) return with_separators(static_cast<std::uint64_t>(value));
  return fmt::format("{:.4g}", value);
}

bool is_done(const Compared& design) { return design.errors.empty(); }

std::vector<std::string> header(const Comparison& comparison, const std::string& first) {
  std::vector<std::string> cells = {first};
  for (const Compared& design : comparison.designs) {
    if (is_done(design)) cells.push_back(design.name);
  }
  return cells;
}

// A row's cells of the designs that have figures.
template <class Cell>
std::vector<std::string> row(const Comparison& comparison, std::string label, Cell cell) {
  std::vector<std::string> cells = {std::move(label)};
  for (const Compared& design : comparison.designs) {
    if (is_done(design)) cells.push_back(cell(design));
  }
  return cells;
}

bool is_baseline(const Comparison& comparison, const Compared& design) {
  return &design == &comparison.designs[comparison.baseline];
}

std::string figures_table(const Comparison& comparison) {
  TextTable table(header(comparison, "figure, ratio to baseline"));
  table.add_row(row(comparison, "array", [](const Compared& d) { return d.array; }));
  if (comparison.iso) {
    table.add_row(row(comparison, "size beside the wanted one", [&](const Compared& d) {
      return fmt::format("{:+.2f}%", 100 * *residual(comparison, d));
    }));
  }
  for (const ComparedFigure& figure : compared_figures()) {
    bool is_asked = std::string_view(figure.name) != "perplexity";
    for (const Compared& design : comparison.designs) {
      is_asked = is_asked || design.accuracy.has_value();
    }
    if (!is_asked) continue;
    table.add_row(row(comparison, figure.label, [&](const Compared& design) {
      const Number value = figure.value(design);
      if (!value) return std::string(kUnknown);
      const Number times = ratio(comparison, design, figure, true);
      std::string text = value_text(figure, *value);
      if (is_baseline(comparison, design)) return text;
      return text + (times ? fmt::format("  {:.3f}x", *times) : "");
    }));
  }
  return table.text();
}

std::string signed_count(std::uint64_t value, std::uint64_t baseline) {
  return value < baseline ? "-" + with_separators(baseline - value)
                          : "+" + with_separators(value - baseline);
}

// Causes that nobody has are left out; they add 0.
std::string cycles_table(const Comparison& comparison) {
  const RunCounts& baseline = comparison.designs[comparison.baseline].counts;
  TextTable table(header(comparison, "where cycles go, difference"));
  const auto add = [&](const char* label, auto cycles_of) {
    table.add_row(row(comparison, label, [&](const Compared& design) {
      const std::uint64_t cycles = cycles_of(design.counts);
      std::string text = with_separators(cycles);
      if (is_baseline(comparison, design)) return text;
      return text + "  " + signed_count(cycles, cycles_of(baseline));
    }));
  };
  add("array", [](const RunCounts& counts) { return counts.array_cycles; });
  for (const StallCause& cause : kStallCauses) {
    bool occurs = false;
    for (const Compared& design : comparison.designs) {
      occurs = occurs || (is_done(design) && design.counts.stall_cycles.*cause.cycles > 0);
    }
    if (!occurs) continue;
    add(cause.name, [&](const RunCounts& counts) { return counts.stall_cycles.*cause.cycles; });
  }
  table.add_rule();
  add("total", [](const RunCounts& counts) { return counts.cycles; });
  return table.text();
}

std::string energy_table(const Comparison& comparison) {
  const RunEnergy& baseline = comparison.designs[comparison.baseline].energy_pj;
  TextTable table(header(comparison, "where energy goes, difference"));
  const auto add = [&](const char* label, auto energy_of) {
    table.add_row(row(comparison, label, [&](const Compared& design) {
      const Number energy = energy_of(design.energy_pj), other = energy_of(baseline);
      if (!energy) return std::string(kUnknown);
      std::string text = energy_text(*energy);
      if (is_baseline(comparison, design) || !other) return text;
      const std::string change = energy_text(*energy - *other);
      return fmt::format("{}  {}{}", text, change.starts_with('-') ? "" : "+", change);
    }));
  };
  for (const EnergyPart& part : kEnergyParts) add(part.name, part.value);
  table.add_rule();
  add("total", [](const RunEnergy& energy) { return energy.total(); });
  return table.text();
}

// A line per reason, with those whom it concerns.
std::string lines_by_reason(const Comparison& comparison, const char* what,
                            std::vector<std::string> Compared::*reasons) {
  std::map<std::string, std::vector<std::string>> by_reason;
  std::size_t done = 0;
  for (const Compared& design : comparison.designs) {
    if (!is_done(design)) continue;
    ++done;
    for (const std::string& reason : design.*reasons) by_reason[reason].push_back(design.name);
  }
  std::string text;
  for (const auto& [reason, names] : by_reason) {
    text += fmt::format("{}: {} ({})\n", what, reason,
                        names.size() == done ? "all" : fmt::format("{}", fmt::join(names, ", ")));
  }
  return text;
}

std::string notes_text(const Comparison& comparison) {
  std::string text = lines_by_reason(comparison, "unknown", &Compared::missing) +
                     lines_by_reason(comparison, "note", &Compared::remarks);
  for (const Compared& design : comparison.designs) {
    if (!is_done(design) || !design.mixed_nodes || !design.energy_pj.parts_add_up) continue;
    text += fmt::format("mixed nodes: totals of {} add up an array and SRAM of different nodes\n",
                        design.name);
  }
  for (const Compared& design : comparison.designs) {
    if (!design.accuracy) continue;
    const ComparedAccuracy& a = *design.accuracy;
    text +=
        fmt::format("perplexity of {}: {}; {} of {} operators by its arithmetic; FP32 {:.4f}\n",
                    design.name, a.quantization, a.by_the_design, a.operators, a.fp32_perplexity);
  }
  for (const Compared& design : comparison.designs) {
    for (const std::string& error : design.errors) {
      text += fmt::format("{} cannot run this workload: {}\n", design.name, error);
    }
  }
  return text;
}

std::string iso_text(const Comparison& comparison) {
  if (!comparison.iso) return "";
  const bool is_pes = comparison.iso->kind == IsoSize::Kind::pes;
  return fmt::format(
      "arrays resized to {}; ratios of cycles, time, EDP and MACs/cycle are those at exactly that "
      "size, as if speed grew with it\n",
      is_pes ? fmt::format("{:.0f} PEs", comparison.iso->wanted)
             : fmt::format("{:.4g} mm2 of array and buffers", comparison.iso->wanted * 1e-6));
}

}  // namespace

std::string comparison_table(const Comparison& comparison) {
  const std::string notes = notes_text(comparison);
  return fmt::format("{}, engine {}; baseline {}\n{}\n{}\n{}\n{}{}{}", comparison.workload,
                     comparison.engine, comparison.designs[comparison.baseline].name,
                     iso_text(comparison), figures_table(comparison), cycles_table(comparison),
                     energy_table(comparison), notes.empty() ? "" : "\n", notes);
}

}  // namespace bitsmith
