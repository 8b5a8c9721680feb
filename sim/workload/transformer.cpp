#include "workload/transformer.h"

#include <algorithm>
#include <initializer_list>
#include <limits>

namespace bitsmith {
namespace {

constexpr IntegerRange kWidth{1, std::int64_t{1} << 20};
constexpr IntegerRange kTable{0, std::int64_t{1} << 24};

void declare_dimensions(ParameterTable<Transformer>& table) {
  using T = Transformer;
  table.text("model", &T::model, "the model's name").required();
  table.choice("architecture", &T::architecture,
               {{"decoder", Architecture::decoder},
                {"encoder", Architecture::encoder},
                {"vision", Architecture::vision}},
               "causal language model, bidirectional encoder, or an encoder of image patches");
  table.integer("hidden_size", &T::hidden_size, kWidth, "features", "width of the residual stream")
      .required();
  table
      .integer("num_hidden_layers", &T::num_hidden_layers, {1, 1024}, "layers",
               "transformer blocks")
      .required();
  table.integer("num_attention_heads", &T::num_attention_heads, {1, 4096}, "heads", "query heads")
      .required();
  table
      .integer("num_key_value_heads", &T::num_key_value_heads, {1, 4096}, "heads",
               "key-value heads; fewer than query heads in grouped-query attention")
      .required();
  table.integer("head_dim", &T::head_dim, {1, 4096}, "features", "width of a head").required();
  table.integer("intermediate_size", &T::intermediate_size, kWidth, "features", "width of the MLP")
      .required();
  table.integer("vocab_size", &T::vocab_size, kTable, "tokens",
                "rows of the embedding; 0 without a vocabulary");
  table.integer("num_local_experts", &T::num_local_experts, {1, 1024}, "experts",
                "MLPs per layer that a router chooses from");
  table.integer("num_experts_per_tok", &T::num_experts_per_tok, {1, 1024}, "experts",
                "MLPs that a token takes");
}

void declare_properties(ParameterTable<Transformer>& table) {
  using T = Transformer;
  table.choice("mlp", &T::mlp, {{"plain", Mlp::plain}, {"gated", Mlp::gated}},
               "up and down projections, or gate, up and down");
  table.choice("norm", &T::norm, {{"rms", NormKind::rms}, {"layer", NormKind::layer}},
               "RMS norm (a gain) or layer norm (a gain and a bias)");
  table.integer("norms_per_layer", &T::norms_per_layer, {1, 2}, "norms",
                "1: attention and MLP in parallel behind one norm");
  table.flag("sublayer_norms", &T::sublayer_norms,
             "norms before the output and down projections (BitNet)");
  table.flag("embedding_norm", &T::embedding_norm, "a norm behind the embeddings (BERT)");
  table.flag("final_norm", &T::final_norm, "a norm behind the last layer");
  table.flag("attention_bias", &T::attention_bias, "biases of the attention's projections");
  table.flag("mlp_bias", &T::mlp_bias, "biases of the MLP's projections");
  table.flag("lm_head_bias", &T::lm_head_bias, "bias of the vocabulary projection");
  table.flag("rotary", &T::rotary, "rotary position embedding of queries and keys");
  table.integer("rotary_dim", &T::rotary_dim, {0, 4096}, "features",
                "features of a head that the rotary position embedding turns; 0: all");
  table.integer("max_position_embeddings", &T::max_position_embeddings, kTable, "tokens",
                "longest sequence; 0: the rows of the learned table, if there is one");
  table.integer("position_embeddings", &T::position_embeddings, kTable, "positions",
                "rows of a learned table of positions");
  table.integer("token_types", &T::token_types, {0, 1024}, "types", "rows of the segment table");
  table.choice("head", &T::head,
               {{"vocabulary", Head::vocabulary},
                {"pooler", Head::pooler},
                {"classifier", Head::classifier}},
               "what follows the last layer");
  table.integer("num_labels", &T::num_labels, kTable, "labels", "results of the classifier");
  table.integer("image_size", &T::image_size, {0, 65536}, "pixels", "side of an image");
  table.integer("patch_size", &T::patch_size, {0, 65536}, "pixels", "side of a patch");
  table.integer("num_channels", &T::num_channels, {1, 1024}, "channels", "colours of a pixel");
  table.flag("tie_word_embeddings", &T::tie_word_embeddings,
             "the vocabulary projection is the embedding");
  table.integer("published_parameters", &T::published_parameters,
                {0, std::numeric_limits<std::int64_t>::max()}, "parameters",
                "the published total, to check the dimensions; 0 if none");
  table.text("source", &T::source, "where the dimensions are published").required();
}

void declare_rules(ParameterTable<Transformer>& table) {
  using T = Transformer;
  using Problem = std::optional<std::string>;
  table.rule("num_key_value_heads", [](const T& t) -> Problem {
    if (t.num_attention_heads % t.num_key_value_heads == 0) return std::nullopt;
    return fmt::format("{} query heads are not a multiple of {} key-value heads",
                       t.num_attention_heads, t.num_key_value_heads);
  });
  table.rule("rotary_dim", [](const T& t) -> Problem {
    if (t.rotary_dim <= t.head_dim) return std::nullopt;
    return fmt::format("a head has only {} features", t.head_dim);
  });
  table.rule("num_experts_per_tok", [](const T& t) -> Problem {
    if (t.num_experts_per_tok <= t.num_local_experts) return std::nullopt;
    return fmt::format("a token cannot take {} of {} experts", t.num_experts_per_tok,
                       t.num_local_experts);
  });
  table.rule("vocab_size", [](const T& t) -> Problem {
    if (t.vocab_size > 0 || t.architecture == Architecture::vision) return std::nullopt;
    return "a language model has a vocabulary";
  });
  table.rule("head", [](const T& t) -> Problem {
    if (t.architecture == Architecture::decoder && t.head != Head::vocabulary) {
      return "a decoder's head is the vocabulary";
    }
    if (t.head == Head::vocabulary && t.vocab_size == 0) return "there is no vocabulary";
    if (t.head == Head::classifier && t.num_labels == 0) return "a classifier needs num_labels";
    return std::nullopt;
  });
  table.rule("patch_size", [](const T& t) -> Problem {
    const bool is_vision = t.architecture == Architecture::vision;
    if (!is_vision && t.image_size == 0 && t.patch_size == 0) return std::nullopt;
    if (!is_vision) return "only vision models have images and patches";
    if (t.patch_size > 0 && t.image_size > 0 && t.image_size % t.patch_size == 0) {
      return std::nullopt;
    }
    return fmt::format("images of {} pixels do not divide into patches of {}", t.image_size,
                       t.patch_size);
  });
}

ParameterTable<Transformer> make_table() {
  ParameterTable<Transformer> table;
  declare_dimensions(table);
  declare_properties(table);
  declare_rules(table);
  return table;
}

// ---- parameters

std::uint64_t layer_parameters(const Transformer& t) {
  const std::uint64_t h = t.hidden_size;
  const std::uint64_t f = t.intermediate_size;
  const std::uint64_t attention = h * (2 * t.query_size() + 2 * t.key_value_size());
  const std::uint64_t attention_biases = t.query_size() + 2 * t.key_value_size() + h;
  const std::uint64_t wide = t.mlp == Mlp::gated ? 2 : 1;
  const std::uint64_t mlp = (wide + 1) * h * f + (t.mlp_bias ? wide * f + h : 0);
  const std::uint64_t router = t.has_experts() ? h * t.num_local_experts : 0;
  const std::uint64_t per_feature = t.norm == NormKind::layer ? 2 : 1;
  const std::uint64_t norms =
      per_feature * (t.norms_per_layer * h + (t.sublayer_norms ? t.query_size() + f : 0));
  return attention + (t.attention_bias ? attention_biases : 0) + t.num_local_experts * mlp +
         router + norms;
}

std::uint64_t head_parameters(const Transformer& t) {
  switch (t.head) {
    case Head::vocabulary:
      return (t.tie_word_embeddings ? 0 : t.vocab_size * t.hidden_size) +
             (t.lm_head_bias ? t.vocab_size : 0);
    case Head::pooler:
      return t.hidden_size * t.hidden_size + t.hidden_size;
    case Head::classifier:
      return t.num_labels * t.hidden_size + t.num_labels;
  }
  throw InternalError("a head of no kind");
}

// ---- operators

// Exact, or the user's mistake.
std::uint64_t elements(std::initializer_list<std::uint64_t> sizes) {
  double bound = 1;
  std::uint64_t product = 1;
  for (const std::uint64_t size : sizes) {
    bound *= static_cast<double>(size);
    product *= size;
  }
  if (bound < 0x1p62) return product;
  throw UserError("sequence and batch make more elements than 64-bit counters hold");
}

// The dimensions of one pass through all layers: `tokens` new ones of each sequence meet `context`.
struct Pass {
  std::uint64_t tokens;
  std::uint64_t context;
  std::uint64_t batch;
  std::uint64_t times;  // this pass happens so often

