// What MixPE's authors publish, read from configs/papers/mixpe.yaml, beside what our own
// implementation of their script (mixpe.h) gives for the same inputs.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml.h"
#include "reproduce/mixpe.h"

namespace bitsmith::reproduce::mixpe {

struct Accelerator {
  std::string name;
  std::uint64_t rows = 0;
  std::uint64_t cols = 0;
  std::uint64_t high_bits = 0;
  std::uint64_t low_bits = 0;
  std::uint64_t bits = 0;
  std::uint64_t patch_bits = 0;
  Dequantisation dequantisation = Dequantisation::weights;
  std::uint64_t dequantisation_bits = 0;
  double mean_time = 0;  // published, over the networks
  std::string exact;     // file of a verified accelerator of its kind; "": there is none
};

// A network on an accelerator.
struct Published {
  double time = 0;           // relative to the reference
  std::uint64_t cycles = 0;  // 0: unknown
  std::uint64_t low_blocks = 0;
  std::uint64_t low_projections = 0;
};

struct Network {
  Transformer model;
  std::vector<Published> on;  // by accelerator
};

// Two verified accelerators, of which the first makes wide weights of narrow ones before it uses
// them.
struct Comparison {
  std::string name;
  std::string dequantise_first;  // files, from the repository's root
  std::string other;
};

struct Paper {
  std::string source;
  std::uint64_t batch = 0;
  Memory memory;
  std::size_t reference = 0;
  std::vector<Accelerator> accelerators;
  std::vector<Network> networks;
  std::vector<Comparison> comparisons;  // ours; may be none
};

// Networks are files of `workloads`. The result is meaningful only if nothing was added to
// `diagnostics`; a model file that is wrong in itself throws its own UserError.
Paper read_paper(const YamlNode& root, const std::filesystem::path& workloads,
                 Diagnostics& diagnostics);
// The shipped one.
Paper load_paper();

// Its GEMMs, one network on one accelerator.
std::vector<Layer> layers_on(const Paper& paper, std::size_t network, std::size_t accelerator);

struct CycleRow {
  std::size_t network = 0;
  std::size_t accelerator = 0;
  std::uint64_t claim = 0;  // 0: unknown
  Cycles ours;
};
// Network by network.
std::vector<CycleRow> cycle_rows(const Paper& paper);

// Time relative to the reference.
struct TimeRow {
  std::size_t network = 0;  // networks.size(): the mean over them
  std::size_t accelerator = 0;
  double claim = 0;
  double ours = 0;
};
// Of all accelerators but the reference, network by network, then the means.
std::vector<TimeRow> time_rows(const Paper& paper, std::span<const CycleRow> cycles);

// What the script leaves out, counts in its own way or gets wrong (mixpe_simplifications.cpp).
struct Simplification {
  std::string_view subject;
  std::string_view text;
};
std::span<const Simplification> simplifications();

}  // namespace bitsmith::reproduce::mixpe
