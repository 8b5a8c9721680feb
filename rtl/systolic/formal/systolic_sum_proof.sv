// The sum of an accumulator and a product, both two's complement: exact in two more bits, then
// wrapped (its low bits) or held at the limits.
//
// sources: rtl/systolic/systolic_sum.sv
// method: sat
// prove: ProductBits=4 AccBits=4 Overflow=0
// prove: ProductBits=4 AccBits=4 Overflow=2
// prove: ProductBits=4 AccBits=9 Overflow=1
// prove: ProductBits=4 AccBits=9 Overflow=2
// prove: ProductBits=16 AccBits=32 Overflow=0
// prove: ProductBits=16 AccBits=32 Overflow=2
// prove: ProductBits=32 AccBits=48 Overflow=0
// prove: ProductBits=32 AccBits=48 Overflow=2
module systolic_sum_proof #(
    parameter int unsigned ProductBits = 16,
    parameter int unsigned AccBits = 32,
    parameter int unsigned Overflow = 0
) (
    input logic [AccBits-1:0]     base_i,
    input logic [ProductBits-1:0] product_i
);

  localparam int unsigned ExactBits = AccBits + 2;
  logic [AccBits-1:0] sum;
  systolic_sum #(.ProductBits(ProductBits), .AccBits(AccBits), .Overflow(Overflow)) u_dut (
      .base_i, .product_i, .sum_o(sum)
  );

  logic signed [ExactBits-1:0] base, product, exact, highest, lowest;
  logic [AccBits-1:0] expected;
  always_comb begin
    base     = {{2{base_i[AccBits-1]}}, base_i};
    product  = {{(ExactBits - ProductBits) {product_i[ProductBits-1]}}, product_i};
    exact    = base + product;
    highest  = {3'b000, {(AccBits - 1) {1'b1}}};
    lowest   = -highest - 1;
    expected = exact[AccBits-1:0];
    if (Overflow == 2) begin
      if (exact > highest) expected = highest[AccBits-1:0];
      if (exact < lowest) expected = lowest[AccBits-1:0];
    end
    assert (sum == expected);
  end

endmodule
