#include <array>

#include "reproduce/bitmod_paper.h"

namespace bitsmith::reproduce::bitmod {
namespace {

constexpr std::array kSimplifications = {
    Simplification{"array",
                   "no fill, no drain and no gap between tiles: a tile takes inputs / dot "
                   "product cycles, times those of a weight"},
    Simplification{"edge tiles", "take as long as whole ones"},
    Simplification{"dequantisation",
                   "never stalls, and the shares of scales cost bits in memory "
                   "only"},
    Simplification{"decoders",
                   "ANT's and OliVe's decoding, and fractions of bits (5.5, 3.875), "
                   "cost no cycles"},
    Simplification{"overlap",
                   "perfect: a layer takes the longer of computing and DRAM traffic, "
                   "with nothing fetched ahead for the next layer"},
    Simplification{"DRAM", "the peak of 256 bits per cycle, always; no latency, refresh or rows"},
    Simplification{"refetch",
                   "only if weights and inputs both overflow their 512 KB: then for "
                   "each buffer full of one the other is read whole, the way with less "
                   "traffic"},
    Simplification{"outputs",
                   "written once with 16 bits, also between layers that could keep "
                   "them on chip; sums never go to memory"},
    Simplification{"KV cache",
                   "16 bits in memory on every accelerator, while a bit-serial PE takes "
                   "the cycles of its weight precision for queries and scores"},
    Simplification{"scores (QK)",
                   "a score takes hidden MACs, as many as all heads have; in decode "
                   "one score per head is computed, whatever the context"},
    Simplification{"scores, traffic",
                   "keys are read again for each query of each head, heads x P "
                   "rows of KV features; heads x P x P scores are written, in "
                   "decode one per head"},
    Simplification{"values (PV)",
                   "each token gets heads x P results of 256 MACs, not hidden; only "
                   "P rows of values are read, in decode one, not 256"},
    Simplification{"values, traffic",
                   "heads x P x P results are written, not P x hidden; how often "
                   "the scores are fetched goes by those P rows of values"},
    Simplification{"vocabulary", "the projection is computed for all tokens of a prompt"},
    Simplification{"left out",
                   "softmax, norms, activations, rotary embedding, residuals and the "
                   "look-up of embeddings take no cycles"},
    Simplification{"generation",
                   "every decoded token attends to 256 tokens; the context does not "
                   "grow"},
};

}  // namespace

std::span<const Simplification> simplifications() { return kSimplifications; }

}  // namespace bitsmith::reproduce::bitmod
