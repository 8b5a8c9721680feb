// What `bitsmith reproduce` shows of areas, whatever the paper, and how their records are made.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/reproduce_bitmod.h"
#include "reproduce/area_row.h"
#include "reproduce/synthesis_records.h"

namespace bitsmith::app {

// Adds rows to the JSON and, table by table, to the text, each of their notes once, numbered.
void add_area_rows(std::string_view paper, const std::vector<reproduce::AreaRow>& rows,
                   Reproduction& reproduction);

// How many records there are, of which libraries and tools.
std::string provenance_text(const reproduce::SynthesisRecords& records);

// Of a paper with a file of comparisons (reproduce/area_comparison.h): rows and where they are
// from. `id` is its word on the command line and in the names of its files.
void add_area_comparisons(std::string_view id, std::string_view paper, Reproduction& reproduction);

// Makes the records of a paper in one library anew, where some are needed, and puts them into its
// file; progress goes to standard error.
void synthesise_paper(std::string_view id, const SynthesisOptions& options);

}  // namespace bitsmith::app
