// Gathers the results of a sweep into a table: CSV and SQLite, one row per point; and reads it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sweep/result_store.h"

namespace bitsmith {

// A row: the point's key, and what the sweep itself says of it, by IndexInput::columns.
struct IndexedPoint {
  std::string key;
  std::vector<std::string> values;
};

struct IndexInput {
  std::vector<std::string> columns;  // names, distinct: accelerator, workload, axes
  std::vector<IndexedPoint> points;  // in the order of rows
};

// Writes `index.csv` and `index.sqlite` (table `points`) into the store's folder, whole or not at
// all. Columns: point (from 0), the input's columns, status (done, failed, missing), every member
// of the records' "metrics" in the order of the first record that is done, error (of a failed one),
// key. A metric that is null is empty in CSV and NULL in SQLite. The same records give the same
// bytes. Throws UserError when the folder cannot be written.
void write_index(const ResultStore& store, const IndexInput& input);

// What write_index() was given, from the `index.sqlite` of a folder, which stays as it is. Throws
// UserError when there is none, or it is no such table.
IndexInput read_index(const std::filesystem::path& folder);

}  // namespace bitsmith