  std::uint64_t rows() const { return tokens * batch; }
};

class OperatorList {
 public:
  OperatorList(const Transformer& model, std::vector<Operator>& operators)
      : t_(model), operators_(operators) {}

  void add_layers(const Pass& pass) {
    repeat_ = t_.num_hidden_layers * pass.times;
    vector("input_norm", OperatorKind::norm, elements({pass.rows(), t_.hidden_size}),
           ResultUse::gemm);
    attention(pass);
    if (t_.norms_per_layer == 2) {
      vector("attention_add", OperatorKind::add, elements({pass.rows(), t_.hidden_size}));
      vector("mlp_norm", OperatorKind::norm, elements({pass.rows(), t_.hidden_size}),
             ResultUse::gemm);
    }
    mlp(pass);
    // In parallel, both branches are added at once.
    const std::uint64_t branches = t_.norms_per_layer == 2 ? 1 : 2;
    vector("mlp_add", OperatorKind::add, elements({branches, pass.rows(), t_.hidden_size}));
  }

  void add_embedding(const Pass& pass) {
    repeat_ = pass.times;
    const std::uint64_t features = elements({pass.rows(), t_.hidden_size});
    if (t_.architecture == Architecture::vision) {
      const std::uint64_t pixels = t_.patch_size * t_.patch_size * t_.num_channels;
      gemm("patch_embedding", OperatorClass::patch_embedding,
           {t_.patches() * pass.batch, t_.hidden_size, pixels});
    } else {
      vector("embedding", OperatorKind::embedding, features);
    }
    const std::uint64_t tables =
        (t_.position_embeddings > 0 ? 1 : 0) + (t_.token_types > 0 ? 1 : 0);
    if (tables > 0) vector("embedding_add", OperatorKind::add, tables * features);
    if (t_.embedding_norm) vector("embedding_norm", OperatorKind::norm, features);
  }

