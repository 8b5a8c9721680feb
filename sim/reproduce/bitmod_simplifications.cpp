#include <array>

#include "reproduce/bitmod_paper.h"

namespace bitsmith::reproduce::bitmod {
namespace {

constexpr std::array kSimplifications = {
    Simplification{
        "array",
        "no fill, no drain and no gap between tiles: a tile takes inputs / dot product cycles, "
        "times those of a weight",
        "every cycle of the verified array, filling and draining; FP16: a systolic array, skewed"},
    Simplification{"edge tiles", "take as long as whole ones",
                   "have fewer rows and columns; the tokens of their K take as long"},
    Simplification{"dequantisation",
                   "never stalls, and the shares of scales cost bits in memory only",
                   "scales travel with their weights, INT8 and select per 128, and stall where a "
                   "group is too short"},
    Simplification{"decoders",
                   "ANT's and OliVe's decoding, and fractions of bits (5.5, 3.875), cost no cycles",
                   "none: no such array here"},
    Simplification{"overlap",
                   "perfect: a layer takes the longer of computing and DRAM traffic, with nothing "
                   "fetched ahead for the next layer",
                   "operands of the next block are loaded while one computes; the first load and "
                   "the last store of an operator are not hidden"},
    Simplification{"DRAM", "the peak of 256 bits per cycle, always; no latency, refresh or rows",
                   "the same peak and 27.5 ns, in accesses of 64 bytes; no refresh or rows either"},
    Simplification{
        "refetch",
        "only if weights and inputs both overflow their 512 KB: then for each buffer full of one "
        "the other is read whole, the way with less traffic",
        "buffers of 512 KB are two halves that each hold a block, with whole K or of one tile "
        "whose sums stay in the array: longer K is fetched again for every tile. 32 rows of FP16 "
        "fit up to K = 4096: Llama-2-13B and wide MLPs pay for the rest"},
    Simplification{"outputs",
                   "written once with 16 bits, also between layers that could keep them on chip; "
                   "sums never go to memory",
                   "the same, through a result buffer of 128 KB beside the paper's two"},
    Simplification{"KV cache",
                   "16 bits in memory on every accelerator, while a bit-serial PE takes the cycles "
                   "of its weight precision for queries and scores",
                   "keys and values are the weights, in the array's format in memory and PEs, with "
                   "scales: int6, fp4 or fp3; queries and probabilities are FP16. Quantizing keys "
                   "and values costs the conversion of results alone"},
    Simplification{"scores (QK)",
                   "a score takes hidden MACs, as many as all heads have; in decode one score per "
                   "head is computed, whatever the context",
                   "head_dim MACs; in decode 256 scores per head"},
    Simplification{"scores, traffic",
                   "keys are read again for each query of each head, heads x P rows of KV "
                   "features; heads x P x P scores are written, in decode one per head",
                   "keys of a head are read once or as the mapping has it; all scores are written"},
    Simplification{"values (PV)",
                   "each token gets heads x P results of 256 MACs, not hidden; only P rows of "
                   "values are read, in decode one, not 256",
                   "each token gets hidden results of 256 MACs; all 256 rows are read"},
    Simplification{"values, traffic",
                   "heads x P x P results are written, not P x hidden; how often the scores are "
                   "fetched goes by those P rows of values",
                   "P x hidden results"},
    Simplification{"vocabulary", "the projection is computed for all tokens of a prompt",
                   "for the last token"},
    Simplification{"left out",
                   "softmax, norms, activations, rotary embedding, residuals and the look-up of "
                   "embeddings take no cycles",
                   "they take cycles of a vector unit of 64 lanes, which `exact` leaves out and "
                   "its note adds; an MLP's activation goes with the results"},
    Simplification{"generation",
                   "every decoded token attends to 256 tokens; the context does not grow", ""},
};

}  // namespace

std::span<const Simplification> simplifications() { return kSimplifications; }

}  // namespace bitsmith::reproduce::bitmod
