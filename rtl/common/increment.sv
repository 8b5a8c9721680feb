// data_i + carry_i, for rounding.
//
// The upper half is incremented before it is known whether the lower one overflows. Synthesis makes
// a ripple of a plain sum; this halves its length for a few multiplexers.
module increment #(
    parameter int unsigned Width = 8  // at least 2
) (
    input  logic [Width-1:0] data_i,
    input  logic             carry_i,
    output logic [Width-1:0] data_o
);

  localparam int unsigned Low = Width / 2;
  localparam int unsigned High = Width - Low;

  logic [Low-1:0] low;
  logic [High-1:0] high, high_plus_1;
  assign low         = data_i[Low-1:0];
  assign high        = data_i[Width-1:Low];
  assign high_plus_1 = high + High'(1);
  assign data_o      = {(carry_i && (&low)) ? high_plus_1 : high, low + Low'(carry_i)};

endmodule
