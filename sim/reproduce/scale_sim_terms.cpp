#include "reproduce/scale_sim_terms.h"

#include <algorithm>
#include <array>

#include "common/error.h"
#include "pe/registry.h"
#include "system/tile_engine.h"

namespace bitsmith::reproduce {
namespace {

constexpr std::uint64_t kMostAccRows = 65536;  // the largest accumulator SRAM of the design

std::int64_t signed_of(std::uint64_t cycles) { return static_cast<std::int64_t>(cycles); }

// A dimension cut into `count` pieces of at most `most`, the last of which may be smaller than the
// others' `side`.
struct Cut {
  Cut(std::uint64_t size, std::uint64_t most)
      : side(std::min(most, size)), count(folds(size, most)), last(size - (count - 1) * most) {}
  std::uint64_t side;
  std::uint64_t count;
  std::uint64_t last;
};

// ---- output stationary

// Steps from the last token of a tile of m x n until its last row has left, with a drain register:
// edge register, skew to the far PE, copy, m rows.
std::uint64_t os_drain_steps(std::uint64_t m, std::uint64_t n) { return 2 * m + n; }

// With overlapped drain the next tile's K tokens enter while a tile's results are under way: as
// many of those steps as there are tokens are hidden. The last tile has none after it.
std::uint64_t os_hidden_steps(const GemmShape& gemm, ArrayShape array) {
  const Cut rows(gemm.m, array.rows);
  const Cut cols(gemm.n, array.cols);
  const auto hidden = [&](std::uint64_t m, std::uint64_t n) {
    return std::min(gemm.k, os_drain_steps(m, n));
  };
  return (rows.count - 1) * (cols.count - 1) * hidden(rows.side, cols.side) +
         (rows.count - 1) * hidden(rows.side, cols.last) +
         (cols.count - 1) * hidden(rows.last, cols.side);
}

// From K + m + n - 2 per tile, products alone, to the array with serial drain.
std::vector<Term> os_array_terms(const GemmShape& gemm, ArrayShape array, Overlap overlap) {
  const std::uint64_t row_folds = folds(gemm.m, array.rows);
  const std::uint64_t col_folds = folds(gemm.n, array.cols);
  const std::uint64_t tiles = row_folds * col_folds;
  std::vector<Term> terms = {
      {"finished sums leave row by row (m cycles per tile)", signed_of(col_folds * gemm.m)},
      {"register between channel and PEs (1 per tile)", signed_of(tiles)},
      {"channel buffers in and out (once)", 2}};
  if (overlap == Overlap::serial) return terms;
  terms.push_back({"sums are copied to drain registers (1 per tile)", signed_of(tiles)});
  terms.push_back({"fill and drain hidden behind the next tile's operands",
                   -signed_of(os_hidden_steps(gemm, array))});
  return terms;
}

std::vector<Term> os_scale_sim_terms(const GemmShape& gemm, ArrayShape array) {
  const std::uint64_t row_folds = folds(gemm.m, array.rows);
  const std::uint64_t col_folds = folds(gemm.n, array.cols);
  const std::int64_t used = signed_of(col_folds * gemm.m + row_folds * gemm.n);
  const std::int64_t whole = signed_of(row_folds * col_folds * (array.rows + array.cols));
  return {{"SCALE-Sim prints one cycle less than it counts", 1},
          {"edge tiles end by their own size; SCALE-Sim's folds are all whole", used - whole}};
}

// K + r + c + 3 is 5 more than the K + r + c - 2 in which the products are made.
std::vector<Term> os_stonne_terms(const GemmShape& gemm, ArrayShape array) {
  const std::uint64_t tiles = folds(gemm.m, array.rows) * folds(gemm.n, array.cols);
  return {{"STONNE counts 5 cycles per tile beyond its products", -5 * signed_of(tiles)}};
}

// ---- weight and input stationary: R x C stationary operands per fold, `tokens` of the other pass

struct Streaming {
  std::uint64_t rows;       // of the array; they hold k
  std::uint64_t cols;       // they hold n (ws) or m (is)
  std::uint64_t k;          // of the GEMM
  std::uint64_t col_folds;  // folds of what the columns hold
  Cut pieces;               // of the tokens: as many sums as the accumulator SRAM holds at a time

