// Product of an FP16 activation and an integer weight, to FP32: takes the exact product of
// significand and weight to the activation's exponent. Combinational.
//
// Every such product is a normal FP32 number or zero. The sign of a zero means nothing: sums of
// groups start from +0.
module mixpe_float_product #(
    parameter int unsigned ProductBits = 16  // at most 24
) (
    input  logic [15:0]            a_i,
    input  logic [ProductBits-1:0] product_i,  // two's complement; of the significand's magnitude
    output logic [31:0]            y_o
);

  // The last place of the significand is 2^(field - 25); subnormal numbers have that of field 1.
  logic [4:0] field;
  logic [31:0] exact;
  assign field = a_i[14:10] | 5'(a_i[14:10] == 5'd0);
  mixpe_to_float #(
      .Width(ProductBits)
  ) u_to_float (
      .value_i(product_i),
      .field_i(8'(field) + 8'd102),
      .float_o(exact)
  );

  logic sign, special, nan;
  assign sign    = a_i[15] ^ exact[31];
  assign special = &a_i[14:10];
  assign nan     = special && ((a_i[9:0] != '0) || (exact[30:23] == '0));
  always_comb begin
    y_o = {sign, exact[30:0]};
    if (special) y_o = {sign, 8'hFF, 23'd0};
    if (nan) y_o = 32'h7FC0_0000;
  end

endmodule
