// The block formats of ggml that decoding is offered for; each function takes one block.
//
// A block of 32 or 256 numbers holds codes of 2 to 8 bits and one FP16 scale d, for some types an
// FP16 minimum as well; the K types add a scale of 4 to 8 bits for every 16 or 32 numbers. All
// arithmetic is FP32 in this order: d times the small scale, that times the code, then minus (K
// types) or plus (Q4_1, Q5_1) the minimum. Only the last step of each can round.
//
// Source: ggml/src/ggml-common.h (layouts) and gguf-py/gguf/quants.py (dequantize_blocks) of
// https://github.com/ggml-org/llama.cpp.
#pragma once

#include <cstddef>

namespace bitsmith {

void decode_q4_0(const std::byte* block, float* values);  // 32 numbers, 18 bytes
void decode_q4_1(const std::byte* block, float* values);  // 32, 20
void decode_q5_0(const std::byte* block, float* values);  // 32, 22
void decode_q5_1(const std::byte* block, float* values);  // 32, 24
void decode_q8_0(const std::byte* block, float* values);  // 32, 34
void decode_q2_k(const std::byte* block, float* values);  // 256, 84
void decode_q3_k(const std::byte* block, float* values);  // 256, 110
void decode_q4_k(const std::byte* block, float* values);  // 256, 144
void decode_q5_k(const std::byte* block, float* values);  // 256, 176
void decode_q6_k(const std::byte* block, float* values);  // 256, 210

// The value of an FP16 code, low byte first.
float decode_fp16(const std::byte* bytes);

}  // namespace bitsmith
