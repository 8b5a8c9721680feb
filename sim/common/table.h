// Plain text tables.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bitsmith {

class TextTable {
 public:
  // The first column is aligned left, the others right.
  explicit TextTable(std::vector<std::string> header);
  void add_row(std::vector<std::string> cells);
  // A line across the table before the next row.
  void add_rule();
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;  // an empty row is a rule
};

// 1234567 -> "1,234,567".
std::string with_separators(std::uint64_t value);

}  // namespace bitsmith
