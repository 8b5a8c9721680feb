// The HTML page of a sweep's results (report/html_report.h), from the folder that holds them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace bitsmith::app {

// A page of more is no use to people, and index.csv and index.sqlite have all.
inline constexpr std::size_t kMostReportPoints = 100'000;

// Prints which points were left out and why. Throws UserError when none is left, or the index
// cannot be read.
void write_report_page(const std::filesystem::path& folder, const std::string& html);

}  // namespace bitsmith::app
