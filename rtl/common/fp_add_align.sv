// First half of fp_add: orders two numbers by magnitude, shifts the smaller one to the place of the
// larger, and adds or subtracts the low half of the significands. Combinational; aligned_o is all
// that fp_add_finish needs, for a register in between. Carrying half of the sum over balances the
// two halves and saves that register a quarter of its bits.
//
// aligned_o, from the top, with Low = (ManBits + 5) / 2 and High = ManBits + 4 - Low:
//   nan           1         the sum is NaN
//   subtract      1         the signs differ
//   sign          1         of the larger number
//   field         ExpBits   of the larger number, at least 1; all ones: infinity (or NaN)
//   larger_high   High      significand of the larger number, its top part
//   smaller_high  High      the other one at the same scale, inverted in a subtraction
//   carry         1         from the low part of the sum
//   sum_low       Low       the sum's low part; the last three bits are guard, round and sticky
// AlignedBits = ExpBits + 2*ManBits + 12 - (ManBits + 5) / 2, rounded down; 52 for FP32.
module fp_add_align #(
    parameter int unsigned ExpBits = 8,
    parameter int unsigned ManBits = 23,  // at least 1
    localparam int unsigned Bits = 1 + ExpBits + ManBits,
    localparam int unsigned AlignedBits = ExpBits + 2 * ManBits + 12 - (ManBits + 5) / 2
) (
    input  logic [Bits-1:0]        a_i,
    input  logic [Bits-1:0]        b_i,
    output logic [AlignedBits-1:0] aligned_o
);

  localparam int unsigned SmallBits = ManBits + 4;  // significand, guard, round, sticky
  localparam int unsigned Low = (ManBits + 5) / 2;
  // Enough to shift all bits but the last out; what lies farther is found by the bits above.
  localparam int unsigned NeededBits = $clog2(SmallBits);
  localparam int unsigned ShiftBits = (NeededBits < ExpBits) ? NeededBits : ExpBits;

  // Subnormal numbers have the exponent of field 1, without the hidden bit.
  logic a_normal, b_normal;
  logic [ExpBits-1:0] a_field, b_field;
  assign a_normal = a_i[ManBits+:ExpBits] != '0;
  assign b_normal = b_i[ManBits+:ExpBits] != '0;
  assign a_field  = a_i[ManBits+:ExpBits] | ExpBits'(!a_normal);
  assign b_field  = b_i[ManBits+:ExpBits] | ExpBits'(!b_normal);

  // Both distances start before it is known which number is larger.
  logic swap;
  logic [ExpBits-1:0] a_above_b, b_above_a, distance, field;
  logic [ManBits:0] larger, smaller;
  assign swap      = a_i[Bits-2:0] < b_i[Bits-2:0];
  assign a_above_b = a_field - b_field;
  assign b_above_a = b_field - a_field;
  assign distance  = swap ? b_above_a : a_above_b;
  assign field     = swap ? b_field : a_field;
  assign larger    = swap ? {b_normal, b_i[ManBits-1:0]} : {a_normal, a_i[ManBits-1:0]};
  assign smaller   = swap ? {a_normal, a_i[ManBits-1:0]} : {b_normal, b_i[ManBits-1:0]};

  // The sticky bit takes the last place: it starts as zero.
  logic [SmallBits-2:0] in_reach;
  logic shift_lost, out_of_reach;
  shift_right_sticky #(
      .Width    (SmallBits - 1),
      .ShiftBits(ShiftBits)
  ) u_shift (
      .data_i  ({smaller, 2'b00}),
      .shift_i (distance[ShiftBits-1:0]),
      .data_o  (in_reach),
      .sticky_o(shift_lost)
  );
  if (ShiftBits < ExpBits) begin : gen_out_of_reach
    assign out_of_reach = distance[ExpBits-1:ShiftBits] != '0;
  end else begin : gen_in_reach
    assign out_of_reach = 1'b0;
  end
  // From so far below not even a sticky bit would change how the sum is rounded.
  logic [SmallBits-1:0] smaller_aligned, larger_aligned;
  assign larger_aligned  = {larger, 3'b000};
  assign smaller_aligned = out_of_reach ? '0 : {in_reach, shift_lost};

  logic a_special, b_special, nan, subtract, sign;
  assign a_special = &a_i[ManBits+:ExpBits];
  assign b_special = &b_i[ManBits+:ExpBits];
  assign subtract  = a_i[Bits-1] ^ b_i[Bits-1];
  assign sign      = swap ? b_i[Bits-1] : a_i[Bits-1];
  assign nan       = (a_special && (a_i[ManBits-1:0] != '0)) ||
                     (b_special && (b_i[ManBits-1:0] != '0)) ||
                     (a_special && b_special && subtract);

  // The lowest bit of both summands only makes the carry into a subtraction.
  logic [SmallBits-1:0] addend;
  logic [Low-1:0] sum_low;
  logic carry, unused_carry_in;
  assign addend = smaller_aligned ^ {SmallBits{subtract}};
  assign {carry, sum_low, unused_carry_in} =
      {1'b0, larger_aligned[Low-1:0], subtract} + {1'b0, addend[Low-1:0], subtract};

  assign aligned_o = {nan, subtract, sign, field, larger_aligned[SmallBits-1:Low],
                      addend[SmallBits-1:Low], carry, sum_low};

endmodule
