#include "reproduce/mixpe_paper.h"

#include <algorithm>

#include "common/file.h"
#include "config/parameter_table.h"

namespace bitsmith::reproduce::mixpe {
namespace {

constexpr IntegerRange kSide{1, 4096};
constexpr IntegerRange kBuffer{4096, std::int64_t{1} << 30};
constexpr IntegerRange kLow{0, 4096};
constexpr IntegerRange kCycles{0, std::int64_t{1} << 52};
constexpr IntegerRange kBits{1, 16};
constexpr NumberRange kTime{0.001, 1000};

struct Scalars {
  std::string source;
  std::uint64_t batch = 0;
  std::uint64_t dram_bits_per_cycle = 0;
  std::uint64_t weight_buffer_bytes = 0;
  std::uint64_t input_buffer_bytes = 0;
  std::uint64_t output_buffer_bytes = 0;
  std::uint64_t output_bits = 0;
  std::string reference;
};

ParameterTable<Scalars> scalar_table() {
  using T = Scalars;
  ParameterTable<T> t;
  t.text("source", &T::source, "where the numbers are published").required();
  t.integer("batch", &T::batch, {1, 1024}, "sequences", "one token of each").required();
  t.integer("dram_bits_per_cycle", &T::dram_bits_per_cycle, {8, 1 << 20}, "bits",
            "from and to memory")
      .required();
  t.integer("weight_buffer_bytes", &T::weight_buffer_bytes, kBuffer, "bytes", "of weights")
      .required();
  t.integer("input_buffer_bytes", &T::input_buffer_bytes, kBuffer, "bytes", "of inputs").required();
  t.integer("output_buffer_bytes", &T::output_buffer_bytes, kBuffer, "bytes", "of results")
      .required();
  t.integer("output_bits", &T::output_bits, {1, 64}, "bits", "of a result").required();
  t.text("reference", &T::reference, "the accelerator whose time is 1").required();
  return t;
}

ParameterTable<Accelerator> accelerator_table() {
  using T = Accelerator;
  using Problem = std::optional<std::string>;
  ParameterTable<T> t;
  t.text("name", &T::name, "as the paper calls it").required();
  t.integer("rows", &T::rows, kSide, "PEs", "along tokens").required();
  t.integer("cols", &T::cols, kSide, "PEs", "along outputs").required();
  t.integer("high_bits", &T::high_bits, kBits, "bits", "of operands of which a PE takes one")
      .required();
  t.integer("low_bits", &T::low_bits, kBits, "bits", "of the narrowest operands it gains by")
      .required();
  t.integer("bits", &T::bits, kBits, "bits", "of both operands of a layer").required();
  t.integer("patch_bits", &T::patch_bits, kBits, "bits", "in a vision transformer's first layer")
      .required();
  t.choice("dequantisation", &T::dequantisation,
           {{"weights", Dequantisation::weights}, {"results", Dequantisation::results}},
           "what is dequantised, as a GEMM of its own")
      .required();
  t.integer("dequantisation_bits", &T::dequantisation_bits, kBits, "bits", "of that GEMM")
      .required();
  t.number("mean_time", &T::mean_time, kTime, "", "over the networks").required();
  t.text("exact", &T::exact, "a verified accelerator of its kind, from the repository's root");
  t.rule("high_bits", [](const T& a) -> Problem {
    if (std::max({a.low_bits, a.bits, a.patch_bits, a.dequantisation_bits}) <= a.high_bits) {
      return std::nullopt;
    }
    return fmt::format("operands of more bits than the {} of high_bits", a.high_bits);
  });
  return t;
}

ParameterTable<Published> published_table() {
  using T = Published;
  ParameterTable<T> t;
  t.number("time", &T::time, kTime, "", "relative to the reference").required();
  t.integer("cycles", &T::cycles, kCycles, "cycles", "in total; 0: unknown");
  t.integer("low_blocks", &T::low_blocks, kLow, "blocks", "of low_bits");
  t.integer("low_projections", &T::low_projections, kLow, "layers",
            "projections of attention of low_bits, in other blocks");
  return t;
}

ParameterTable<Comparison> comparison_table() {
  using T = Comparison;
  ParameterTable<T> t;
  t.text("name", &T::name, "what is compared").required();
  t.text("dequantise_first", &T::dequantise_first,
         "an accelerator with a weight converter, from the repository's root")
      .required();
  t.text("other", &T::other, "the one that it is compared with").required();
  return t;
}

class Reader {
 public:
  Reader(const YamlNode& root, const std::filesystem::path& workloads, Diagnostics& diagnostics)
      : root_(root), workloads_(workloads), diagnostics_(diagnostics) {}

  Paper read() {
    const Scalars scalars =
        scalar_table().read(root_, diagnostics_, {"accelerators", "networks", "comparisons"});
    Paper paper;
    paper.source = scalars.source;
    paper.batch = scalars.batch;
    paper.memory = {scalars.dram_bits_per_cycle, scalars.weight_buffer_bytes,
                    scalars.input_buffer_bytes, scalars.output_buffer_bytes, scalars.output_bits};
    const ParameterTable<Accelerator> table = accelerator_table();
    for (const YamlEntry& entry : map_of("accelerators")) {
      ids_.push_back(entry.key);
      paper.accelerators.push_back(table.read(entry.value, diagnostics_));
    }
    if (const YamlNode* reference = root_.find("reference")) {
      paper.reference = index(scalars.reference, reference->where);
    }
    for (const YamlEntry& entry : map_of("networks")) paper.networks.push_back(network(entry));
    if (root_.find("comparisons") == nullptr) return paper;
    const ParameterTable<Comparison> comparisons = comparison_table();
    for (const YamlEntry& entry : map_of("comparisons")) {
      paper.comparisons.push_back(comparisons.read(entry.value, diagnostics_));
    }
    return paper;
  }

