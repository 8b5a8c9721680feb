#include "workload/transformer.h"

namespace bitsmith {
namespace {

constexpr IntegerRange kWidth{1, std::int64_t{1} << 20};
constexpr IntegerRange kVocabulary{1, std::int64_t{1} << 24};

ParameterTable<Transformer> make_table() {
  using T = Transformer;
  ParameterTable<T> table;
  table.text("model", &T::model, "the model's name").required();
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
  table.integer("vocab_size", &T::vocab_size, kVocabulary, "tokens", "rows of the embedding")
      .required();
  table.choice("mlp", &T::mlp, {{"plain", Mlp::plain}, {"gated", Mlp::gated}},
               "up and down projections, or gate, up and down");
  table.flag("tie_word_embeddings", &T::tie_word_embeddings,
             "the vocabulary projection is the embedding");
  table.text("source", &T::source, "where the dimensions are published").required();
  table.rule("num_key_value_heads", [](const T& t) -> std::optional<std::string> {
    if (t.num_attention_heads % t.num_key_value_heads == 0) return std::nullopt;
    return fmt::format("{} query heads are not a multiple of {} key-value heads",
                       t.num_attention_heads, t.num_key_value_heads);
  });
  return table;
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
  const std::uint64_t query = t.num_attention_heads * t.head_dim;
  const std::uint64_t key_value = t.num_key_value_heads * t.head_dim;
  const std::uint64_t attention = t.hidden_size * (2 * query + 2 * key_value);
  const std::uint64_t mlp = (t.mlp == Mlp::gated ? 3 : 2) * t.hidden_size * t.intermediate_size;
  const std::uint64_t norms = 2 * t.hidden_size;
  const std::uint64_t embeddings = (t.tie_word_embeddings ? 1 : 2) * t.vocab_size * t.hidden_size;
  return t.num_hidden_layers * (attention + mlp + norms) + embeddings + t.hidden_size;
}

Workload transformer_workload(const Transformer& t, const PhaseOptions& options) {
  const bool prefill = options.phase == Phase::prefill;
  const std::uint64_t new_tokens = prefill ? options.sequence : 1;  // of one sequence
  const std::uint64_t rows = new_tokens * options.batch;
  const std::uint64_t queries_per_kv_head = t.num_attention_heads / t.num_key_value_heads;
  const std::uint64_t query = t.num_attention_heads * t.head_dim;
  const std::uint64_t key_value = t.num_key_value_heads * t.head_dim;
  const std::uint64_t score_rows = new_tokens * queries_per_kv_head;
  const std::uint64_t heads = t.num_key_value_heads * options.batch;

  Workload workload;
  workload.name = fmt::format("{} {} sequence {} batch {}", t.model, prefill ? "prefill" : "decode",
                              options.sequence, options.batch);
  const auto add = [&](std::string name, GemmShape gemm, std::uint64_t count = 1) {
    workload.operators.push_back({std::move(name), gemm, count, t.num_hidden_layers});
  };
  add("q_proj", {rows, query, t.hidden_size});
  add("k_proj", {rows, key_value, t.hidden_size});
  add("v_proj", {rows, key_value, t.hidden_size});
  add("attention_qk", {score_rows, options.sequence, t.head_dim}, heads);
  add("attention_pv", {score_rows, t.head_dim, options.sequence}, heads);
  add("o_proj", {rows, t.hidden_size, query});
  if (t.mlp == Mlp::gated) add("gate_proj", {rows, t.intermediate_size, t.hidden_size});
  add("up_proj", {rows, t.intermediate_size, t.hidden_size});
  add("down_proj", {rows, t.hidden_size, t.intermediate_size});
  workload.operators.push_back({"lm_head", {options.batch, t.vocab_size, t.hidden_size}, 1, 1});
  return workload;
}

}  // namespace bitsmith