  void add_head(std::uint64_t sequences, std::uint64_t tokens) {
    repeat_ = 1;
    // A decoder needs the logits of the last token only; BERT's vocabulary head those of all.
    const bool every_token =
        t_.head == Head::vocabulary && t_.architecture != Architecture::decoder;
    const std::uint64_t rows = sequences * (every_token ? tokens : 1);
    const std::uint64_t normed =
        sequences * (t_.architecture == Architecture::decoder ? 1 : tokens);
    if (t_.final_norm) {
      vector("final_norm", OperatorKind::norm, elements({normed, t_.hidden_size}), ResultUse::gemm);
    }
    if (t_.head == Head::vocabulary) {
      gemm("lm_head", OperatorClass::lm_head, {rows, t_.vocab_size, t_.hidden_size});
    } else if (t_.head == Head::classifier) {
      gemm("classifier", OperatorClass::lm_head, {rows, t_.num_labels, t_.hidden_size});
    } else {
      gemm("pooler", OperatorClass::lm_head, {rows, t_.hidden_size, t_.hidden_size}, 1,
           ResultUse::activation);
      vector("pooler_activation", OperatorKind::activation, elements({rows, t_.hidden_size}));
    }
  }

 private:
  void gemm(std::string name, OperatorClass operator_class, GemmShape shape,
            std::uint64_t count = 1, ResultUse results = ResultUse::vector) {
    add({std::move(name), shape, count, repeat_, OperatorKind::gemm, operator_class, 0, results});
  }
  void vector(std::string name, OperatorKind kind, std::uint64_t count,
              ResultUse results = ResultUse::vector) {
    add({std::move(name), {}, 1, repeat_, kind, OperatorClass::linear, count, results});
  }
  // Joins an operator that an earlier pass already has.
  void add(Operator op) {
    for (Operator& known : operators_) {
      if (known.name != op.name || known.gemm != op.gemm || known.count != op.count ||
          known.elements != op.elements) {
        continue;
      }
      known.repeat += op.repeat;
      return;
    }
    operators_.push_back(std::move(op));
  }

