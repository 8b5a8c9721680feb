// The product of an integer and a weight is a plain loop of shifted additions, for every code: the
// top bit of `int` subtracts, a power of two is one shift by its exponent less 1 and a negation.
// The digits, each at its place, make the same product: what PEs do with one digit per step.
//
// sources: rtl/mixpe/mixpe_product.sv
// method: sat
// prove: ABits=8 WBits=4 WeightKind=0 Digit=4
// prove: ABits=8 WBits=4 WeightKind=1 Digit=4
// prove: ABits=8 WBits=4 WeightKind=0 Digit=1
// prove: ABits=8 WBits=4 WeightKind=1 Digit=2
// prove: ABits=8 WBits=3 WeightKind=0 Digit=2
// prove: ABits=8 WBits=5 WeightKind=0 Digit=2
// prove: ABits=8 WBits=3 WeightKind=1 Digit=2
// prove: ABits=8 WBits=3 WeightKind=1 Digit=1
// prove: ABits=12 WBits=2 WeightKind=0 Digit=2
// prove: ABits=12 WBits=3 WeightKind=0 Digit=1
// prove: ABits=4 WBits=8 WeightKind=0 Digit=8
// prove: ABits=4 WBits=8 WeightKind=1 Digit=1
// prove: ABits=4 WBits=8 WeightKind=0 Digit=2
// prove: ABits=4 WBits=7 WeightKind=0 Digit=2
// prove: ABits=16 WBits=4 WeightKind=2 Digit=4
// prove: ABits=16 WBits=3 WeightKind=2 Digit=3
// prove: ABits=8 WBits=4 WeightKind=2 Digit=4
module mixpe_product_proof #(
    parameter int unsigned ABits = 8,
    parameter int unsigned WBits = 4,
    parameter int unsigned WeightKind = 1,
    parameter int unsigned Digit = 4
) (
    input logic [ABits-1:0] a_i,
    input logic [WBits-1:0] w_i
);

  localparam int unsigned Digits = (WBits + Digit - 1) / Digit;
  localparam int unsigned WholeBits = Digits * Digit;
  localparam int unsigned PartBits =
      ABits + ((WeightKind == 2) ? (1 << (WBits - 1)) - 1 : Digit);
  localparam int unsigned SumBits = ABits + 10;

  logic [WholeBits-1:0] whole;
  logic [Digits*PartBits-1:0] parts;
  assign whole = WholeBits'($signed({(WeightKind == 0) && w_i[WBits-1], w_i}));
  for (genvar i = 0; i < Digits; i++) begin : gen_digit
    mixpe_product #(
        .ABits(ABits), .WBits(WBits), .WeightKind(WeightKind), .Digit(Digit)
    ) u_dut (
        .a_i, .digit_i(whole[i*Digit+:Digit]), .top_i(i == Digits - 1),
        .product_o(parts[i*PartBits+:PartBits])
    );
  end

  logic [SumBits-1:0] a, sum, part, expected;
  always_comb begin
    a   = SumBits'($signed(a_i));
    sum = '0;
    for (int unsigned i = 0; i < Digits; i++) begin
      part = SumBits'($signed(parts[i*PartBits+:PartBits]));
      sum  = sum + (part << (i * Digit));
    end

    expected = '0;
    if (WeightKind == 2) begin
      for (int unsigned e = 1; e < (1 << (WBits - 1)); e++) begin
        if (w_i[WBits-2:0] == (WBits - 1)'(e)) expected = a << (e - 1);
      end
      if (w_i[WBits-1]) expected = SumBits'(0) - expected;
    end else begin
      for (int unsigned i = 0; i < WBits; i++) begin
        if (w_i[i]) begin
          if ((WeightKind == 0) && (i == WBits - 1)) expected = expected - (a << i);
          else                                       expected = expected + (a << i);
        end
      end
    end
    assert (sum == expected);
  end

endmodule
