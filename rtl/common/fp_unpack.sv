// Takes a floating-point code apart and normalises subnormal numbers:
// |a| = significand_o * 2^(exponent_o - bias - ManBits), bias = 2^(ExpBits-1) - 1.
//
// significand_o has its top bit set unless the number is zero. For infinities and NaN only the
// flags and the sign mean anything.
module fp_unpack #(
    parameter int unsigned ExpBits = 5,
    parameter int unsigned ManBits = 10,
    parameter int unsigned Specials = 2,  // 0 none; 1 all magnitude bits set is NaN; 2 IEEE 754
    localparam int unsigned Bits = 1 + ExpBits + ManBits,
    // Signed, from -ManBits (or so) to 2^ExpBits - 1.
    localparam int unsigned ExponentBits =
        ((ExpBits > $clog2(ManBits + 2)) ? ExpBits : $clog2(ManBits + 2)) + 1
) (
    input  logic [Bits-1:0]                a_i,
    output logic                           sign_o,
    output logic signed [ExponentBits-1:0] exponent_o,
    output logic [ManBits:0]               significand_o,
    output logic                           zero_o,
    output logic                           inf_o,
    output logic                           nan_o
);

  localparam int unsigned CountBits = (ManBits > 0) ? $clog2(ManBits + 1) : 1;

  logic [ExpBits-1:0] field;
  logic normal;
  assign sign_o = a_i[Bits-1];
  assign field  = a_i[ManBits+:ExpBits];
  assign normal = field != '0;

  // The hidden bit takes the place of the exponent's lowest.
  logic [ManBits:0] significand;
  always_comb begin
    significand          = a_i[ManBits:0];
    significand[ManBits] = normal;
  end

  logic [CountBits-1:0] zeros;
  lzc #(
      .Width(ManBits + 1)
  ) u_lzc (
      .data_i (significand),
      .count_o(zeros)
  );

  assign significand_o = significand << zeros;
  assign zero_o        = !significand_o[ManBits];
  assign exponent_o    = normal ? $signed(ExponentBits'(field))
                                : $signed(ExponentBits'(1) - ExponentBits'(zeros));

  if (Specials == 2) begin : gen_ieee
    logic mantissa_zero;
    assign mantissa_zero = significand == (ManBits + 1)'(1) << ManBits;
    assign inf_o = (&field) && mantissa_zero;
    assign nan_o = (&field) && !mantissa_zero;
  end else if (Specials == 1) begin : gen_nan_only
    assign inf_o = 1'b0;
    assign nan_o = &a_i[Bits-2:0];
  end else begin : gen_none
    assign inf_o = 1'b0;
    assign nan_o = 1'b0;
  end

endmodule
