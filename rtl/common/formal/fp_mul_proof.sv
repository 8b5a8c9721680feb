// fp_mul is the exact product, rounded once, for all pairs of operands. The points are FP6 and FP8
// in every kind of specials, results that are exact and results that are rounded, overflow and
// underflow, and FP16 x FP4; what is not named is E4M3 (OCP) or the FP32 result. Formats need a
// mantissa here. Products of two wider formats are too hard for a SAT solver; the tests compare
// those with MPFR.
//
// prove: AExpBits=3 AManBits=2 ASpecials=0 BExpBits=3 BManBits=2 BSpecials=0
// prove: BExpBits=3 BManBits=2 BSpecials=0
// prove: BExpBits=3 BManBits=2 BSpecials=0 OutExpBits=3 OutManBits=2
// prove: AExpBits=4
// prove: OutExpBits=5 OutManBits=2
// prove: ASpecials=2 BSpecials=2 OutExpBits=4 OutManBits=3
// prove: AExpBits=5 AManBits=2 ASpecials=2 BExpBits=5 BManBits=2 BSpecials=2
// prove: AExpBits=5 AManBits=2 ASpecials=2 OutExpBits=4 OutManBits=3
// prove: AExpBits=5 AManBits=2 ASpecials=2 OutExpBits=5 OutManBits=2
// prove: AExpBits=5 AManBits=10 ASpecials=2 BExpBits=2 BManBits=1 BSpecials=0
// sources: rtl/common/lzc.sv rtl/common/increment.sv rtl/common/shift_right_sticky.sv
// sources: rtl/common/fp_unpack.sv rtl/common/fp_mul.sv rtl/common/formal/fp_round_spec.sv
// method: sat
module fp_mul_proof #(
    parameter int unsigned AExpBits = 4,
    parameter int unsigned AManBits = 3,
    parameter int unsigned ASpecials = 1,
    parameter int unsigned BExpBits = 4,
    parameter int unsigned BManBits = 3,
    parameter int unsigned BSpecials = 1,
    parameter int unsigned OutExpBits = 8,
    parameter int unsigned OutManBits = 23
) (
    input logic [AExpBits+AManBits:0] a_i,
    input logic [BExpBits+BManBits:0] b_i
);

  localparam int ABias = (1 << (AExpBits - 1)) - 1;
  localparam int BBias = (1 << (BExpBits - 1)) - 1;
  localparam int unsigned ABits = AManBits + (1 << AExpBits);  // a as an integer
  localparam int unsigned BBits = BManBits + (1 << BExpBits);
  localparam int unsigned OutBits = 1 + OutExpBits + OutManBits;
  localparam logic [OutBits-1:0] Nan = {1'b0, {(OutExpBits + 1) {1'b1}}, {(OutManBits - 1) {1'b0}}};
  localparam logic [OutBits-2:0] Inf = {{OutExpBits{1'b1}}, {OutManBits{1'b0}}};

  logic [OutBits-1:0] y;
  fp_mul #(
      .AExpBits  (AExpBits),
      .AManBits  (AManBits),
      .ASpecials (ASpecials),
      .BExpBits  (BExpBits),
      .BManBits  (BManBits),
      .BSpecials (BSpecials),
      .OutExpBits(OutExpBits),
      .OutManBits(OutManBits)
  ) u_dut (
      .a_i(a_i),
      .b_i(b_i),
      .y_o(y)
  );

  // Magnitudes in units of the formats' smallest numbers.
  logic a_nan, b_nan, a_inf, b_inf, sign;
  logic [AExpBits-1:0] a_field;
  logic [BExpBits-1:0] b_field;
  logic [AManBits-1:0] a_mantissa;
  logic [BManBits-1:0] b_mantissa;
  logic [ABits-1:0] a_value;
  logic [BBits-1:0] b_value;
  logic [ABits+BBits-1:0] product;
  logic [OutBits-1:0] rounded, expected;

  always_comb begin
    sign       = a_i[AExpBits+AManBits] ^ b_i[BExpBits+BManBits];
    a_field    = a_i[AManBits+:AExpBits];
    b_field    = b_i[BManBits+:BExpBits];
    a_mantissa = a_i[AManBits-1:0];
    b_mantissa = b_i[BManBits-1:0];
    a_value    = (a_field == '0) ? ABits'(a_mantissa)
                                 : ABits'({1'b1, a_mantissa}) << (a_field - AExpBits'(1));
    b_value    = (b_field == '0) ? BBits'(b_mantissa)
                                 : BBits'({1'b1, b_mantissa}) << (b_field - BExpBits'(1));
    a_inf      = (ASpecials == 2) && (&a_field) && (a_mantissa == '0);
    b_inf      = (BSpecials == 2) && (&b_field) && (b_mantissa == '0);
    a_nan      = (ASpecials != 0) && (&a_field) &&
                 ((ASpecials == 2) ? (a_mantissa != '0) : (&a_mantissa));
    b_nan      = (BSpecials != 0) && (&b_field) &&
                 ((BSpecials == 2) ? (b_mantissa != '0) : (&b_mantissa));
    product    = (ABits + BBits)'(a_value) * (ABits + BBits)'(b_value);
  end

  fp_round_spec #(
      .ExpBits     (OutExpBits),
      .ManBits     (OutManBits),
      .ValueBits   (ABits + BBits),
      .UnitExponent(2 - ABias - BBias - 32'(AManBits) - 32'(BManBits))
  ) u_round (
      .sign_i (sign),
      .value_i(product),
      .code_o (rounded)
  );

  always_comb begin
    expected = rounded;
    if (a_nan || b_nan || (a_inf && (b_value == '0)) || (b_inf && (a_value == '0))) begin
      expected = Nan;
    end else if (a_inf || b_inf) begin
      expected = {sign, Inf};
    end
    assert (y == expected);
  end

endmodule
