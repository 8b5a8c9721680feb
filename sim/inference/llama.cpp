#include "inference/llama.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "common/error.h"
#include "common/memory.h"
#include "common/parallel.h"

namespace bitsmith {
namespace {

std::vector<std::string> not_llama(const ImportedModel& model) {
  const Transformer& t = model.transformer;
  std::vector<std::string> problems = model.unmodelled;
  const auto refuse_if = [&](bool refused, const std::string& why) {
    if (refused) problems.push_back(fmt::format("{}: no forward pass: {}", t.model, why));
  };
  refuse_if(model.architecture != "llama" && model.architecture != "mistral",
            fmt::format("a model of type '{}'; llama and mistral work", model.architecture));
  if (!problems.empty()) return problems;
  refuse_if(model.hidden_activation != "silu",
            fmt::format("activation '{}'; silu works", model.hidden_activation));
  refuse_if(t.attention_bias || t.mlp_bias || t.lm_head_bias, "biases are not added");
  refuse_if(t.head_dim % 2 != 0 || (t.rotary_dim != 0 && t.rotary_dim != t.head_dim),
            "a rotation turns all of a head's features, an even number");
  refuse_if(!(model.rotary_base > 0),
            fmt::format("rotations of base {}; a number above 0 works", model.rotary_base));
  refuse_if(t.has_experts(), "a token takes all of one MLP, experts are not chosen");
  refuse_if(model.weights == nullptr, "there are no weights: name the folder that holds them");
  return problems;
}

void normalize(FloatView x, std::span<const float> gain, float epsilon, MatrixView<float> y) {
  for (std::size_t row = 0; row < x.rows; ++row) {
    double squares = 0;
    for (const double value : row_of(x, row)) squares += value * value;
    const auto mean = static_cast<float>(squares / static_cast<double>(x.cols));
    const float factor = 1 / std::sqrt(mean + epsilon);
    for (std::size_t i = 0; i < x.cols; ++i) y(row, i) = gain[i] * (x(row, i) * factor);
  }
}

// Turns features i and i + d/2 of every head by position x frequency i.
void rotate(std::span<const float> frequencies, MatrixView<float> x) {
  const std::size_t half = frequencies.size();
  for (std::size_t position = 0; position < x.rows; ++position) {
    for (std::size_t i = 0; i < half; ++i) {
      const float angle = static_cast<float>(position) * frequencies[i];
      const float cosine = std::cos(angle);
      const float sine = std::sin(angle);
      for (std::size_t head = 0; head < x.cols; head += 2 * half) {
        float& low = x(position, head + i);
        float& high = x(position, head + i + half);
        const float turned = low * cosine - high * sine;
        high = high * cosine + low * sine;
        low = turned;
      }
    }
  }
}

// Softmax of the scores up to the token itself; what comes after it gets probability 0.
void causal_softmax(std::span<float> scores, std::size_t token, float scale) {
  const std::span seen = scores.first(token + 1);
  float highest = -std::numeric_limits<float>::infinity();
  for (float& score : seen) {
    score *= scale;
    highest = std::max(highest, score);
  }
  double sum = 0;
  for (float& score : seen) {
    score = std::exp(score - highest);
    sum += score;
  }
  const auto factor = static_cast<float>(1 / sum);
  for (float& score : seen) score *= factor;
  std::fill(scores.begin() + static_cast<std::ptrdiff_t>(token) + 1, scores.end(), 0.0F);
}

// Columns of x from `first` on, `width` of them, under the rows from `row` of `y`.
void copy_columns(const FloatMatrix& x, std::size_t first, std::size_t width, FloatMatrix& y,
                  std::size_t row) {
  for (std::size_t i = 0; i < x.rows; ++i) {
    std::copy_n(row_of(x.view(), i).data() + first, width, row_of(y.out(), row + i).data());
  }
}

// y += x.
void add(const FloatMatrix& x, MatrixView<float> y) {
  for (std::size_t row = 0; row < x.rows; ++row) {
    for (std::size_t i = 0; i < x.cols; ++i) y(row, i) += x.view()(row, i);
  }
}

std::string layer_tensor(std::size_t layer, std::string_view name) {
  return fmt::format("model.layers.{}.{}.weight", layer, name);
}

constexpr GemmSite kHeadSite{0, "lm_head", OperatorClass::lm_head, 0};
constexpr std::string_view kEmbedding = "model.embed_tokens.weight";
constexpr std::string_view kFinalNorm = "model.norm.weight";

}  // namespace

// The weights of a GEMM of a layer.
struct Llama::Layer {
  struct Gemm {
    GemmSite site;
    std::uint64_t n;
    std::unique_ptr<const Arithmetic::Weights> weights;

