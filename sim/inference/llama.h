// The forward pass of the Llama family in FP32, layer by layer: RMS norm, rotary position
// embedding, causal grouped-query attention, gated MLP with SiLU.
//
// Sources: H. Touvron et al., LLaMA, arXiv 2302.13971, section 2.2; the order of a head's features
// under rotation is that of Hugging Face's files, where feature i turns with feature i + d/2
// (modeling_llama.py, rotate_half). Norms and softmax are computed in FP32 as there.
//
// A layer works on all windows of tokens at once, so that its weights are read once: memory is the
// hidden states of all tokens, the weights of one layer and, per thread, what one window needs.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "inference/arithmetic.h"
#include "workload/imported_model.h"

namespace bitsmith {

// Tokens that see each other, by their place among all tokens.
struct Window {
  std::size_t first = 0;
  std::size_t size = 0;
};

class Llama {
 public:
  // Throws UserError with all that this pass does not do: other families and activations, biases,
  // scaled rotations; and when there are no weights or one has another shape. `model` must outlive
  // this.
  explicit Llama(const ImportedModel& model);

  const Transformer& shape() const { return model_.transformer; }
  // Of a window; 0: any.
  std::uint64_t longest_window() const;

  // Throws UserError when the attention's scores of the windows that run at once take more memory
  // than there is: their size grows with the square of a window's.
  void require_memory_of(std::span<const Window> windows, unsigned threads) const;

  // Hidden states [tokens, hidden_size]. Throws UserError for a token beyond the vocabulary.
  FloatMatrix embed(std::span<const std::uint32_t> tokens) const;
  void run_layer(std::size_t layer, std::span<const Window> windows, const Arithmetic& arithmetic,
                 unsigned threads, FloatMatrix& hidden) const;

  // What makes logits of the hidden states after the last layer.
  class Head {
   public:
    // [rows, hidden_size] after the final norm.
    FloatMatrix normed(FloatView hidden) const;
    // [rows, vocab_size].
    FloatMatrix logits(FloatView hidden, const Arithmetic& arithmetic) const;

   private:
    friend class Llama;
    std::vector<float> gain_;
    float epsilon_ = 0;
    std::uint64_t vocabulary_ = 0;
    std::unique_ptr<const Arithmetic::Weights> weights_;
  };
  Head head(const Arithmetic& arithmetic) const;

 private:
  struct Layer;
  FloatMatrix read(const std::string& name, std::uint64_t rows, std::uint64_t cols) const;
  std::vector<float> read_gain(const std::string& name) const;
  std::string head_tensor() const;
  void require_shapes() const;
  Layer read_layer(std::size_t layer, const Arithmetic& arithmetic) const;
  void run_window(const Layer& layer, const Arithmetic& arithmetic, MatrixView<float> x) const;
  FloatMatrix attend(const Layer& layer, const Arithmetic& arithmetic, const FloatMatrix& q,
                     const FloatMatrix& k, const FloatMatrix& v) const;

  const ImportedModel& model_;
  std::vector<float> frequencies_;  // of a head's rotations, in radians per token
};

}  // namespace bitsmith
