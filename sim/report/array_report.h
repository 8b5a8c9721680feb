// What a run says of its array in a technology: figures, what they come from, how far to trust
// them.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "report/run_report.h"

namespace bitsmith {

// Of the array alone, with its leakage; an operation is half a MAC.
struct ArrayEfficiency {
  std::optional<double> pj_per_mac;
  std::optional<double> tops_per_w;
  std::optional<double> tops_per_mm2;       // of the MACs that were done
  std::optional<double> peak_tops_per_mm2;  // of those the array could have done
};
// That the clock is slower than asked for; "" where it is not (technology.limit_clock).
std::string limited_clock_text(const RunReportInput& input);
ArrayEfficiency array_efficiency(const RunReportInput& input);

// null without a technology.
nlohmann::ordered_json array_efficiency_json(const RunReportInput& input);
// What is no plain measurement of the array's own modules under its own operands, with errors.
std::vector<std::string> array_marks(const ArrayFigures& array);
// Source, path, notes, and of every module its record, or sizes it lies between, and what it was
// multiplied with.
nlohmann::ordered_json array_technology_json(const RunReportInput& input);
// Which figures are not plain measurements of their own module, node and clock.
nlohmann::ordered_json marks_json(const RunReportInput& input);

// Some lines below the table of energies; "" without a technology.
std::string array_text(const RunReportInput& input);
// Every figure of the array with the record it came from.
std::string explanation_text(const RunReportInput& input);

}  // namespace bitsmith
