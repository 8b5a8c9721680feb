#include "reproduce/bitmod_paper.h"

#include <algorithm>

#include "common/file.h"
#include "config/parameter_table.h"

namespace bitsmith::reproduce::bitmod {
namespace {

constexpr IntegerRange kSide{1, 4096};
constexpr IntegerRange kBuffer{4096, std::int64_t{1} << 30};
constexpr IntegerRange kCycles{1, std::int64_t{1} << 52};
constexpr NumberRange kBits{1, 16};

struct Scalars {
  std::string source;
  std::uint64_t context = 0;
  std::uint64_t generated_tokens = 0;
  std::uint64_t activation_bits = 0;
  std::uint64_t dram_bits_per_cycle = 0;
  std::uint64_t weight_buffer_bytes = 0;
  std::uint64_t activation_buffer_bytes = 0;
};

ParameterTable<Scalars> scalar_table() {
  using T = Scalars;
  ParameterTable<T> t;
  t.text("source", &T::source, "where the numbers are published").required();
  t.integer("context", &T::context, {1, kLongestContext}, "tokens",
            "a prompt, and what a decoded token attends to")
      .required();
  t.integer("generated_tokens", &T::generated_tokens, {0, 1 << 16}, "tokens",
            "decoded after a prompt in the generative task")
      .required();
  t.integer("activation_bits", &T::activation_bits, {1, 16}, "bits", "of an activation").required();
  t.integer("dram_bits_per_cycle", &T::dram_bits_per_cycle, {8, 1 << 20}, "bits",
            "from and to memory")
      .required();
  t.integer("weight_buffer_bytes", &T::weight_buffer_bytes, kBuffer, "bytes", "of weights")
      .required();
  t.integer("activation_buffer_bytes", &T::activation_buffer_bytes, kBuffer, "bytes", "of inputs")
      .required();
  return t;
}

ParameterTable<Accelerator> accelerator_table() {
  using T = Accelerator;
  ParameterTable<T> t;
  t.text("name", &T::name, "as the paper calls it").required();
  t.flag("bit_serial", &T::bit_serial, "a weight takes several cycles");
  t.integer("dot_product", &T::dot_product, {1, 1024}, "inputs", "that a PE takes at a time");
  t.integer("prefill_rows", &T::prefill_rows, kSide, "PEs", "along outputs").required();
  t.integer("prefill_cols", &T::prefill_cols, kSide, "PEs", "along tokens").required();
  t.integer("decode_rows", &T::decode_rows, kSide, "PEs", "along outputs").required();
  t.integer("decode_cols", &T::decode_cols, kSide, "PEs", "along tokens").required();
  t.text("exact", &T::exact, "file of the accelerator that gives exact cycles");
  t.integer("exact_tile_rows", &T::exact_tile_rows, {0, 4096}, "PEs", "along tokens, of its tiles");
  t.text("exact_prefill_weight", &T::exact_prefill_weight, "its weights' format for a prompt");
  t.text("exact_decode_weight", &T::exact_decode_weight, "and for a decoded token");
  return t;
}

ParameterTable<Published> published_table() {
  using T = Published;
  ParameterTable<T> t;
  t.number("prefill_bits", &T::prefill_bits, kBits, "bits", "of a weight").required();
  t.integer("prefill_cycles", &T::prefill_cycles, kCycles, "cycles", "of a prompt").required();
  t.number("decode_bits", &T::decode_bits, kBits, "bits", "of a weight").required();
  t.integer("decode_cycles", &T::decode_cycles, kCycles, "cycles", "of one token").required();
  return t;
}

struct HeadlineText {
  std::string subject;
  std::string baseline;
  double speedup = 0;
};

ParameterTable<HeadlineText> headline_table() {
  using T = HeadlineText;
  ParameterTable<T> t;
  t.text("subject", &T::subject, "the faster accelerator").required();
  t.text("baseline", &T::baseline, "the slower one").required();
  t.number("speedup", &T::speedup, {0.01, 1000}, "", "on average").required();
  return t;
}

class Reader {
 public:
  Reader(const YamlNode& root, const std::filesystem::path& models, Diagnostics& diagnostics)
      : root_(root), models_(models), diagnostics_(diagnostics) {}

  Paper read() {
    const Scalars scalars =
        scalar_table().read(root_, diagnostics_, {"accelerators", "networks", "headlines"});
    Paper paper;
    paper.source = scalars.source;
    paper.context = scalars.context;
    paper.generated_tokens = scalars.generated_tokens;
    paper.memory = {scalars.activation_bits, scalars.dram_bits_per_cycle,
                    scalars.weight_buffer_bytes, scalars.activation_buffer_bytes};
    const ParameterTable<Accelerator> table = accelerator_table();
    for (const YamlEntry& entry : map_of("accelerators")) {
      ids_.push_back(entry.key);
      paper.accelerators.push_back(table.read(entry.value, diagnostics_));
    }
    for (const YamlEntry& entry : map_of("networks")) paper.networks.push_back(network(entry));
    for (const YamlNode& item : headlines()) paper.headlines.push_back(headline(item));
    return paper;
  }

 private:
  // Not empty, or a mistake.
  const std::vector<YamlEntry>& map_of(std::string_view key) {
    static const std::vector<YamlEntry> kNone;
    const YamlNode* node = child(key);
    if (node == nullptr) return kNone;
    if (node->kind == YamlNode::Kind::map && !node->entries.empty()) return node->entries;
    diagnostics_.add(node->where, fmt::format("'{}': expected a map with something in it, found {}",
                                              key, yaml::describe(*node)));
    return kNone;
  }

