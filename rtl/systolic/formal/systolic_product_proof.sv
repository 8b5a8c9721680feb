// The product of two's complement integers is the sum of a * 2^i over the bits i of w that are set,
// the sign bit counting negative.
//
// sources: rtl/systolic/systolic_product.sv
// method: sat
// prove: ABits=2 WBits=2
// prove: ABits=3 WBits=5
// prove: ABits=5 WBits=3
// prove: ABits=4 WBits=4
// prove: ABits=8 WBits=2
// prove: ABits=8 WBits=4
// prove: ABits=4 WBits=8
// prove: ABits=8 WBits=8
module systolic_product_proof #(
    parameter int unsigned ABits = 4,
    parameter int unsigned WBits = 4
) (
    input logic [ABits-1:0] a_i,
    input logic [WBits-1:0] w_i
);

  localparam int unsigned ProductBits = ABits + WBits;
  logic [ProductBits-1:0] product, a, expected;
  systolic_product #(.ABits(ABits), .WBits(WBits)) u_dut (.a_i, .w_i, .product_o(product));

  always_comb begin
    a        = {{WBits{a_i[ABits-1]}}, a_i};
    expected = '0;
    for (int unsigned i = 0; i < WBits; i++) begin
      if (w_i[i]) begin
        if (i == WBits - 1) expected = expected - (a << i);
        else                expected = expected + (a << i);
      end
    end
    assert (product == expected);
  end

endmodule
