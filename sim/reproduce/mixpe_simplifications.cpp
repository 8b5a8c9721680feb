#include <array>

#include "reproduce/mixpe_paper.h"

namespace bitsmith::reproduce::mixpe {
namespace {

constexpr std::array kSimplifications = {
    Simplification{"W4A8",
                   "both operands enter with 4 bits: two activations of 8 bits are multiplied at a "
                   "time, and fetched as if they had 4"},
    Simplification{"W4A16",
                   "both operands enter with 8 bits: weights of 4 are fetched with twice, "
                   "activations of 16 with half their bits"},
    Simplification{"dequantisation of weights",
                   "on ANT, BitFusion, INT8 and FP16 a GEMM of inputs x outputs / 8 before every "
                   "layer, for the whole batch: batch / 8 products per weight, eight, where one "
                   "would do"},
    Simplification{"dequantisation, FP16",
                   "weights of FP16 have no scales, and pay for it all the same"},
    Simplification{"dequantisation of results",
                   "on MixPE a GEMM of inputs / 8 x outputs / 128 after every layer, for the whole "
                   "batch: an eighth of the one product per group of 128 and result, but on a few "
                   "columns of the array, which does nothing else meanwhile"},
    Simplification{"Llama-2-13B",
                   "has a plain MLP of 20480; the real model has a gated one of 13824"},
    Simplification{"ViT-Huge", "has patches of 16 x 16 pixels; the real one has 14 x 14"},
    Simplification{"one token",
                   "of each sequence; a vision transformer has as many patches as pixels demand in "
                   "its first layer, then one per image"},
    Simplification{"left out",
                   "scores, values and softmax of attention, KV cache, norms, activations, "
                   "residuals, embeddings, classifier and vocabulary take no cycles"},
    Simplification{
        "precision of ANT and BitFusion",
        "a list per network: whole blocks of ANT, on BitFusion nothing but projections of "
        "attention have 4 bits, the other layers 8"},
    Simplification{"array",
                   "no fill, no drain and no gap between tiles; edge tiles take as long as "
                   "whole ones"},
    Simplification{"tiles",
                   "the fewest cycles of all tilings into powers of two in all orders of loops; "
                   "weights and inputs of a tile must fit half their buffers, results need not"},
    Simplification{"refetch",
                   "what no longer fits its half buffer is fetched again by every loop around it, "
                   "also by loops that do not change it"},
    Simplification{"DRAM",
                   "the peak of 1024 bits per cycle, always; only what exceeds the cycles of "
                   "computing is waited for, with the first tiles before it"},
    Simplification{"last store",
                   "not waited for: a loop over results, be it of one tile, makes the "
                   "script forget it"},
    Simplification{"results", "written with 16 bits; their partial sums are never read back"},
    Simplification{"energy",
                   "all but FP16 and W4A16 are charged the same power per PE; the means over "
                   "networks add wrong columns (every fifth of six); none of it is reproduced"},
    Simplification{"headlines",
                   "the abstract's 2.6 times the speed of the best: what it divides is not said; "
                   "ANT / W4A8 in the last output that the authors keep is 0.47 / 0.12"},
    Simplification{"Geomean", "the column of that name holds arithmetic means"},
};

}  // namespace

std::span<const Simplification> simplifications() { return kSimplifications; }

}  // namespace bitsmith::reproduce::mixpe
