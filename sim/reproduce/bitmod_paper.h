// What BitMoD's authors claim, read from configs/papers/bitmod.yaml, beside what our own
// implementation of their script (bitmod.h) gives for the same inputs.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/yaml.h"
#include "reproduce/bitmod.h"

namespace bitsmith::reproduce::bitmod {

struct Accelerator {
  std::string name;
  bool bit_serial = false;
  std::uint64_t dot_product = 1;
  std::uint64_t prefill_rows = 0;
  std::uint64_t prefill_cols = 0;
  std::uint64_t decode_rows = 0;
  std::uint64_t decode_cols = 0;
  // Ours (bitmod_exact.h): an accelerator file beside the paper's, or none, the rows of its tiles
  // (0: an array without tiles), and its weights.
  std::string exact;
  std::uint64_t exact_tile_rows = 0;
  std::string exact_prefill_weight;
  std::string exact_decode_weight;
};

// A network on an accelerator: weight bits, and published total cycles.
struct Published {
  double prefill_bits = 0;
  std::uint64_t prefill_cycles = 0;
  double decode_bits = 0;
  std::uint64_t decode_cycles = 0;
};

struct Network {
  Transformer model;
  std::vector<Published> on;  // by accelerator
};

// How many times faster `subject` is than `baseline`, on average.
struct Headline {
  std::size_t subject = 0;  // accelerators
  std::size_t baseline = 0;
  double speedup = 0;
};

struct Paper {
  std::string source;
  std::uint64_t context = 0;           // tokens
  std::uint64_t generated_tokens = 0;  // decoded after a prompt in the generative task
  Memory memory;
  std::vector<Accelerator> accelerators;
  std::vector<Network> networks;
  std::vector<Headline> headlines;
};

// Networks are files of `models`. The result is meaningful only if nothing was added to
// `diagnostics`; a model file that is wrong in itself throws its own UserError.
Paper read_paper(const YamlNode& root, const std::filesystem::path& models,
                 Diagnostics& diagnostics);
// The shipped one.
Paper load_paper();

struct CycleRow {
  Phase phase = Phase::prefill;
  std::size_t network = 0;
  std::size_t accelerator = 0;
  double weight_bits = 0;
  std::uint64_t claim = 0;
  std::uint64_t ours = 0;
};
// Phase by phase, in each network by network.
std::vector<CycleRow> cycle_rows(const Paper& paper);

// Means over the networks of baseline's cycles / subject's.
struct HeadlineRow {
  Headline headline;
  double prefill = 0;
  double generation = 0;  // a prompt and the tokens generated after it
  // Over both tasks, six networks each: our reading of the paper's "on average".
  double ours() const { return (prefill + generation) / 2; }
};
std::vector<HeadlineRow> headline_rows(const Paper& paper);

// What the script leaves out or counts in its own way, and what bitmod_exact.h does instead;
// nothing where it does the same (bitmod_simplifications.cpp).
struct Simplification {
  std::string_view subject;
  std::string_view text;
  std::string_view exact;
};
std::span<const Simplification> simplifications();

}  // namespace bitsmith::reproduce::bitmod