  void attention(const Pass& pass) {
    const std::uint64_t rows = pass.rows();
    const std::uint64_t query = t_.query_size();
    const std::uint64_t key_value = t_.key_value_size();
    const std::uint64_t heads = t_.num_key_value_heads * pass.batch;
    const std::uint64_t score_rows =
        pass.tokens * (t_.num_attention_heads / t_.num_key_value_heads);
    // Rotated before they are used; values are not.
    gemm("q_proj", OperatorClass::linear, {rows, query, t_.hidden_size}, 1,
         t_.rotary ? ResultUse::vector : ResultUse::gemm);
    gemm("k_proj", OperatorClass::linear, {rows, key_value, t_.hidden_size}, 1,
         t_.rotary ? ResultUse::vector : ResultUse::kv_cache);
    gemm("v_proj", OperatorClass::linear, {rows, key_value, t_.hidden_size}, 1,
         ResultUse::kv_cache);
    if (t_.rotary) {
      const std::uint64_t turned = t_.rotary_dim == 0 ? t_.head_dim : t_.rotary_dim;
      vector("rotary", OperatorKind::rotary, elements({rows, t_.num_attention_heads, turned}),
             ResultUse::gemm);
      vector("rotary_keys", OperatorKind::rotary, elements({rows, t_.num_key_value_heads, turned}),
             ResultUse::kv_cache);
    }
    gemm("attention_qk", OperatorClass::attention_qk, {score_rows, pass.context, t_.head_dim},
         heads);
    vector("softmax", OperatorKind::softmax, elements({score_rows, pass.context, heads}),
           ResultUse::gemm);
    gemm("attention_pv", OperatorClass::attention_pv, {score_rows, t_.head_dim, pass.context},
         heads, t_.sublayer_norms ? ResultUse::vector : ResultUse::gemm);
    if (t_.sublayer_norms) {
      vector("attention_sublayer_norm", OperatorKind::norm, elements({rows, query}),
             ResultUse::gemm);
    }
    gemm("o_proj", OperatorClass::linear, {rows, t_.hidden_size, query});
  }

  void mlp(const Pass& pass) {
    const std::uint64_t pairs = pass.rows() * t_.num_experts_per_tok;  // of a token and an expert
    const std::uint64_t wide = elements({pairs, t_.intermediate_size});
    if (t_.has_experts()) {
      const std::uint64_t logits = elements({pass.rows(), t_.num_local_experts});
      gemm("router", OperatorClass::router, {pass.rows(), t_.num_local_experts, t_.hidden_size});
      vector("router_softmax", OperatorKind::softmax, logits);
    }
    const bool gated = t_.mlp == Mlp::gated;
    if (gated) {
      expert_gemm("gate_proj", pairs, t_.intermediate_size, t_.hidden_size, ResultUse::activation);
    }
    expert_gemm("up_proj", pairs, t_.intermediate_size, t_.hidden_size,
                gated ? ResultUse::vector : ResultUse::activation);
    const ResultUse last = t_.sublayer_norms ? ResultUse::vector : ResultUse::gemm;
    vector("mlp_activation", OperatorKind::activation, wide, gated ? ResultUse::vector : last);
    if (gated) vector("mlp_multiply", OperatorKind::multiply, wide, last);
    if (t_.sublayer_norms) vector("mlp_sublayer_norm", OperatorKind::norm, wide, ResultUse::gemm);
    expert_gemm("down_proj", pairs, t_.hidden_size, t_.intermediate_size);
    if (t_.has_experts()) {
      vector("expert_scale", OperatorKind::multiply, elements({pairs, t_.hidden_size}));
      vector("expert_sum", OperatorKind::add, elements({pairs, t_.hidden_size}));
    }
  }

  // `pairs` rows spread evenly over the experts: some get one more than the others.
  void expert_gemm(const std::string& name, std::uint64_t pairs, std::uint64_t n, std::uint64_t k,
                   ResultUse results = ResultUse::vector) {
    const std::uint64_t fewest = pairs / t_.num_local_experts;
    const std::uint64_t with_one_more = pairs % t_.num_local_experts;
    if (with_one_more > 0) {
      gemm(name, OperatorClass::linear, {fewest + 1, n, k}, with_one_more, results);
    }
    if (fewest > 0) {
      gemm(name, OperatorClass::linear, {fewest, n, k}, t_.num_local_experts - with_one_more,
           results);
    }
  }

