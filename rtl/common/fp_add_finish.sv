// Second half of fp_add: completes the sum that fp_add_align began, normalises and rounds it.
// Combinational; fp_add_align says what aligned_i holds.
//
// Two ways to the result are taken at once. A sum whose leading one is in the top two places of
// the larger number, or above, moves by one place at most and is then rounded. If more is
// cancelled, the two numbers were at most one place apart, so the sum is exact and only has to be
// normalised. So no sum waits for both the long shifter and the rounder.
module fp_add_finish #(
    parameter int unsigned ExpBits = 8,
    parameter int unsigned ManBits = 23,  // at least 1
    localparam int unsigned Bits = 1 + ExpBits + ManBits,
    localparam int unsigned AlignedBits = ExpBits + 2 * ManBits + 12 - (ManBits + 5) / 2
) (
    input  logic [AlignedBits-1:0] aligned_i,
    output logic [Bits-1:0]        y_o
);

  localparam int unsigned SumBits = ManBits + 5;  // carry, significand, guard, round, sticky
  localparam int unsigned Low = (ManBits + 5) / 2;
  localparam int unsigned High = ManBits + 4 - Low;
  localparam int unsigned LzcBits = $clog2(ManBits + 1);

  logic nan, subtract, sign, carry_low;
  logic [ExpBits-1:0] field;
  logic [High-1:0] larger_high, smaller_high;
  logic [Low-1:0] sum_low;
  assign {nan, subtract, sign, field, larger_high, smaller_high, carry_low, sum_low} = aligned_i;

  logic [High:0] sum_high;
  logic unused_carry_in;
  logic [SumBits-1:0] sum;
  assign {sum_high, unused_carry_in} =
      {1'b0, larger_high, carry_low} + {subtract, smaller_high, carry_low};
  assign sum = {sum_high, sum_low};

  // Fields of the three places where the leading one can be. Field 1 is the lowest: there the sum
  // does not move, and a missing hidden bit makes the result subnormal, field 0.
  logic carry, hidden, next, lowest;
  assign carry  = sum[SumBits-1];
  assign hidden = sum[SumBits-2];
  assign next   = sum[SumBits-3];
  assign lowest = field == ExpBits'(1);

  logic [ExpBits-1:0] field_plus_1, field_minus_1;
  assign field_plus_1  = field + ExpBits'(1);
  assign field_minus_1 = field - ExpBits'(1);

  logic [ManBits+1:0] kept;  // mantissa, guard, round or sticky
  logic [ExpBits-1:0] kept_field;
  logic kept_sticky;
  always_comb begin
    if (carry) begin
      kept        = sum[SumBits-2-:ManBits+2];
      kept_sticky = sum[1:0] != '0;
      kept_field  = field_plus_1;
    end else if (hidden || lowest) begin
      kept        = sum[SumBits-3-:ManBits+2];
      kept_sticky = sum[0];
      kept_field  = hidden ? field : '0;
    end else begin
      kept        = sum[SumBits-4-:ManBits+2];
      kept_sticky = 1'b0;
      kept_field  = next ? field_minus_1 : '0;
    end
  end

  logic round_up;
  logic [ExpBits+ManBits-1:0] rounded;
  assign round_up = kept[1] && (kept[0] || kept_sticky || kept[2]);
  increment #(
      .Width(ExpBits + ManBits)
  ) u_round (
      .data_i ({kept_field, kept[ManBits+1:2]}),
      .carry_i(round_up),
      .data_o (rounded)
  );

  // The long way. A one at the place where field 1 is reached stops the normalisation there.
  logic [ManBits:0] rest, stop, normalised;
  logic [LzcBits-1:0] zeros;
  logic [ExpBits-1:0] exact_field;
  assign rest = {sum[SumBits-4:2], 1'b0};
  assign stop = {1'b1, {ManBits{1'b0}}} >> (field - ExpBits'(3));
  lzc #(
      .Width(ManBits + 1)
  ) u_lzc (
      .data_i (rest | stop),
      .count_o(zeros)
  );
  assign normalised  = rest << zeros;
  assign exact_field = normalised[ManBits] ? field - ExpBits'(2) - ExpBits'(zeros) : '0;

  logic exact, to_inf, sum_zero;
  assign exact    = !(carry || hidden || next) && (field > ExpBits'(2));
  assign to_inf   = (&field) || (carry && (&field_plus_1));
  assign sum_zero = sum == '0;

  always_comb begin
    y_o[Bits-1]   = sign && !(subtract && sum_zero);
    y_o[Bits-2:0] = exact ? {exact_field, normalised[ManBits-1:0]} : rounded;
    if (to_inf) begin
      y_o[Bits-2:0] = {{ExpBits{1'b1}}, {ManBits{1'b0}}};
    end
    if (nan) begin
      y_o = {1'b0, {(ExpBits + 1) {1'b1}}, {(ManBits - 1) {1'b0}}};
    end
  end

endmodule
