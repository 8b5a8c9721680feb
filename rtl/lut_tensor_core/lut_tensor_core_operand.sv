// A floating-point code with one exponent bit more than FP16, which leaves no number subnormal:
// {sign, 6-bit exponent of bias 31, mantissa}, zero has exponent 0, infinities and NaN have 63.
// Values are kept, NaN becomes a quiet one. Combinational.
module lut_tensor_core_operand #(
    parameter int unsigned ExpBits = 5,   // 5 or 4
    parameter int unsigned ManBits = 10,
    parameter int unsigned Specials = 2,  // as in common/fp_mul.sv
    localparam int unsigned Bits = 1 + ExpBits + ManBits
) (
    input  logic [Bits-1:0]    a_i,
    output logic [ManBits+6:0] y_o
);

  localparam int Bias = (1 << (ExpBits - 1)) - 1;
  localparam int unsigned ExponentBits =
      ((ExpBits > $clog2(ManBits + 2)) ? ExpBits : $clog2(ManBits + 2)) + 1;

  logic sign, zero, inf, nan, unused_hidden;
  logic signed [ExponentBits-1:0] exponent;
  logic [ManBits:0] significand;
  fp_unpack #(.ExpBits(ExpBits), .ManBits(ManBits), .Specials(Specials)) u_unpack (
      .a_i, .sign_o(sign), .exponent_o(exponent), .significand_o(significand),
      .zero_o(zero), .inf_o(inf), .nan_o(nan)
  );
  assign unused_hidden = significand[ManBits];

  always_comb begin
    y_o = {sign, 6'(exponent) + 6'(31 - Bias), significand[ManBits-1:0]};
    if (zero) y_o[ManBits+5:0] = '0;
    if (inf) y_o[ManBits+5:0] = {6'd63, {ManBits{1'b0}}};
    if (nan) y_o[ManBits+5:0] = {7'h7F, {(ManBits - 1) {1'b0}}};
  end

endmodule
