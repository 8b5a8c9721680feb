// Product of an FP16 activation and a power of two, to FP32: the shift is an addition of exponents.
// Combinational. Every such product is a normal FP32 number or zero.
module mixpe_float_shift #(
    parameter int unsigned WBits = 4
) (
    input  logic [15:0]      a_i,
    input  logic [WBits-1:0] w_i,  // sign, e: zero for e = 0, else 2^(e-1)
    output logic [31:0]      y_o
);

  logic a_sign, a_zero, a_inf, a_nan;
  logic signed [5:0] a_exponent;
  logic [10:0] significand;
  fp_unpack #(
      .ExpBits (5),
      .ManBits (10),
      .Specials(2)
  ) u_unpack (
      .a_i          (a_i),
      .sign_o       (a_sign),
      .exponent_o   (a_exponent),
      .significand_o(significand),
      .zero_o       (a_zero),
      .inf_o        (a_inf),
      .nan_o        (a_nan)
  );

  logic [WBits-2:0] shift;  // and one more
  logic sign, w_zero, unused_hidden;
  logic [7:0] field;
  assign shift  = w_i[WBits-2:0];
  assign w_zero = shift == '0;
  assign sign   = a_sign ^ w_i[WBits-1];
  assign field  = {{2{a_exponent[5]}}, a_exponent} + 8'(shift) + 8'd111;
  always_comb begin
    y_o = {sign, field, significand[9:0], 13'd0};
    if (a_zero || w_zero) y_o = 32'd0;
    if (a_inf) y_o = {sign, 8'hFF, 23'd0};
    if (a_nan || (a_inf && w_zero)) y_o = 32'h7FC0_0000;
  end
  assign unused_hidden = significand[10];

endmodule
