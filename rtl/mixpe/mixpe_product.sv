// Product of an integer and a weight, or a digit of one, by shift and add. Combinational.
//
// Integers: the sum of a << i over the bits i of the digit that are set; the top one subtracts in
// the top digit of a two's complement weight. Powers of two: one shift, and a negation.
module mixpe_product #(
    parameter int unsigned ABits = 8,
    parameter int unsigned WBits = 4,
    parameter int unsigned WeightKind = 1,  // 0 int, 1 uint, 2 power of two
    parameter int unsigned Digit = 4,       // powers of two: WBits
    localparam int unsigned ProductBits =
        ABits + ((WeightKind == 2) ? (1 << (WBits - 1)) - 1 : Digit)
) (
    input  logic [ABits-1:0]       a_i,       // two's complement
    input  logic [Digit-1:0]       digit_i,
    input  logic                   top_i,     // the weight's highest digit
    output logic [ProductBits-1:0] product_o  // two's complement
);

  logic [ProductBits-1:0] a;
  assign a = {{(ProductBits - ABits) {a_i[ABits-1]}}, a_i};

  if (WeightKind == 2) begin : gen_power_of_two
    logic [WBits-2:0] exponent;
    logic negative;
    logic [ProductBits:0] doubled;  // a << exponent is twice the product's magnitude
    logic [ProductBits-1:0] magnitude;
    logic unused_top, unused_half;
    assign exponent    = digit_i[WBits-2:0];
    assign negative    = digit_i[WBits-1];
    assign doubled     = {a[ProductBits-1], a} << exponent;
    assign magnitude   = (exponent != '0) ? doubled[ProductBits:1] : '0;
    assign product_o   = (magnitude ^ {ProductBits{negative}}) + ProductBits'(negative);
    assign unused_top  = top_i;
    assign unused_half = doubled[0];
  end else begin : gen_integer
    logic [ProductBits-1:0] moved, product;
    logic negative;
    assign negative = (WeightKind == 0) && top_i && digit_i[Digit-1];
    always_comb begin
      product = '0;
      moved   = '0;
      for (int unsigned i = 0; i < Digit; i++) begin
        moved = digit_i[i] ? a << i : '0;
        if (i == Digit - 1) begin
          product = product + (moved ^ {ProductBits{negative}}) + ProductBits'(negative);
        end else begin
          product = product + moved;
        end
      end
    end
    assign product_o = product;
    if (WeightKind != 0) begin : gen_no_sign
      logic unused_top;
      assign unused_top = top_i;
    end
  end

endmodule
