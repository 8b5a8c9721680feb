#include "reproduce/scale_sim.h"

#include "common/error.h"

namespace bitsmith::reproduce {
namespace {

// What SCALE-Sim lays over the rows and columns of the array, and what it streams.
struct Mapping {
  std::uint64_t over_rows;
  std::uint64_t over_cols;
  std::uint64_t streamed;
};

Mapping mapping_of(Dataflow dataflow, const GemmShape& gemm) {
  switch (dataflow) {
    case Dataflow::output_stationary:
      return {gemm.m, gemm.n, gemm.k};
    case Dataflow::weight_stationary:
      return {gemm.k, gemm.n, gemm.m};
    case Dataflow::input_stationary:
      return {gemm.k, gemm.m, gemm.n};
  }
  throw InternalError("a dataflow without a mapping");
}

}  // namespace

std::string_view word_of(Dataflow dataflow) {
  switch (dataflow) {
    case Dataflow::output_stationary:
      return "os";
    case Dataflow::weight_stationary:
      return "ws";
    case Dataflow::input_stationary:
      return "is";
  }
  throw InternalError("a dataflow without a word");
}

std::uint64_t scale_sim_cycles(Dataflow dataflow, const GemmShape& gemm, ArrayShape array) {
  const Mapping mapping = mapping_of(dataflow, gemm);
  const std::uint64_t preload = dataflow == Dataflow::output_stationary ? 0 : array.rows;
  const std::uint64_t fold = mapping.streamed + preload + array.rows + array.cols - 2;
  return folds(mapping.over_rows, array.rows) * folds(mapping.over_cols, array.cols) * fold - 1;
}

double scale_sim_mapping_efficiency(Dataflow dataflow, const GemmShape& gemm, ArrayShape array) {
  const Mapping mapping = mapping_of(dataflow, gemm);
  const std::uint64_t rows = folds(mapping.over_rows, array.rows) * array.rows;
  const std::uint64_t cols = folds(mapping.over_cols, array.cols) * array.cols;
  return static_cast<double>(mapping.over_rows) * static_cast<double>(mapping.over_cols) /
         (static_cast<double>(rows) * static_cast<double>(cols));
}

double scale_sim_utilization(Dataflow dataflow, const GemmShape& gemm, ArrayShape array) {
  const double macs =
      static_cast<double>(gemm.m) * static_cast<double>(gemm.n) * static_cast<double>(gemm.k);
  const double pes = static_cast<double>(array.rows) * static_cast<double>(array.cols);
  return macs / (static_cast<double>(scale_sim_cycles(dataflow, gemm, array)) * pes);
}

std::uint64_t stonne_cycles(const GemmShape& gemm, ArrayShape array) {
  const std::uint64_t row_folds = folds(gemm.m, array.rows);
  const std::uint64_t col_folds = folds(gemm.n, array.cols);
  // Over all tiles, the rows used sum to M per column of tiles, the columns to N per row of tiles.
  return row_folds * col_folds * (gemm.k + 3) + col_folds * gemm.m + row_folds * gemm.n;
}

}  // namespace bitsmith::reproduce