    FloatMatrix operator()(const Arithmetic& arithmetic, FloatView a) const {
      FloatMatrix y(a.rows, n);
      arithmetic.multiply(site, a, *weights, y.out());
      return y;
    }
  };
  std::size_t number = 0;
  std::vector<float> attention_gain, mlp_gain;
  Gemm q, k, v, o, gate, up, down;
};

Llama::Llama(const ImportedModel& model) : model_(model) {
  if (const auto problems = not_llama(model); !problems.empty()) throw UserError(problems);
  require_shapes();
  const std::uint64_t d = shape().head_dim;
  for (std::uint64_t i = 0; i < d; i += 2) {
    const float exponent = static_cast<float>(i) / static_cast<float>(d);
    frequencies_.push_back(1 / std::pow(static_cast<float>(model.rotary_base), exponent));
  }
}

std::uint64_t Llama::longest_window() const {
  const std::uint64_t positions = shape().longest_sequence();
  const std::uint64_t sliding = model_.sliding_window;
  if (positions == 0 || sliding == 0) return std::max(positions, sliding);
  return std::min(positions, sliding);
}

void Llama::require_memory_of(std::span<const Window> windows, unsigned threads) const {
  const std::size_t at_once = std::min<std::size_t>(windows.size(), threads);
  std::size_t longest = 0;
  for (const Window& window : windows) longest = std::max(longest, window.size);
  const auto tokens = static_cast<double>(longest);
  require_memory(
      fmt::format("the attention's scores of {} windows of {} tokens", at_once, longest),
      static_cast<double>(at_once * shape().num_attention_heads) * tokens * tokens * sizeof(float));
}

std::string Llama::head_tensor() const {
  return std::string(shape().tie_word_embeddings ? kEmbedding : "lm_head.weight");
}

void Llama::require_shapes() const {
  const Transformer& t = shape();
  std::vector<std::string> problems;
  const auto require = [&](std::string_view name, std::vector<std::uint64_t> wanted) {
    try {
      const StoredTensor& tensor = model_.weights->info(name);
      if (tensor.shape == wanted) return;
      problems.push_back(fmt::format("{}: tensor '{}' is [{}], expected [{}]", t.model, name,
                                     fmt::join(tensor.shape, ", "), fmt::join(wanted, ", ")));
    } catch (const UserError& error) {
      problems.insert(problems.end(), error.messages().begin(), error.messages().end());
    }
  };
  const std::uint64_t h = t.hidden_size;
  require(kEmbedding, {t.vocab_size, h});
  for (std::size_t i = 0; i < t.num_hidden_layers; ++i) {
    require(layer_tensor(i, "input_layernorm"), {h});
    require(layer_tensor(i, "self_attn.q_proj"), {t.query_size(), h});
    require(layer_tensor(i, "self_attn.k_proj"), {t.key_value_size(), h});
    require(layer_tensor(i, "self_attn.v_proj"), {t.key_value_size(), h});
    require(layer_tensor(i, "self_attn.o_proj"), {h, t.query_size()});
    require(layer_tensor(i, "post_attention_layernorm"), {h});
    require(layer_tensor(i, "mlp.gate_proj"), {t.intermediate_size, h});
    require(layer_tensor(i, "mlp.up_proj"), {t.intermediate_size, h});
    require(layer_tensor(i, "mlp.down_proj"), {h, t.intermediate_size});
  }
  require(kFinalNorm, {h});
  require(head_tensor(), {t.vocab_size, h});
  if (!problems.empty()) throw UserError(problems);
}

FloatMatrix Llama::read(const std::string& name, std::uint64_t rows, std::uint64_t cols) const {
  FloatMatrix matrix(rows, cols);
  model_.weights->read(name, 0, matrix.values);
  return matrix;
}

std::vector<float> Llama::read_gain(const std::string& name) const {
  return read(name, 1, shape().hidden_size).values;
}

FloatMatrix Llama::embed(std::span<const std::uint32_t> tokens) const {
  FloatMatrix hidden(tokens.size(), shape().hidden_size);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] >= shape().vocab_size) {
      throw UserError(fmt::format("token {} is {}; the vocabulary of {} has {} tokens", i,
                                  tokens[i], shape().model, shape().vocab_size));
    }
    model_.weights->read(kEmbedding, tokens[i] * hidden.cols, row_of(hidden.out(), i));
  }
  return hidden;
}

Llama::Layer Llama::read_layer(std::size_t number, const Arithmetic& arithmetic) const {
  const Transformer& t = shape();
  const auto gemm = [&](std::string_view module, std::string_view name, std::uint64_t n,
                        std::uint64_t k) {
    Layer::Gemm result{{number, name, OperatorClass::linear, 0}, n, nullptr};
    FloatMatrix w = read(layer_tensor(number, fmt::format("{}.{}", module, name)), n, k);
    result.weights = arithmetic.prepare(result.site, std::move(w));
    return result;
  };
  const std::uint64_t h = t.hidden_size;
  return {number,
          read_gain(layer_tensor(number, "input_layernorm")),
          read_gain(layer_tensor(number, "post_attention_layernorm")),
          gemm("self_attn", "q_proj", t.query_size(), h),
          gemm("self_attn", "k_proj", t.key_value_size(), h),
          gemm("self_attn", "v_proj", t.key_value_size(), h),
          gemm("self_attn", "o_proj", h, t.query_size()),
          gemm("mlp", "gate_proj", t.intermediate_size, h),
          gemm("mlp", "up_proj", t.intermediate_size, h),
          gemm("mlp", "down_proj", h, t.intermediate_size)};
}

