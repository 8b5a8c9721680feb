// fp_add is the exact sum, rounded once, for all pairs of operands. FP16 (ExpBits=5 ManBits=10) can
// be proven too, in minutes; the tests compare larger formats with MPFR.
//
// prove: ExpBits=3 ManBits=2
// prove: ExpBits=2 ManBits=4
// prove: ExpBits=4 ManBits=1
// prove: ExpBits=4 ManBits=3
// prove: ExpBits=5 ManBits=2
// prove: ExpBits=4 ManBits=6
// prove: ExpBits=5 ManBits=4
// sources: rtl/common/lzc.sv rtl/common/increment.sv rtl/common/shift_right_sticky.sv
// sources: rtl/common/fp_add_align.sv rtl/common/fp_add_finish.sv rtl/common/fp_add.sv
// sources: rtl/common/formal/fp_round_spec.sv
// method: sat
module fp_add_proof #(
    parameter int unsigned ExpBits = 4,
    parameter int unsigned ManBits = 3
) (
    input logic [ExpBits+ManBits:0] a_i,
    input logic [ExpBits+ManBits:0] b_i
);

  localparam int unsigned Bits = 1 + ExpBits + ManBits;
  localparam int unsigned ValueBits = ManBits + (1 << ExpBits);  // a number as an integer
  localparam int Bias = (1 << (ExpBits - 1)) - 1;
  localparam logic [Bits-1:0] Nan = {1'b0, {(ExpBits + 1) {1'b1}}, {(ManBits - 1) {1'b0}}};
  localparam logic [Bits-2:0] Inf = {{ExpBits{1'b1}}, {ManBits{1'b0}}};

  logic [Bits-1:0] y;
  fp_add #(
      .ExpBits(ExpBits),
      .ManBits(ManBits)
  ) u_dut (
      .a_i(a_i),
      .b_i(b_i),
      .y_o(y)
  );

  // Magnitudes in units of the format's smallest number.
  logic a_sign, b_sign, a_nan, b_nan, a_inf, b_inf;
  logic [ExpBits-1:0] a_field, b_field;
  logic [ManBits-1:0] a_mantissa, b_mantissa;
  logic [ValueBits-1:0] a_value, b_value;
  logic sum_sign;
  logic [ValueBits:0] sum;

  always_comb begin
    a_sign     = a_i[Bits-1];
    b_sign     = b_i[Bits-1];
    a_field    = a_i[ManBits+:ExpBits];
    b_field    = b_i[ManBits+:ExpBits];
    a_mantissa = a_i[ManBits-1:0];
    b_mantissa = b_i[ManBits-1:0];
    a_value    = (a_field == '0) ? ValueBits'(a_mantissa)
                                 : ValueBits'({1'b1, a_mantissa}) << (a_field - ExpBits'(1));
    b_value    = (b_field == '0) ? ValueBits'(b_mantissa)
                                 : ValueBits'({1'b1, b_mantissa}) << (b_field - ExpBits'(1));
    a_inf      = (&a_field) && (a_mantissa == '0);
    b_inf      = (&b_field) && (b_mantissa == '0);
    a_nan      = (&a_field) && (a_mantissa != '0);
    b_nan      = (&b_field) && (b_mantissa != '0);
    if (a_sign == b_sign) begin
      sum_sign = a_sign;
      sum      = {1'b0, a_value} + {1'b0, b_value};
    end else if (a_value >= b_value) begin
      sum_sign = a_sign && (a_value != b_value);
      sum      = {1'b0, a_value} - {1'b0, b_value};
    end else begin
      sum_sign = b_sign;
      sum      = {1'b0, b_value} - {1'b0, a_value};
    end
  end

  logic [Bits-1:0] rounded, expected;
  fp_round_spec #(
      .ExpBits     (ExpBits),
      .ManBits     (ManBits),
      .ValueBits   (ValueBits + 1),
      .UnitExponent(1 - Bias - 32'(ManBits))
  ) u_round (
      .sign_i (sum_sign),
      .value_i(sum),
      .code_o (rounded)
  );

  always_comb begin
    expected = rounded;
    if (a_nan || b_nan || (a_inf && b_inf && (a_sign != b_sign))) begin
      expected = Nan;
    end else if (a_inf || b_inf) begin
      expected = {a_inf ? a_sign : b_sign, Inf};
    end
    assert (y == expected);
  end

endmodule
