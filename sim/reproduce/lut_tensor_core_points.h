// The arrays that the rows compare.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "reproduce/lut_tensor_core.h"

namespace bitsmith::reproduce::lut_tensor_core {

inline constexpr std::string_view kEdge = "lut_tensor_core_edge";
inline constexpr std::string_view kColumn = "lut_tensor_core_column";

// Weights that share a scale; less where K does not divide it.
inline constexpr std::uint32_t kGroup = 128;
inline constexpr std::uint32_t kWidestWeight = 8;

// The paper's LUT Tensor Core with everything it switches on: packed signs, 8-bit tables that are
// made elsewhere.
inline constexpr Point kLutTensorCore{.table = "int8", .precompute = "fused"};
// The one before: 0/1 bits, full tables made beside the lanes, as UNPU.
inline constexpr Point kConventional{.engine = "lut_full"};
inline constexpr Point kPacked{};
inline constexpr Point kNegating{.engine = "lut_negate"};

// Near 512 products (K = 3, 5, 6: 510, 510, 516): units of LUT Tensor Core.
struct Shape {
  std::uint32_t m, n, k;
};
inline constexpr Shape kBestShape{2, 64, 4};
inline constexpr std::array<Shape, 12> kShapes = {{{1, 128, 4},
                                                   kBestShape,
                                                   {4, 32, 4},
                                                   {8, 16, 4},
                                                   {16, 8, 4},
                                                   {2, 128, 2},
                                                   {4, 64, 2},
                                                   {8, 32, 2},
                                                   {16, 16, 2},
                                                   {2, 85, 3},
                                                   {2, 51, 5},
                                                   {2, 43, 6}}};

// `lut` with both of the paper's last steps apart.
inline constexpr Point kFused{.precompute = "fused"};
inline constexpr Point kRounded{.table = "int8"};

// Weights of `bits` bits: unsigned ones of 1 bit, which all units take, else two's complement.
Point with_weight(Point point, std::uint32_t bits);
inline constexpr Point kAdd{.engine = "add"};
inline constexpr Point kMac{.engine = "mac"};
inline constexpr Point kFloatLut{
    .activation = "fp16", .weight = "uint1", .table = "int8", .precompute = "fused"};
inline constexpr Point kFloatExactLut{
    .activation = "fp16", .weight = "uint1", .precompute = "fused"};
inline constexpr Point kFloatAdd{.engine = "add", .activation = "fp16", .weight = "uint1"};
inline constexpr Point kFloatMac{.engine = "mac", .activation = "fp16", .weight = "int8"};

std::vector<Point> all_points();
std::vector<Point> ablation_points();

}  // namespace bitsmith::reproduce::lut_tensor_core