  const std::vector<YamlNode>& headlines() {
    static const std::vector<YamlNode> kNone;
    const YamlNode* node = child("headlines");
    if (node == nullptr) return kNone;
    if (node->kind != YamlNode::Kind::sequence) {
      diagnostics_.add(node->where, fmt::format("'headlines': expected a sequence, found {}",
                                                yaml::describe(*node)));
    }
    return node->items;
  }

  const YamlNode* child(std::string_view key) {
    const YamlNode* node = root_.find(key);
    if (node == nullptr && root_.kind == YamlNode::Kind::map) {
      diagnostics_.add(root_.where, fmt::format("'{}' is missing", key));
    }
    return node;
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
    const ParameterTable<Published> table = published_table();
    for (const std::string_view id : ids_) {
      const YamlNode* node = entry.value.find(id);
      if (node == nullptr) {
        diagnostics_.add(entry.value.where, fmt::format("'{}' is missing", id));
      } else {
        network.on.push_back(table.read(*node, diagnostics_));
      }
    }
    return network;
  }

  Transformer model(const YamlEntry& entry) {
    const std::filesystem::path file = models_ / (entry.key + ".yaml");
    if (!std::filesystem::exists(file)) {
      diagnostics_.add(entry.key_where,
                       fmt::format("there is no model '{}' in workloads/models", entry.key));
      return {};
    }
    Transformer model = load_transformer(file);
    if (const auto problem = unfit(model)) {
      diagnostics_.add(entry.key_where,
                       fmt::format("the script has no answer for '{}': {}", entry.key, *problem));
    }
    return model;
  }

  Headline headline(const YamlNode& node) {
    const std::size_t mistakes_before = diagnostics_.size();
    const HeadlineText text = headline_table().read(node, diagnostics_);
    if (diagnostics_.size() > mistakes_before) return {};
    return {index(text.subject, node.find("subject")->where),
            index(text.baseline, node.find("baseline")->where), text.speedup};
  }

  std::size_t index(std::string_view id, const Location& where) {
    const auto found = std::find(ids_.begin(), ids_.end(), id);
    if (found != ids_.end()) return static_cast<std::size_t>(found - ids_.begin());
    diagnostics_.add(where, unknown_word("accelerator", id, ids_));
    return 0;
  }

  const YamlNode& root_;
  const std::filesystem::path& models_;
  Diagnostics& diagnostics_;
  std::vector<std::string_view> ids_;
};

CycleRow row_of(const Paper& paper, Phase phase, std::size_t network, std::size_t index) {
  const bool is_prefill = phase == Phase::prefill;
  const Accelerator& accelerator = paper.accelerators[index];
  const Published& published = paper.networks[network].on[index];
  CycleRow row{phase, network, index};
  row.weight_bits = is_prefill ? published.prefill_bits : published.decode_bits;
  row.claim = is_prefill ? published.prefill_cycles : published.decode_cycles;
  const Machine machine{is_prefill ? accelerator.prefill_rows : accelerator.decode_rows,
                        is_prefill ? accelerator.prefill_cols : accelerator.decode_cols,
                        accelerator.dot_product, accelerator.bit_serial, row.weight_bits};
  const auto layers = layers_of(paper.networks[network].model, phase, paper.context);
  row.ours = cycles_of(layers, machine, paper.memory);
  return row;
}

// Baseline's cycles / subject's in a prompt and `tokens` decoded after it.
double speedup(const Paper& paper, const Headline& headline, std::size_t network,
               std::uint64_t tokens) {
  const auto cycles = [&](std::size_t accelerator) {
    const CycleRow prompt = row_of(paper, Phase::prefill, network, accelerator);
    const CycleRow token = row_of(paper, Phase::decode, network, accelerator);
    return static_cast<double>(prompt.ours) +
           static_cast<double>(tokens) * static_cast<double>(token.ours);
  };
  return cycles(headline.baseline) / cycles(headline.subject);
}

}  // namespace

Paper read_paper(const YamlNode& root, const std::filesystem::path& models,
                 Diagnostics& diagnostics) {
  return Reader(root, models, diagnostics).read();
}

Paper load_paper() {
  Diagnostics diagnostics;
  const YamlNode root = yaml::read(home_folder() / "configs/papers/bitmod.yaml", diagnostics);
  Paper paper = read_paper(root, home_folder() / "workloads/models", diagnostics);
  diagnostics.throw_if_any();
  return paper;
}

std::vector<CycleRow> cycle_rows(const Paper& paper) {
  std::vector<CycleRow> rows;
  for (const Phase phase : {Phase::prefill, Phase::decode}) {
    for (std::size_t network = 0; network < paper.networks.size(); ++network) {
      for (std::size_t index = 0; index < paper.accelerators.size(); ++index) {
        rows.push_back(row_of(paper, phase, network, index));
      }
    }
  }
  return rows;
}

std::vector<HeadlineRow> headline_rows(const Paper& paper) {
  std::vector<HeadlineRow> rows;
  const auto networks = static_cast<double>(paper.networks.size());
  for (const Headline& headline : paper.headlines) {
    HeadlineRow row{headline};
    for (std::size_t network = 0; network < paper.networks.size(); ++network) {
      row.prefill += speedup(paper, headline, network, 0) / networks;
      row.generation += speedup(paper, headline, network, paper.generated_tokens) / networks;
    }
    rows.push_back(row);
  }
  return rows;
}

}  // namespace bitsmith::reproduce::bitmod