 private:
  // Not empty, or a mistake.
  const std::vector<YamlEntry>& map_of(std::string_view key) {
    static const std::vector<YamlEntry> kNone;
    const YamlNode* node = root_.find(key);
    if (node == nullptr) {
      if (root_.kind == YamlNode::Kind::map) {
        diagnostics_.add(root_.where, fmt::format("'{}' is missing", key));
      }
      return kNone;
    }
    if (node->kind == YamlNode::Kind::map && !node->entries.empty()) return node->entries;
    diagnostics_.add(node->where, fmt::format("'{}': expected a map with something in it, found {}",
                                              key, yaml::describe(*node)));
    return kNone;
  }

  Network network(const YamlEntry& entry) {
    Network network;
    network.model = model(entry);
    if (entry.value.kind != YamlNode::Kind::map) {
      diagnostics_.add(entry.value.where,
                       fmt::format("expected a map, found {}", yaml::describe(entry.value)));
      return network;
    }
    for (const YamlEntry& accelerator : entry.value.entries) {
      index(accelerator.key, accelerator.key_where);
    }
    for (const std::string_view id : ids_) {
      const YamlNode* node = entry.value.find(id);
      if (node == nullptr) {
        diagnostics_.add(entry.value.where, fmt::format("'{}' is missing", id));
      } else {
        network.on.push_back(published(*node, network.model));
      }
    }
    return network;
  }

  Published published(const YamlNode& node, const Transformer& model) {
    Published published = published_table_.read(node, diagnostics_);
    const std::uint64_t low = published.low_blocks + published.low_projections;
    if (low > model.num_hidden_layers) {
      diagnostics_.add(node.where, fmt::format("low_blocks and low_projections are {} of {} blocks",
                                               low, model.num_hidden_layers));
    }
    return published;
  }

  Transformer model(const YamlEntry& entry) {
    const std::filesystem::path file = workloads_ / (entry.key + ".yaml");
    if (!std::filesystem::exists(file)) {
      diagnostics_.add(entry.key_where,
                       fmt::format("there is no model '{}' in workloads", entry.key));
      return {};
    }
    Transformer model = load_transformer(file);
    if (const auto problem = unfit(model)) {
      diagnostics_.add(entry.key_where,
                       fmt::format("the script has no answer for '{}': {}", entry.key, *problem));
    }
    return model;
  }

  std::size_t index(std::string_view id, const Location& where) {
    const auto found = std::find(ids_.begin(), ids_.end(), id);
    if (found != ids_.end()) return static_cast<std::size_t>(found - ids_.begin());
    diagnostics_.add(where, unknown_word("accelerator", id, ids_));
    return 0;
  }

  const YamlNode& root_;
  const std::filesystem::path& workloads_;
  Diagnostics& diagnostics_;
  const ParameterTable<Published> published_table_ = published_table();
  std::vector<std::string_view> ids_;
};

Cycles cycles_on(const Paper& paper, std::size_t network, std::size_t index) {
  const Accelerator& accelerator = paper.accelerators[index];
  const Machine machine{accelerator.rows, accelerator.cols, accelerator.high_bits,
                        accelerator.low_bits};
  return cycles_of(layers_on(paper, network, index), machine, paper.memory);
}

}  // namespace

Paper read_paper(const YamlNode& root, const std::filesystem::path& workloads,
                 Diagnostics& diagnostics) {
  return Reader(root, workloads, diagnostics).read();
}

Paper load_paper() {
  Diagnostics diagnostics;
  const YamlNode root = yaml::read(home_folder() / "configs/papers/mixpe.yaml", diagnostics);
  Paper paper = read_paper(root, home_folder() / "workloads", diagnostics);
  diagnostics.throw_if_any();
  return paper;
}

std::vector<Layer> layers_on(const Paper& paper, std::size_t network, std::size_t index) {
  const Accelerator& accelerator = paper.accelerators[index];
  const Published& published = paper.networks[network].on[index];
  const Precision precision{accelerator.bits,           accelerator.patch_bits,
                            accelerator.dequantisation, accelerator.dequantisation_bits,
                            accelerator.low_bits,       published.low_blocks,
                            published.low_projections};
  return layers_of(paper.networks[network].model, paper.batch, precision);
}

std::vector<CycleRow> cycle_rows(const Paper& paper) {
  std::vector<CycleRow> rows;
  for (std::size_t network = 0; network < paper.networks.size(); ++network) {
    for (std::size_t index = 0; index < paper.accelerators.size(); ++index) {
      rows.push_back({network, index, paper.networks[network].on[index].cycles,
                      cycles_on(paper, network, index)});
    }
  }
  return rows;
}

std::vector<TimeRow> time_rows(const Paper& paper, std::span<const CycleRow> cycles) {
  const std::size_t accelerators = paper.accelerators.size();
  const auto total = [&](std::size_t network, std::size_t index) {
    return static_cast<double>(cycles[network * accelerators + index].ours.total());
  };
  std::vector<TimeRow> rows;
  std::vector<double> means(accelerators);
  for (std::size_t network = 0; network < paper.networks.size(); ++network) {
    for (std::size_t index = 0; index < accelerators; ++index) {
      if (index == paper.reference) continue;
      const double time = total(network, index) / total(network, paper.reference);
      means[index] += time / static_cast<double>(paper.networks.size());
      rows.push_back({network, index, paper.networks[network].on[index].time, time});
    }
  }
  for (std::size_t index = 0; index < accelerators; ++index) {
    if (index == paper.reference) continue;
    rows.push_back(
        {paper.networks.size(), index, paper.accelerators[index].mean_time, means[index]});
  }
  return rows;
}

}  // namespace bitsmith::reproduce::mixpe
