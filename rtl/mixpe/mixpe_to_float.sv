// An integer at a given place to FP32, rounded once to nearest even; zero is +0. Combinational. The
// result must be a normal number or zero.
module mixpe_to_float #(
    parameter int unsigned Width = 19  // at least 2
) (
    input  logic [Width-1:0] value_i,  // two's complement
    input  logic [7:0]       field_i,  // exponent field of a value of 1
    output logic [31:0]      float_o
);

  localparam int unsigned CountBits = $clog2(Width);

  logic negative;
  logic [Width-1:0] magnitude, normalised;
  logic [CountBits-1:0] zeros;
  assign negative  = value_i[Width-1];
  assign magnitude = (value_i ^ {Width{negative}}) + Width'(negative);
  lzc #(
      .Width(Width)
  ) u_lzc (
      .data_i (magnitude),
      .count_o(zeros)
  );
  assign normalised = magnitude << zeros;

  logic [7:0] field;
  logic [30:0] rounded;
  assign field = field_i + 8'(Width - 1) - 8'(zeros);
  if (Width <= 24) begin : gen_exact
    assign rounded = {field, 23'(normalised[Width-2:0]) << (24 - Width)};
  end else begin : gen_round
    logic [Width+1:0] padded;
    logic [22:0] kept;
    logic guard, sticky, unused_hidden;
    assign padded        = {normalised, 2'b00};
    assign kept          = padded[Width-:23];
    assign guard         = padded[Width-23];
    assign sticky        = padded[Width-24:0] != '0;
    assign unused_hidden = padded[Width+1];
    // Adding the rounding to field and mantissa together carries rightly from binade to binade.
    increment #(
        .Width(31)
    ) u_round (
        .data_i ({field, kept}),
        .carry_i(guard && (sticky || kept[0])),
        .data_o (rounded)
    );
  end
  assign float_o = normalised[Width-1] ? {negative, rounded} : 32'd0;

endmodule
