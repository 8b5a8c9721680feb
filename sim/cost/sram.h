// SRAM macros: energy of an access, leakage and area out of a table of known ones.
//
// The table (configs/tech/sram.csv says where its figures come from) has, for a technology, a grid
// of macros over bytes and bits of a word. Between two sizes and two widths a figure is
// interpolated linearly in the logarithms of size, width and figure, so that it is exact for the
// macros of the table; outside of it:
//   wider than the widest    equal macros side by side, accessed together
//   larger than the largest  equal macros of which an access wakes one; all leak and take area
//   narrower or smaller      the figures of the narrowest or smallest: an upper bound, and said so
// Not included: decoders and multiplexers between such macros, redundancy, test logic (but for
// macros of a foundry, which have it).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bitsmith {

struct SramTechnology {
  std::uint32_t node_nm = 0;
  std::string device;  // "itrs-hp", ...: transistors of CACTI, or a foundry's name

  auto operator<=>(const SramTechnology&) const = default;
};

// Of an access to a word, or of the macro.
struct SramFigures {
  double read_pj = 0;
  double write_pj = 0;
  double leakage_mw = 0;
  double area_um2 = 0;
};

struct SramMacro {
  SramFigures figures;             // of the pieces below together
  std::uint64_t side_by_side = 1;  // pieces that an access wakes
  std::uint64_t stacked = 1;       // pieces of which it wakes one
  bool is_upper_bound = false;     // smaller or narrower than any known one
};

class SramTable {
 public:
  // Throws UserError with all mistakes of the file, file:line.
  explicit SramTable(const std::filesystem::path& file);
  SramTable(std::string_view text, const std::string& name);

  std::vector<SramTechnology> technologies() const;
  // Throws UserError naming those there are when this is none of them.
  void require(const SramTechnology& technology) const;

  // A macro of `words` words of `word_bits` bits, both at least 1.
  SramMacro macro(const SramTechnology& technology, std::uint64_t words,
                  std::uint64_t word_bits) const;

 private:
  // Of a technology: every size has every width.
  struct Grid {
    std::vector<std::uint64_t> bytes;      // increasing
    std::vector<std::uint64_t> word_bits;  // increasing
    std::vector<SramFigures> figures;      // [bytes][word_bits]
  };
  using Points = std::map<std::pair<std::uint64_t, std::uint64_t>, SramFigures>;

  void read(std::string_view text);
  static std::optional<Grid> grid_of(const Points& points);
  static SramFigures interpolate(const Grid& grid, double bytes, double word_bits);

  std::string name_;
  std::map<SramTechnology, Grid> grids_;
};

// configs/tech/sram.csv, and what is in it, read when it is first asked for.
std::filesystem::path sram_table_file();
const SramTable& shipped_sram_table();

}  // namespace bitsmith
