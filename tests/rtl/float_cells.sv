// The floating-point cells at many parameter points side by side: cell i has word i of each port.
// float_cells.cpp has the same list.
module float_cells (
    input  logic [32*31-1:0] a_i,
    input  logic [32*31-1:0] b_i,
    output logic [32*31-1:0] y_o
);

  // A format is {exponent bits, mantissa bits, specials}, a result {exponent bits, mantissa bits}.
  `define MUL(i, AE, AM, AS, BE, BM, BS, OE, OM) \
    logic [OE+OM:0] y_``i; \
    fp_mul #(.AExpBits(AE), .AManBits(AM), .ASpecials(AS), \
             .BExpBits(BE), .BManBits(BM), .BSpecials(BS), \
             .OutExpBits(OE), .OutManBits(OM)) u_``i ( \
        .a_i(a_i[32*i+:1+AE+AM]), .b_i(b_i[32*i+:1+BE+BM]), .y_o(y_``i)); \
    assign y_o[32*i+:32] = 32'(y_``i);

  `define ADD(i, E, M) \
    logic [E+M:0] y_``i; \
    fp_add #(.ExpBits(E), .ManBits(M)) u_``i ( \
        .a_i(a_i[32*i+:1+E+M]), .b_i(b_i[32*i+:1+E+M]), .y_o(y_``i)); \
    assign y_o[32*i+:32] = 32'(y_``i);

  // Every pair.
  `MUL(0, 4, 3, 1, 4, 3, 1, 8, 23)
  `MUL(1, 5, 2, 2, 5, 2, 2, 8, 23)
  `MUL(2, 4, 3, 1, 5, 2, 2, 8, 23)
  `MUL(3, 3, 2, 0, 3, 2, 0, 8, 23)
  `MUL(4, 4, 3, 1, 4, 3, 1, 5, 10)
  `MUL(5, 5, 2, 2, 5, 2, 2, 5, 10)
  `MUL(6, 5, 2, 2, 4, 3, 1, 5, 2)
  `MUL(7, 5, 2, 2, 5, 2, 2, 4, 3)
  `MUL(8, 4, 3, 1, 3, 2, 0, 5, 2)
  `MUL(9, 4, 3, 1, 4, 3, 1, 3, 2)
  `MUL(10, 3, 2, 0, 3, 2, 0, 3, 2)
  `MUL(11, 4, 3, 2, 4, 3, 2, 4, 3)
  `MUL(12, 2, 1, 0, 5, 2, 2, 4, 3)
  `MUL(13, 5, 2, 2, 2, 0, 0, 5, 1)
  `ADD(14, 4, 3)
  `ADD(15, 5, 2)
  `ADD(16, 3, 2)
  `ADD(17, 2, 4)
  `ADD(18, 4, 1)

  // Corners and random pairs.
  `MUL(19, 5, 10, 2, 5, 10, 2, 8, 23)
  `MUL(20, 8, 7, 2, 8, 7, 2, 8, 23)
  `MUL(21, 8, 7, 2, 5, 2, 2, 8, 23)
  `MUL(22, 5, 10, 2, 4, 3, 1, 8, 23)
  `MUL(23, 5, 10, 2, 8, 7, 2, 8, 23)
  `MUL(24, 5, 10, 2, 5, 10, 2, 5, 10)
  `MUL(25, 8, 23, 2, 8, 23, 2, 8, 23)
  `MUL(26, 2, 1, 0, 5, 10, 2, 8, 23)
  `ADD(27, 5, 10)
  `ADD(28, 8, 7)
  `ADD(29, 8, 23)

  // The two halves of an FP32 adder, with the width between them as fp_add_align documents it.
  logic [8+2*23+12-(23+5)/2-1:0] aligned;
  fp_add_align u_align (
      .a_i      (a_i[32*30+:32]),
      .b_i      (b_i[32*30+:32]),
      .aligned_o(aligned)
  );
  fp_add_finish u_finish (
      .aligned_i(aligned),
      .y_o      (y_o[32*30+:32])
  );

  // Most cells are narrower than their word.
  logic unused_inputs;
  assign unused_inputs = ^{a_i, b_i};

endmodule