  const Transformer& t_;
  std::vector<Operator>& operators_;
  std::uint64_t repeat_ = 1;
};

// ---- phases

constexpr std::uint64_t kUsualSequence = 2048;
constexpr std::uint64_t kMostChunks = 1024;

std::uint64_t sequence_of(const Transformer& t, const PhaseOptions& options) {
  if (t.architecture != Architecture::vision) {
    if (options.sequence != 0) return options.sequence;
    return t.longest_sequence() == 0 ? kUsualSequence
                                     : std::min(kUsualSequence, t.longest_sequence());
  }
  const std::uint64_t tokens = t.patches() + 1;  // and the class token
  if (options.sequence == 0 || options.sequence == tokens) return tokens;
  throw UserError(
      fmt::format("--seq {}: {} sees {} tokens, its patches and the class token; leave "
                  "--seq out",
                  options.sequence, t.model, tokens));
}

void require_fit(const Transformer& t, const PhaseOptions& options, std::uint64_t sequence) {
  std::vector<std::string> problems;
  if (options.phase == Phase::decode && t.architecture != Architecture::decoder) {
    problems.push_back(fmt::format("--phase decode: {} is no decoder; use prefill", t.model));
  }
  if (options.chunk != 0 && options.phase == Phase::decode) {
    problems.push_back("--chunk: only a prefill comes in chunks");
  }
  if (options.chunk != 0 && t.architecture != Architecture::decoder) {
    problems.push_back(
        fmt::format("--chunk: {} attends in both directions, it needs the whole "
                    "sequence at once",
                    t.model));
  }
  if (options.chunk != 0 && (sequence - 1) / options.chunk >= kMostChunks) {
    problems.push_back(fmt::format("--chunk {}: more than {} chunks", options.chunk, kMostChunks));
  }
  if (t.longest_sequence() != 0 && sequence > t.longest_sequence()) {
    problems.push_back(fmt::format("--seq {}: {} takes at most {} tokens", sequence, t.model,
                                   t.longest_sequence()));
  }
  if (!problems.empty()) throw UserError(problems);
}

std::vector<Pass> passes_of(const PhaseOptions& options, std::uint64_t sequence) {
  if (options.phase == Phase::decode) return {{1, sequence, options.batch, 1}};
  const std::uint64_t chunk = options.chunk == 0 ? sequence : std::min(options.chunk, sequence);
  std::vector<Pass> passes;
  for (std::uint64_t begin = 0; begin < sequence; begin += chunk) {
    const std::uint64_t end = std::min(begin + chunk, sequence);
    passes.push_back({end - begin, end, options.batch, 1});
  }
  return passes;
}

}  // namespace

const ParameterTable<Transformer>& transformer_parameters() {
  static const ParameterTable<Transformer> table = make_table();
  return table;
}

Transformer load_transformer(const std::filesystem::path& path) {
  Diagnostics diagnostics;
  Transformer model = transformer_parameters().read(yaml::read(path, diagnostics), diagnostics);
  diagnostics.throw_if_any();
  return model;
}

std::uint64_t parameter_count(const Transformer& t) {
  const std::uint64_t h = t.hidden_size;
  const std::uint64_t norm = h * (t.norm == NormKind::layer ? 2 : 1);
  const std::uint64_t tables = (t.vocab_size + t.position_embeddings + t.token_types) * h;
  const std::uint64_t patches =
      t.architecture == Architecture::vision
          ? t.num_channels * t.patch_size * t.patch_size * h + h + h  // bias, class token
          : 0;
  return t.num_hidden_layers * layer_parameters(t) + tables + patches +
         (t.embedding_norm ? norm : 0) + (t.final_norm ? norm : 0) + head_parameters(t);
}

Workload transformer_workload(const Transformer& t, const PhaseOptions& options) {
  const std::uint64_t sequence = sequence_of(t, options);
  require_fit(t, options, sequence);
  Workload workload;
  workload.name =
      fmt::format("{} {} sequence {} batch {}", t.model,
                  options.phase == Phase::prefill ? "prefill" : "decode", sequence, options.batch);
  if (options.chunk != 0) workload.name += fmt::format(" in chunks of {}", options.chunk);

  const std::vector<Pass> passes = passes_of(options, sequence);
  OperatorList list(t, workload.operators);
  for (const Pass& pass : passes) list.add_embedding(pass);
  for (const Pass& pass : passes) list.add_layers(pass);
  list.add_head(options.batch, sequence);
  return workload;
}

}  // namespace bitsmith
