// Sum of two IEEE 754 numbers, rounded once: nearest even, subnormals in and out, overflow to
// infinity, one canonical NaN (positive, quiet, mantissa 10..0). x + (-x) is +0. Combinational; for
// a register in the middle use the two halves.
module fp_add #(
    parameter int unsigned ExpBits = 8,
    parameter int unsigned ManBits = 23,  // at least 1
    localparam int unsigned Bits = 1 + ExpBits + ManBits
) (
    input  logic [Bits-1:0] a_i,
    input  logic [Bits-1:0] b_i,
    output logic [Bits-1:0] y_o
);

  localparam int unsigned AlignedBits = ExpBits + 2 * ManBits + 12 - (ManBits + 5) / 2;

  logic [AlignedBits-1:0] aligned;

  fp_add_align #(
      .ExpBits(ExpBits),
      .ManBits(ManBits)
  ) u_align (
      .a_i      (a_i),
      .b_i      (b_i),
      .aligned_o(aligned)
  );

  fp_add_finish #(
      .ExpBits(ExpBits),
      .ManBits(ManBits)
  ) u_finish (
      .aligned_i(aligned),
      .y_o      (y_o)
  );

endmodule
