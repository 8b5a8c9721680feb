#include "inference/perplexity.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>
#include <numeric>

#include "common/error.h"
#include "common/file.h"
#include "common/mapped_file.h"
#include "common/parallel.h"
#include "common/text.h"

namespace bitsmith {
namespace {

// -log of the probability that a softmax of the logits gives the token.
double negative_log_likelihood(std::span<const float> logits, std::uint32_t token) {
  const double highest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - highest);
  return highest + std::log(sum) - logits[token];
}

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

}  // namespace

void require_byte_vocabulary(const Llama& model) {
  constexpr std::uint64_t kByteValues = 256;
  if (model.shape().vocab_size == kByteValues) return;
  throw UserError(fmt::format(
      "--text: the {} tokens of {} are no bytes, and Bitsmith has no tokenizer: `bitsmith "
      "perplexity` takes the numbers that the model's own makes of a text with --tokens",
      model.shape().vocab_size, model.shape().model));
}

void require_prediction(const Llama& model) {
  if (model.longest_window() != 1) return;
  throw UserError(fmt::format("{}: a token sees only itself, so that nothing predicts it",
                              model.shape().model));
}

std::vector<std::uint32_t> read_bytes(const std::filesystem::path& file, std::uint64_t limit) {
  const MappedFile mapped(file);
  const auto bytes = mapped.bytes().first(std::min<std::uint64_t>(limit, mapped.bytes().size()));
  std::vector<std::uint32_t> tokens;
  tokens.reserve(bytes.size());
  for (const std::byte byte : bytes) tokens.push_back(std::to_integer<std::uint32_t>(byte));
  return tokens;
}

std::vector<std::uint32_t> read_tokens(const std::filesystem::path& file, std::uint64_t limit) {
  constexpr std::size_t kLargestFile = std::size_t{1} << 30;
  constexpr std::size_t kLongestWord = 100;
  const std::string text = read_file(file, kLargestFile);
  std::vector<std::uint32_t> tokens;
  int line = 1;
  std::size_t line_begin = 0;
  for (std::size_t i = 0; i < text.size() && tokens.size() < limit;) {
    if (text[i] == '\n') {
      ++line;
      line_begin = i + 1;
    }
    if (is_space(text[i])) {
      ++i;
      continue;
    }
    const std::size_t begin = i;
    while (i < text.size() && !is_space(text[i])) ++i;
    const std::string_view word(text.data() + begin, i - begin);
    std::uint32_t token = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), token);
    if (error != std::errc() || end != word.data() + word.size()) {
      throw UserError(
          fmt::format("{}:{}:{}: '{}' is no token: expected numbers, 0 or more, "
                      "between white space",
                      file.string(), line, begin - line_begin + 1, printable(word, kLongestWord)));
    }
    tokens.push_back(token);
  }
  return tokens;
}

std::vector<Window> cut_windows(std::size_t tokens, std::size_t size) {
  check(size >= 2, "a window of one token predicts nothing");
  std::vector<Window> windows;
  for (std::size_t first = 0; first + 1 < tokens; first += size) {
    windows.push_back({first, std::min(size, tokens - first)});
  }
  if (windows.empty()) {
    throw UserError(fmt::format("{} tokens: at least 2 are needed to predict one", tokens));
  }
  return windows;
}

double PredictionLoss::perplexity() const {
  return std::exp(nats / static_cast<double>(predicted));
}

double PredictionLoss::bits_per_byte() const {
  return nats / static_cast<double>(predicted) / std::numbers::ln2;
}

PredictionLoss predict(const Llama& model, std::span<const std::uint32_t> tokens,
                       std::span<const Window> windows, const Arithmetic& arithmetic,
                       unsigned threads, const LayerProgress& progress) {
  const auto tell = [&](std::size_t layer) {
    if (progress) progress(layer);
  };
  FloatMatrix hidden = model.embed(tokens);
  const std::size_t layers = model.shape().num_hidden_layers;
  for (std::size_t layer = 0; layer < layers; ++layer) {
    tell(layer);
    model.run_layer(layer, windows, arithmetic, threads, hidden);
  }
  tell(layers);
  const Llama::Head head = model.head(arithmetic);
  std::vector<double> nats(windows.size());
  parallel_for(windows.size(), threads, [&](std::size_t i) {
    const Window& window = windows[i];
    // The last token predicts none of the window; it takes part as activations are quantized.
    const FloatMatrix logits = head.logits(hidden.part(window.first, window.size), arithmetic);
    for (std::size_t row = 0; row + 1 < window.size; ++row) {
      nats[i] +=
          negative_log_likelihood(row_of(logits.view(), row), tokens[window.first + row + 1]);
    }
  });
  PredictionLoss loss;
  loss.nats = std::accumulate(nats.begin(), nats.end(), 0.0);
  for (const Window& window : windows) loss.predicted += window.size - 1;
  if (!std::isfinite(loss.perplexity())) {
    throw UserError(
        fmt::format("{}: the perplexity is {}: a weight is no finite number, or values "
                    "of the forward pass are too large",
                    model.shape().model, loss.perplexity()));
  }
  return loss;
}

}  // namespace bitsmith
