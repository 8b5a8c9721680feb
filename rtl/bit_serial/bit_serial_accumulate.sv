// One step of the group accumulator: a dot product, moved left by its significance, is added to the
// sum at the larger of both exponents, and the sum is normalised to 15 bits. Shifts right are
// arithmetic and lose what falls out. Combinational.
//
// The frame holds a dot product at every significance, at the exponent dot_exp_i + Up, and the
// mantissa at its top, Up places higher, at the exponent exponent_i.
module bit_serial_accumulate #(
    parameter int unsigned Lanes = 4,
    localparam int unsigned DotBits = 15 + $clog2(Lanes)
) (
    input  logic [DotBits-1:0] dot_i,           // this and the mantissas: two's complement
    input  logic [5:0]         dot_exp_i,
    input  logic [2:0]         significance_i,
    input  logic [14:0]        mantissa_i,
    input  logic [5:0]         exponent_i,
    output logic [14:0]        mantissa_o,
    output logic [5:0]         exponent_o
);

  localparam int unsigned Up = 6 + $clog2(Lanes);
  localparam int unsigned FrameBits = 15 + Up;
  localparam int unsigned Places = Up + 1;  // the most that a sum moves up
  localparam int unsigned CountBits = $clog2(Places + 1);

  logic [5:0] dot_place, exponent, dot_below, sum_below;
  assign dot_place = dot_exp_i + 6'(Up);
  assign exponent  = (exponent_i > dot_place) ? exponent_i : dot_place;
  assign dot_below = exponent - dot_place;
  assign sum_below = exponent - exponent_i;

  logic signed [FrameBits-1:0] dot, sum;
  logic [FrameBits-1:0] dot_aligned, sum_aligned;
  logic [FrameBits:0] total;
  assign dot         = {{(FrameBits - DotBits) {dot_i[DotBits-1]}}, dot_i} << significance_i;
  assign sum         = {mantissa_i, {Up{1'b0}}};
  assign dot_aligned = dot >>> dot_below;
  assign sum_aligned = sum >>> sum_below;
  assign total       = {dot_aligned[FrameBits-1], dot_aligned} +
                       {sum_aligned[FrameBits-1], sum_aligned};

  // Redundant sign bits: zeros above the first bit that differs from the sign, Places at most.
  logic [Places:0] different;
  logic [CountBits-1:0] places;
  assign different = {total[FrameBits-1-:Places] ^ {Places{total[FrameBits]}}, 1'b1};
  lzc #(
      .Width(Places + 1)
  ) u_lzc (
      .data_i (different),
      .count_o(places)
  );

  logic [FrameBits:0] normalised;
  logic unused_lost;
  assign normalised  = total << places;
  assign mantissa_o  = normalised[FrameBits-:15];
  assign exponent_o  = exponent + 6'd1 - 6'(places);
  assign unused_lost = ^normalised[FrameBits-15:0];

endmodule