void Llama::run_layer(std::size_t number, std::span<const Window> windows,
                      const Arithmetic& arithmetic, unsigned threads, FloatMatrix& hidden) const {
  const Layer layer = read_layer(number, arithmetic);
  parallel_for(windows.size(), threads, [&](std::size_t i) {
    run_window(layer, arithmetic, hidden.out_part(windows[i].first, windows[i].size));
  });
}

void Llama::run_window(const Layer& layer, const Arithmetic& arithmetic,
                       MatrixView<float> x) const {
  const FloatView input{x.data, x.rows, x.cols, x.stride};
  const auto epsilon = static_cast<float>(model_.norm_epsilon);
  FloatMatrix normed(x.rows, x.cols);
  normalize(input, layer.attention_gain, epsilon, normed.out());
  FloatMatrix q = layer.q(arithmetic, normed.view());
  FloatMatrix k = layer.k(arithmetic, normed.view());
  const FloatMatrix v = layer.v(arithmetic, normed.view());
  rotate(frequencies_, q.out());
  rotate(frequencies_, k.out());
  const FloatMatrix attended = attend(layer, arithmetic, q, k, v);
  add(layer.o(arithmetic, attended.view()), x);

  normalize(input, layer.mlp_gain, epsilon, normed.out());
  FloatMatrix gate = layer.gate(arithmetic, normed.view());
  const FloatMatrix up = layer.up(arithmetic, normed.view());
  for (std::size_t i = 0; i < gate.values.size(); ++i) {
    float& value = gate.values[i];
    value = value / (1 + std::exp(-value)) * up.values[i];
  }
  add(layer.down(arithmetic, gate.view()), x);
}

// The query heads of a key-value head are one GEMM, head after head.
FloatMatrix Llama::attend(const Layer& layer, const Arithmetic& arithmetic, const FloatMatrix& q,
                          const FloatMatrix& k, const FloatMatrix& v) const {
  const std::size_t tokens = q.rows;
  const std::size_t d = shape().head_dim;
  const std::size_t heads = shape().num_key_value_heads;
  const std::size_t shared = shape().num_attention_heads / heads;
  const float scale = 1 / std::sqrt(static_cast<float>(d));

  std::vector<FloatMatrix> scores(heads, FloatMatrix(shared * tokens, tokens));
  for (std::size_t head = 0; head < heads; ++head) {
    FloatMatrix queries(shared * tokens, d);
    for (std::size_t i = 0; i < shared; ++i) {
      copy_columns(q, (head * shared + i) * d, d, queries, i * tokens);
    }
    FloatMatrix keys(tokens, d);
    copy_columns(k, head * d, d, keys, 0);
    const GemmSite site{layer.number, "attention_qk", OperatorClass::attention_qk, head};
    arithmetic.multiply(site, queries.view(), *arithmetic.prepare(site, std::move(keys)),
                        scores[head].out());
  }
  for (FloatMatrix& one : scores) {
    for (std::size_t row = 0; row < one.rows; ++row) {
      causal_softmax(row_of(one.out(), row), row % tokens, scale);
    }
  }
  FloatMatrix attended(tokens, shape().query_size());
  for (std::size_t head = 0; head < heads; ++head) {
    FloatMatrix values(d, tokens);
    for (std::size_t i = 0; i < tokens; ++i) {
      for (std::size_t j = 0; j < d; ++j) values.out()(j, i) = v.view()(i, head * d + j);
    }
    const GemmSite site{layer.number, "attention_pv", OperatorClass::attention_pv, head};
    FloatMatrix result(shared * tokens, d);
    arithmetic.multiply(site, scores[head].view(), *arithmetic.prepare(site, std::move(values)),
                        result.out());
    for (std::size_t row = 0; row < result.rows; ++row) {
      const std::size_t query_head = head * shared + row / tokens;
      std::copy_n(row_of(result.view(), row).data(), d,
                  row_of(attended.out(), row % tokens).data() + query_head * d);
    }
  }
  return attended;
}

Llama::Head Llama::head(const Arithmetic& arithmetic) const {
  Head head;
  head.gain_ = read_gain(std::string(kFinalNorm));
  head.epsilon_ = static_cast<float>(model_.norm_epsilon);
  head.vocabulary_ = shape().vocab_size;
  head.weights_ =
      arithmetic.prepare(kHeadSite, read(head_tensor(), shape().vocab_size, shape().hidden_size));
  return head;
}

FloatMatrix Llama::Head::normed(FloatView hidden) const {
  FloatMatrix result(hidden.rows, hidden.cols);
  normalize(hidden, gain_, epsilon_, result.out());
  return result;
}

FloatMatrix Llama::Head::logits(FloatView hidden, const Arithmetic& arithmetic) const {
  const FloatMatrix input = normed(hidden);
  FloatMatrix result(hidden.rows, vocabulary_);
  arithmetic.multiply(kHeadSite, input.view(), *weights_, result.out());
  return result;
}

}  // namespace bitsmith
