#include "cost/sram.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>

#include "common/divide.h"
#include "common/error.h"
#include "common/file.h"
#include "common/text.h"
#include "workload/text_lines.h"

namespace bitsmith {
namespace {

constexpr std::size_t kByteLimit = std::size_t{16} << 20;
constexpr std::size_t kLineLimit = 100000;
constexpr std::string_view kHeader =
    "node_nm,device,bytes,word_bits,access_ns,cycle_ns,read_pj,write_pj,leakage_mw,area_mm2";
constexpr std::uint64_t kLargestBytes = std::uint64_t{1} << 40;
constexpr std::uint64_t kLargestWord = std::uint64_t{1} << 20;  // bits

using Field = double SramFigures::*;
constexpr std::array<Field, 4> kFields = {&SramFigures::read_pj, &SramFigures::write_pj,
                                          &SramFigures::leakage_mw, &SramFigures::area_um2};

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> fields;
  for (;;) {
    const std::size_t comma = line.find(',');
    fields.push_back(trimmed(line.substr(0, comma)));
    if (comma == std::string_view::npos) return fields;
    line.remove_prefix(comma + 1);
  }
}

template <class Number>
std::optional<Number> parse(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Row {
  SramTechnology technology;
  std::uint64_t bytes = 0;
  std::uint64_t word_bits = 0;
  SramFigures figures;
};

// Nothing, and the reason in `problem`, when the line is no row.
std::optional<Row> parse_row(std::string_view line, std::string& problem) {
  const std::vector<std::string_view> fields = split(line);
  if (fields.size() != split(kHeader).size()) {
    problem = fmt::format("{} fields, expected those of '{}'", fields.size(), kHeader);
    return std::nullopt;
  }
  const auto integer = [&](std::size_t i, std::uint64_t most) -> std::uint64_t {
    const auto value = parse<std::uint64_t>(fields[i]);
    if (value && *value >= 1 && *value <= most) return *value;
    problem = fmt::format("'{}' is no integer in 1..{}", printable(fields[i], 40), most);
    return 0;
  };
  const auto number = [&](std::size_t i) {
    const auto value = parse<double>(fields[i]);
    if (value && std::isfinite(*value) && *value > 0) return *value;
    problem = fmt::format("'{}' is no positive number", printable(fields[i], 40));
    return 0.0;
  };
  Row row;
  row.technology = {static_cast<std::uint32_t>(integer(0, 1000)), std::string(fields[1])};
  row.bytes = integer(2, kLargestBytes);
  row.word_bits = integer(3, kLargestWord);
  row.figures = {number(6), number(7), number(8), 1e6 * number(9)};
  if (row.technology.device.empty()) problem = "no device";
  return problem.empty() ? std::optional(row) : std::nullopt;
}

// Where `value` lies between two of `points`: the first of them and the way to the next, 0..1, in
// logarithms. What is outside counts as the end.
std::pair<std::size_t, double> place(const std::vector<std::uint64_t>& points, double value) {
  if (points.size() == 1 || value <= static_cast<double>(points.front())) return {0, 0.0};
  if (value >= static_cast<double>(points.back())) return {points.size() - 2, 1.0};
  std::size_t i = 0;
  while (value >= static_cast<double>(points[i + 1])) ++i;
  const double low = std::log(static_cast<double>(points[i]));
  const double high = std::log(static_cast<double>(points[i + 1]));
  return {i, (std::log(value) - low) / (high - low)};
}

}  // namespace

SramTable::SramTable(const std::filesystem::path& file)
    : SramTable(read_file(file, kByteLimit), file.string()) {}

SramTable::SramTable(std::string_view text, const std::string& name) : name_(name) { read(text); }

void SramTable::read(std::string_view text) {
  Diagnostics diagnostics;
  std::map<SramTechnology, Points> points;
  bool has_header = false;
  for (const TextLine& line : text_lines(text, name_, kByteLimit, kLineLimit)) {
    if (line.is_blank() || line.text.starts_with('#')) continue;
    const Location where{name_, line.number, 1};
    if (!has_header) {
      has_header = true;
      if (trimmed(line.text) != kHeader) {
        throw UserError(where, fmt::format("a table of SRAMs starts with '{}'", kHeader));
      }
      continue;
    }
    std::string problem;
    const auto row = parse_row(line.text, problem);
    if (!row) {
      diagnostics.add(where, problem);
    } else if (!points[row->technology]
                    .insert({{row->bytes, row->word_bits}, row->figures})
                    .second) {
      diagnostics.add(where, "a second macro of this technology, size and width");
    }
  }
  for (const auto& [technology, macros] : points) {
    if (auto grid = grid_of(macros)) {
      grids_.emplace(technology, std::move(*grid));
    } else {
      diagnostics.add({name_, 0, 0}, fmt::format("{} nm {}: not every size has every width",
                                                 technology.node_nm, technology.device));
    }
  }
  if (points.empty() && diagnostics.empty()) diagnostics.add({name_, 0, 0}, "no macros");
  diagnostics.throw_if_any();
}

std::optional<SramTable::Grid> SramTable::grid_of(const Points& points) {
  std::set<std::uint64_t> bytes, word_bits;
  for (const auto& [key, figures] : points) {
    bytes.insert(key.first);
    word_bits.insert(key.second);
  }
  if (points.size() != bytes.size() * word_bits.size()) return std::nullopt;
  Grid grid{{bytes.begin(), bytes.end()}, {word_bits.begin(), word_bits.end()}, {}};
  for (const auto& [key, figures] : points) grid.figures.push_back(figures);
  return grid;
}

std::vector<SramTechnology> SramTable::technologies() const {
  std::vector<SramTechnology> result;
  for (const auto& [technology, grid] : grids_) result.push_back(technology);
  return result;
}

void SramTable::require(const SramTechnology& technology) const {
  if (grids_.contains(technology)) return;
  std::vector<std::string> known;
  for (const auto& [other, grid] : grids_) {
    known.push_back(fmt::format("{} nm {}", other.node_nm, other.device));
  }
  throw UserError(fmt::format("{} has no SRAM of {} nm {}; it has {}", name_, technology.node_nm,
                              printable(technology.device, 40), fmt::join(known, ", ")));
}

std::filesystem::path sram_table_file() { return home_folder() / "configs/tech/sram.csv"; }

const SramTable& shipped_sram_table() {
  static const SramTable table(sram_table_file());
  return table;
}

SramFigures SramTable::interpolate(const Grid& grid, double bytes, double word_bits) {
  const auto [row, down] = place(grid.bytes, bytes);
  const auto [column, right] = place(grid.word_bits, word_bits);
  const std::size_t width = grid.word_bits.size();
  SramFigures result;
  for (const Field field : kFields) {
    double sum = 0;  // of logarithms
    for (const auto& [i, along_bytes] : {std::pair{row, 1 - down}, std::pair{row + 1, down}}) {
      for (const auto& [j, along_bits] :
           {std::pair{column, 1 - right}, std::pair{column + 1, right}}) {
        const double weight = along_bytes * along_bits;
        if (weight > 0) sum += weight * std::log(grid.figures[i * width + j].*field);
      }
    }
    result.*field = std::exp(sum);
  }
  return result;
}

SramMacro SramTable::macro(const SramTechnology& technology, std::uint64_t words,
                           std::uint64_t word_bits) const {
  require(technology);
  check(words >= 1 && word_bits >= 1, "an SRAM without a bit");
  check(words <= 8 * kLargestBytes && word_bits <= kLargestWord, "an SRAM beyond all sizes");
  const Grid& grid = grids_.at(technology);
  SramMacro macro;
  macro.side_by_side = pieces(word_bits, grid.word_bits.back());
  const double bits = static_cast<double>(word_bits) / static_cast<double>(macro.side_by_side);
  const double bytes = static_cast<double>(words) * bits / 8;
  macro.stacked = static_cast<std::uint64_t>(
      std::max(1.0, std::ceil(bytes / static_cast<double>(grid.bytes.back()))));
  const double piece_bytes = bytes / static_cast<double>(macro.stacked);
  macro.is_upper_bound = piece_bytes < static_cast<double>(grid.bytes.front()) ||
                         bits < static_cast<double>(grid.word_bits.front());
  const SramFigures piece = interpolate(grid, piece_bytes, bits);
  const auto awake = static_cast<double>(macro.side_by_side);
  const double all = awake * static_cast<double>(macro.stacked);
  macro.figures = {awake * piece.read_pj, awake * piece.write_pj, all * piece.leakage_mw,
                   all * piece.area_um2};
  return macro;
}

}  // namespace bitsmith
