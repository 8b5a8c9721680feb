// Takes a floating-point code apart and normalises subnormal numbers:
// |a| = significand_o * 2^(exponent_o - bias - ManBits), bias = 2^(ExpBits-1) - 1.
//
// The top bit of significand_o is always set, which saves a multiplier a row: of zero, as of
// infinities and NaN, only the flags and the sign mean anything.
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

  // With a zero in the place of the hidden bit. That is the exponent's lowest bit's place, because
  // there need not be a mantissa.
  logic [ManBits:0] mantissa;
  logic mantissa_zero;
  always_comb begin
    mantissa          = a_i[ManBits:0];
    mantissa[ManBits] = 1'b0;
  end
  assign mantissa_zero = mantissa == '0;
  assign zero_o        = !normal && mantissa_zero;

  // How far a subnormal number moves is counted without waiting for whether it is one.
  logic [CountBits-1:0] zeros;
  lzc #(
      .Width(ManBits + 1)
  ) u_lzc (
      .data_i (mantissa),
      .count_o(zeros)
  );

  always_comb begin
    significand_o          = mantissa << (normal ? '0 : zeros);
    significand_o[ManBits] = 1'b1;
  end
  assign exponent_o    = normal ? $signed(ExponentBits'(field))
                                : $signed(ExponentBits'(1) - ExponentBits'(zeros));

  if (Specials == 2) begin : gen_ieee
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
