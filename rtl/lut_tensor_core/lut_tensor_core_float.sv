// A two's complement integer of at most nine bits as a floating-point number without specials,
// exact: {sign, 4-bit exponent of bias 7, mantissa}, halved if Halve. Combinational.
module lut_tensor_core_float #(
    parameter int unsigned Bits = 8,  // 2 to 9
    parameter bit Halve = 1'b0,
    localparam int unsigned ManBits = Bits - 2
) (
    input  logic [Bits-1:0]    value_i,
    output logic [ManBits+4:0] float_o
);

  localparam int unsigned CountBits = $clog2(Bits);

  // The lowest number's magnitude has one bit more than the others', but it is a power of two: its
  // last place is zero, like those of the others when they are normalised.
  logic [Bits-1:0] magnitude, normalised;
  logic [CountBits-1:0] zeros;
  logic [3:0] field;
  logic unused_lowest;
  assign magnitude = value_i[Bits-1] ? {Bits{1'b0}} - value_i : value_i;
  lzc #(.Width(Bits)) u_lzc (.data_i(magnitude), .count_o(zeros));
  assign normalised    = magnitude << zeros;
  assign unused_lowest = normalised[0];
  assign field         = 4'(Bits + 6 - (Halve ? 1 : 0)) - 4'(zeros);

  // The leading one is in the place of the exponent's lowest bit.
  logic [ManBits+4:0] low;
  always_comb begin
    low          = '0;
    low[ManBits:0] = normalised[Bits-1:1];
    low[ManBits+:4] = field;
    low[ManBits+4] = value_i[Bits-1];
    float_o = (magnitude == '0) ? '0 : low;
  end

endmodule
