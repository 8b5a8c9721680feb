// Product of two floating-point numbers, each in a format of its own, rounded once to an IEEE 754
// format: nearest even, subnormals in and out, overflow to infinity, one canonical NaN (positive,
// quiet, mantissa 10..0). Combinational.
//
// Specials of an operand: 0 all codes are finite; 1 all magnitude bits set is NaN and there is no
// infinity (OCP E4M3); 2 IEEE 754. Where every product fits the result (FP16 x FP16 -> FP32), the
// constants below leave neither shifter nor rounder.
module fp_mul #(
    parameter int unsigned AExpBits = 5,
    parameter int unsigned AManBits = 10,
    parameter int unsigned ASpecials = 2,
    parameter int unsigned BExpBits = 5,
    parameter int unsigned BManBits = 10,
    parameter int unsigned BSpecials = 2,
    parameter int unsigned OutExpBits = 8,
    parameter int unsigned OutManBits = 23,  // at least 1
    localparam int unsigned ABits = 1 + AExpBits + AManBits,
    localparam int unsigned BBits = 1 + BExpBits + BManBits,
    localparam int unsigned OutBits = 1 + OutExpBits + OutManBits
) (
    input  logic [ABits-1:0]   a_i,
    input  logic [BBits-1:0]   b_i,
    output logic [OutBits-1:0] y_o
);

  localparam int ABias = (1 << (AExpBits - 1)) - 1;
  localparam int BBias = (1 << (BExpBits - 1)) - 1;
  localparam int OutBias = (1 << (OutExpBits - 1)) - 1;
  // Exponents of the largest operands, and of the last places of the smallest.
  localparam int ALargest = ABias + ((ASpecials == 2) ? 0 : 1);
  localparam int BLargest = BBias + ((BSpecials == 2) ? 0 : 1);
  localparam int ASmallest = 1 - ABias - 32'(AManBits);
  localparam int BSmallest = 1 - BBias - 32'(BManBits);
  localparam bit CanOverflow = ALargest + BLargest + 1 > OutBias;
  localparam bit CanUnderflow = ASmallest + BSmallest < 1 - OutBias;

  localparam int unsigned ProductBits = AManBits + BManBits + 2;
  // Every normal result holds its product exactly.
  localparam bit NormalExact = ProductBits <= OutManBits + 1;

  localparam int unsigned AExponentBits =
      ((AExpBits > $clog2(AManBits + 2)) ? AExpBits : $clog2(AManBits + 2)) + 1;
  localparam int unsigned BExponentBits =
      ((BExpBits > $clog2(BManBits + 2)) ? BExpBits : $clog2(BManBits + 2)) + 1;
  // Enough for every exponent of a product, and for how far it is below 1.
  localparam int ExponentOffset = OutBias - ABias - BBias;
  localparam int MaxExponent = (1 << AExpBits) + (1 << BExpBits) - 2 + ExponentOffset;
  localparam int MaxDistance = 32'(AManBits) + 32'(BManBits) - 1 - ExponentOffset;
  localparam int Farthest = (MaxExponent > MaxDistance) ? MaxExponent : MaxDistance;
  localparam int unsigned NeededBits = $clog2(Farthest + 1) + 1;
  localparam int unsigned ShiftBits = $clog2(OutManBits + 4);  // to move a result out altogether
  localparam int unsigned LeastBits = ((OutExpBits > ShiftBits) ? OutExpBits : ShiftBits) + 1;
  localparam int unsigned SumBits = (NeededBits > LeastBits) ? NeededBits : LeastBits;

  logic a_sign, b_sign, a_zero, b_zero, a_inf, b_inf, a_nan, b_nan;
  logic signed [AExponentBits-1:0] a_exponent;
  logic signed [BExponentBits-1:0] b_exponent;
  logic [AManBits:0] a_significand;
  logic [BManBits:0] b_significand;

  fp_unpack #(
      .ExpBits (AExpBits),
      .ManBits (AManBits),
      .Specials(ASpecials)
  ) u_unpack_a (
      .a_i          (a_i),
      .sign_o       (a_sign),
      .exponent_o   (a_exponent),
      .significand_o(a_significand),
      .zero_o       (a_zero),
      .inf_o        (a_inf),
      .nan_o        (a_nan)
  );

  fp_unpack #(
      .ExpBits (BExpBits),
      .ManBits (BManBits),
      .Specials(BSpecials)
  ) u_unpack_b (
      .a_i          (b_i),
      .sign_o       (b_sign),
      .exponent_o   (b_exponent),
      .significand_o(b_significand),
      .zero_o       (b_zero),
      .inf_o        (b_inf),
      .nan_o        (b_nan)
  );

  // The product lies in [1, 4). `exponent` is the result's exponent field if it is below
  // 2; the multiplier tells that late, in its top bit.
  logic [ProductBits-1:0] product;
  logic signed [SumBits-1:0] exponent;
  logic top;
  assign product  = a_significand * b_significand;
  assign top      = product[ProductBits-1];
  assign exponent = SumBits'(a_exponent) + SumBits'(b_exponent) +
                    SumBits'(ExponentOffset);

  // Two places above the point, the result's mantissa, a guard bit; `rest` is what lies below.
  localparam int unsigned WindowBits = OutManBits + 3;
  logic [WindowBits-1:0] window, shifted;
  logic rest, lost;
  if (ProductBits > WindowBits) begin : gen_cut
    assign window = product[ProductBits-1-:WindowBits];
    assign rest   = product[ProductBits-WindowBits-1:0] != '0;
  end else if (ProductBits == WindowBits) begin : gen_same
    assign window = product;
    assign rest   = 1'b0;
  end else begin : gen_pad
    assign window = {product, {(WindowBits - ProductBits) {1'b0}}};
    assign rest   = 1'b0;
  end

  // A product of 2 or more moves one place to the right; one too small for the exponent field moves
  // until field 0 or 1 is right, which the hidden bit's place then tells.
  logic subnormal;
  if (CanUnderflow) begin : gen_underflow
    logic [SumBits-1:0] distance;
    logic [ShiftBits-1:0] shift;
    logic out_of_reach, shift_lost;
    assign subnormal    = exponent <= 0;
    assign distance     = SumBits'(1) - exponent;
    assign out_of_reach = distance[SumBits-1:ShiftBits] != '0;
    // The farthest shift moves everything out.
    assign shift        = subnormal ? distance[ShiftBits-1:0] | {ShiftBits{out_of_reach}}
                                    : ShiftBits'(top);
    shift_right_sticky #(
        .Width    (WindowBits),
        .ShiftBits(ShiftBits)
    ) u_shift (
        .data_i  (window),
        .shift_i (shift),
        .data_o  (shifted),
        .sticky_o(shift_lost)
    );
    assign lost = rest || shift_lost;
  end else begin : gen_no_underflow
    assign subnormal = 1'b0;
    assign shifted   = top ? {1'b0, window[WindowBits-1:1]} : window;
    assign lost      = rest || (top && window[0]);
  end

  // Adding the rounding to exponent field and mantissa together carries rightly from subnormal to
  // normal, from binade to binade, and from the largest number to infinity.
  logic [OutExpBits-1:0] field, field_rounded;
  logic [OutManBits-1:0] mantissa_rounded;
  logic round_up;
  assign field = exponent[OutExpBits-1:0] + OutExpBits'(top);
  if (NormalExact) begin : gen_round_subnormal
    logic hidden;
    assign round_up = subnormal && shifted[0] && (lost || shifted[1]);
    increment #(
        .Width(OutManBits + 1)
    ) u_round (
        .data_i (shifted[OutManBits+1:1]),
        .carry_i(round_up),
        .data_o ({hidden, mantissa_rounded})
    );
    assign field_rounded = subnormal ? OutExpBits'(hidden) : field;
  end else begin : gen_round
    logic [OutExpBits-1:0] field_exact;
    assign round_up    = shifted[0] && (lost || shifted[1]);
    assign field_exact = subnormal ? OutExpBits'(shifted[OutManBits+1]) : field;
    increment #(
        .Width(OutExpBits + OutManBits)
    ) u_round (
        .data_i ({field_exact, shifted[OutManBits:1]}),
        .carry_i(round_up),
        .data_o ({field_rounded, mantissa_rounded})
    );
  end

  // The first is zero by now. The second: where neither range can be left, the low bits of the
  // exponent say all.
  logic unused_bits;
  assign unused_bits = ^{shifted[WindowBits-1], exponent[SumBits-1:OutExpBits]};

  logic zero, overflow, to_inf, to_nan;
  assign zero = a_zero || b_zero;
  if (CanOverflow) begin : gen_overflow
    localparam int InfField = (1 << OutExpBits) - 1;
    assign overflow = (exponent >= SumBits'(InfField)) ||
                      (top && (exponent == SumBits'(InfField - 1)));
  end else begin : gen_no_overflow
    assign overflow = 1'b0;
  end
  assign to_nan = a_nan || b_nan || (a_inf && b_zero) || (b_inf && a_zero);
  assign to_inf = a_inf || b_inf || overflow;

  always_comb begin
    y_o[OutBits-1]            = a_sign ^ b_sign;
    y_o[OutManBits+:OutExpBits] = field_rounded;
    y_o[OutManBits-1:0]       = mantissa_rounded;
    if (zero) begin
      y_o[OutBits-2:0] = '0;
    end else if (to_inf) begin
      y_o[OutManBits+:OutExpBits] = '1;
      y_o[OutManBits-1:0]       = '0;
    end
    if (to_nan) begin
      y_o = {1'b0, {(OutExpBits + 1) {1'b1}}, {(OutManBits - 1) {1'b0}}};
    end
  end

endmodule
