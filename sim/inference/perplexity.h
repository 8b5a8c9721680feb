// Perplexity: how well a model predicts a text, exp of the mean negative log-likelihood.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "inference/llama.h"

namespace bitsmith {

// Throws UserError unless the tokens of the model are bytes: there is no tokenizer here.
void require_byte_vocabulary(const Llama& model);
// Throws UserError when a token of the model sees only itself: nothing predicts it.
void require_prediction(const Llama& model);
// A file's bytes as the tokens of a model over bytes, the first `limit` of them.
std::vector<std::uint32_t> read_bytes(const std::filesystem::path& file, std::uint64_t limit);
// Tokens that a tokenizer made: decimal numbers between white space, the first `limit` of them.
// Throws UserError, located in the file.
std::vector<std::uint32_t> read_tokens(const std::filesystem::path& file, std::uint64_t limit);

// Consecutive windows of `size` tokens; a shorter one at the end counts unless it is a single
// token, which has nothing to predict it by. Throws UserError when there is none.
std::vector<Window> cut_windows(std::size_t tokens, std::size_t size);

struct PredictionLoss {
  double nats = 0;  // negative log-likelihood, summed
  std::uint64_t predicted = 0;

  double perplexity() const;
  // Of a model over bytes.
  double bits_per_byte() const;
};

// Called before every layer, and with the number of layers before the head.
using LayerProgress = std::function<void(std::size_t layer)>;

// Predicts every token of a window but its first from those before it in the window. The same for
// any number of threads. Throws UserError when the perplexity is no finite number.
PredictionLoss predict(const Llama& model, std::span<const std::uint32_t> tokens,
                       std::span<const Window> windows, const Arithmetic& arithmetic,
                       unsigned threads, const LayerProgress& progress = {});

}  // namespace bitsmith
