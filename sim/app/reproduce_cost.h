// What `bitsmith reproduce` shows of areas and energies, whatever the paper, and how the records of
// areas are made.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "app/reproduce_bitmod.h"
#include "cost/technology.h"
#include "reproduce/cost_row.h"
#include "reproduce/synthesis_records.h"

namespace bitsmith::app {

// Adds rows to the JSON and, table by table, to the text: each of their notes once, numbered, then
// what is said of ours in a technology.
void add_cost_rows(std::string_view paper, const std::vector<reproduce::CostRow>& rows,
                   Reproduction& reproduction);

// How many records there are, of which libraries and tools.
std::string provenance_text(const reproduce::SynthesisRecords& records);
std::string provenance_text(const std::vector<Technology>& technologies);

// What all energies are.
inline constexpr std::string_view kEnergyText =
    "Ours of energy: cycles of PEs at work under LLM-like operands, products at full rate; "
    "switching,\n"
    "clock and registers + leakage, both sides at the shortest period that both reach.";

// Of a paper with a file of comparisons (reproduce/area_comparison.h): rows of areas and energies
// and where they are from. `id` is its word on the command line and in the names of its files.
void add_cost_comparisons(std::string_view id, std::string_view paper, Reproduction& reproduction);

// Makes the records of a paper in one library anew, where some are needed, and puts them into its
// file; progress goes to standard error.
void synthesise_paper(std::string_view id, const SynthesisOptions& options);

}  // namespace bitsmith::app
