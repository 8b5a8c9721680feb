// Product of one activation and one weight: exact for integers, rounded to FP32 for floating point.
module systolic_product #(
    parameter int unsigned ABits = 8,
    parameter int unsigned WBits = 8,
    parameter int unsigned AExpBits = 0,   // 0: two's complement integers
    parameter int unsigned WExpBits = 0,   // both 0 or neither
    parameter int unsigned ASpecials = 0,  // as in common/fp_mul.sv
    parameter int unsigned WSpecials = 0,
    localparam int unsigned ProductBits = (AExpBits != 0) ? 32 : ABits + WBits
) (
    input  logic [ABits-1:0]       a_i,
    input  logic [WBits-1:0]       w_i,
    output logic [ProductBits-1:0] product_o
);

  if (AExpBits == 0) begin : gen_integer
    logic signed [ProductBits-1:0] product;
    assign product   = $signed(a_i) * $signed(w_i);
    assign product_o = product;
    if (WExpBits != 0 || ASpecials != 0 || WSpecials != 0) begin : gen_mixed
      $error("integers do not multiply with floating point");
    end
  end else begin : gen_float
    fp_mul #(
        .AExpBits(AExpBits), .AManBits(ABits - 1 - AExpBits), .ASpecials(ASpecials),
        .BExpBits(WExpBits), .BManBits(WBits - 1 - WExpBits), .BSpecials(WSpecials),
        .OutExpBits(8), .OutManBits(23)
    ) u_mul (
        .a_i, .b_i(w_i), .y_o(product_o)
    );
  end

endmodule
