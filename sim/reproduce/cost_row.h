// One line of a comparison of areas or energies, or of figures made of them: what a paper claims,
// and ours in one technology.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bitsmith::reproduce {

// Nothing where the paper, or we, have no such figure.
struct CostRow {
  std::string table;
  std::string row;
  std::optional<double> claim;
  std::optional<double> ours;
  std::optional<double> with_columns;  // of LUT Tensor Core: ours with what sits in the columns
  std::string unit;
  std::string note;
  std::string technology = "";            // library of ours; "" where ours has none
  std::string measured = "";              // what ours is a ratio of
  bool stale = false;                     // its records are of other RTL or method than the tree's
  bool missing = false;                   // it waits for a record
  std::vector<std::string> remarks = {};  // on ours in this technology: why there is none, what
                                          // was not measured at its size
};

// Of areas: says in which library ours is, takes back what is of other RTL, and adds to the note
// which command makes it.
void settle(CostRow& row, std::string_view library, std::string_view command);

}  // namespace bitsmith::reproduce