  static Streaming of(Dataflow dataflow, const GemmShape& gemm, ArrayShape array) {
    const bool is_ws = dataflow == Dataflow::weight_stationary;
    return {array.rows, array.cols, gemm.k, folds(is_ws ? gemm.n : gemm.m, array.cols),
            Cut(is_ws ? gemm.m : gemm.n, kMostAccRows)};
  }
  std::uint64_t row_folds() const { return folds(k, rows); }
  // From a token's entry until its result has left; the array's own size, not the fold's.
  std::uint64_t latency() const { return rows + cols; }
};

// Folds that follow on one of `tokens_before` tokens, preload k rows, and continue its sums or not.
struct Transition {
  std::uint64_t count;
  std::uint64_t tokens_before;
  std::uint64_t k;
  bool accumulates;
};

// All but the first fold: for each piece of tokens and each fold of the columns, the folds of K in
// order.
std::vector<Transition> transitions_of(const Streaming& s) {
  const Cut ks(s.k, s.rows);
  std::vector<Transition> transitions;
  const auto add = [&](std::uint64_t pieces, std::uint64_t tokens, bool is_last) {
    const std::uint64_t chains = pieces * s.col_folds;
    if (ks.count > 2) transitions.push_back({chains * (ks.count - 2), tokens, ks.side, true});
    if (ks.count > 1) transitions.push_back({chains, tokens, ks.last, true});
    transitions.push_back({chains - (is_last ? 1 : 0), tokens, ks.side, false});
  };
  if (s.pieces.count > 1) add(s.pieces.count - 1, s.pieces.side, false);
  add(1, s.pieces.last, true);
  return transitions;
}

// Serial: every fold takes k + tokens + latency. Overlapped: its first token follows that of the
// fold before by the largest of the tokens, its k, and the time until open sums can be read.
std::vector<Term> hidden_terms(const Streaming& s) {
  std::uint64_t drains = 0, preloads = 0, waits = 0;
  const std::uint64_t reuse = s.rows + 2;
  for (const Transition& t : transitions_of(s)) {
    const std::uint64_t interval = std::max(t.tokens_before, t.k);
    drains += t.count * s.latency();
    preloads += t.count * std::min(t.tokens_before, t.k);
    if (t.accumulates && reuse > interval) waits += t.count * (reuse - interval);
  }
  return {{"fill and drain hidden behind the next fold", -signed_of(drains)},
          {"preload hidden behind the fold before", -signed_of(preloads)},
          {"folds wait for the open sums of the fold before", signed_of(waits)}};
}

std::vector<Term> streaming_terms(const Streaming& s, Overlap overlap) {
  const std::uint64_t row_folds = s.row_folds();
  const std::uint64_t scale_sim_folds = row_folds * s.col_folds;
  const std::uint64_t preloads = s.col_folds * s.k;  // rows, over all folds
  std::vector<Term> terms = {
      {"SCALE-Sim prints one cycle less than it counts", 1},
      {"edge folds preload only their own rows",
       signed_of(preloads) - signed_of(scale_sim_folds * s.rows)},
      {"register between channel and PEs (1 per fold)", signed_of(scale_sim_folds)},
      {"accumulation below the array (1 per fold)", signed_of(scale_sim_folds)},
      {"channel buffers in and out (once)", 2},
      {"more folds: the accumulator SRAM does not hold all results at a time",
       signed_of((s.pieces.count - 1) * (preloads + scale_sim_folds * s.latency()))}};
  if (overlap == Overlap::overlapped) {
    for (Term& term : hidden_terms(s)) terms.push_back(std::move(term));
  }
  return terms;
}

// ---- the array

std::uint64_t array_cycles(Dataflow dataflow, const GemmShape& gemm, ArrayShape array,
                           Overlap overlap) {
  const std::string_view overlap_word = overlap == Overlap::serial ? "serial" : "overlapped";
  const std::uint64_t tokens = dataflow == Dataflow::input_stationary ? gemm.n : gemm.m;
  // The values do not matter here, so neither does the width that would hold them exactly.
  const std::string text = fmt::format(
      "design: systolic\nrows: {}\ncols: {}\ndataflow: {}\nactivation: int8\nweight: int8\n"
      "accumulator_bits: 32\noverflow: wrap\npipeline: 1\npreload: {}\ndrain: {}\nacc_rows: {}\n",
      array.rows, array.cols, word_of(dataflow), overlap_word, overlap_word,
      std::min(tokens, kMostAccRows));
  Diagnostics diagnostics;
  const auto design = read_design(yaml::parse(text, "reproduce", diagnostics), diagnostics);
  diagnostics.throw_if_any();
  const Operator op{"gemm", gemm, 1, 1};
  return run_schedule(*design, schedule_operator(op, design->tile_limits())).cycles;
}

Comparison checked(Comparison comparison) {
  std::int64_t sum = signed_of(comparison.claim);
  for (const Term& term : comparison.terms) sum += term.cycles;
  check(sum == signed_of(comparison.ours),
        fmt::format("{} {}: the terms sum to {} cycles, the array takes {}", comparison.tool,
                    word_of(comparison.dataflow), sum, comparison.ours));
  return comparison;
}

}  // namespace

std::vector<Comparison> compare_with_scale_sim(const GemmShape& gemm, ArrayShape array) {
  constexpr std::array kDataflows = {Dataflow::output_stationary, Dataflow::weight_stationary,
                                     Dataflow::input_stationary};
  std::vector<Comparison> comparisons;
  const auto add = [&](std::string tool, Dataflow dataflow, Overlap overlap, std::uint64_t claim,
                       std::uint64_t ours, std::vector<Term> terms) {
    comparisons.push_back(
        checked({std::move(tool), dataflow, overlap, claim, ours, std::move(terms)}));
  };
  for (const Dataflow dataflow : kDataflows) {
    for (const Overlap overlap : {Overlap::serial, Overlap::overlapped}) {
      // First: it refuses GEMMs whose cycles would not fit.
      const std::uint64_t ours = array_cycles(dataflow, gemm, array, overlap);
      const std::uint64_t claim = scale_sim_cycles(dataflow, gemm, array);
      if (dataflow != Dataflow::output_stationary) {
        add("SCALE-Sim", dataflow, overlap, claim, ours,
            streaming_terms(Streaming::of(dataflow, gemm, array), overlap));
        continue;
      }
      const std::vector<Term> of_array = os_array_terms(gemm, array, overlap);
      std::vector<Term> terms = os_scale_sim_terms(gemm, array);
      terms.insert(terms.end(), of_array.begin(), of_array.end());
      add("SCALE-Sim", dataflow, overlap, claim, ours, std::move(terms));
      terms = os_stonne_terms(gemm, array);
      terms.insert(terms.end(), of_array.begin(), of_array.end());
      add("STONNE", dataflow, overlap, stonne_cycles(gemm, array), ours, std::move(terms));
    }
  }
  return comparisons;
}

}  // namespace bitsmith::reproduce
