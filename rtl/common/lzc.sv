// Number of zeros above the highest one of data_i; anything (but known) when data_i is zero.
//
// A binary tree: every node tells whether its leaves hold a one and how many zeros lie above it, so
// the high bits of the count, which move a normalising shifter farthest, are ready first.
module lzc #(
    parameter int unsigned Width = 8,
    localparam int unsigned CountBits = (Width > 1) ? $clog2(Width) : 1
) (
    input  logic [Width-1:0]     data_i,
    output logic [CountBits-1:0] count_o
);

  localparam int unsigned Leaves = 1 << CountBits;

  // Node k has the children 2k (high half) and 2k+1; the root is 1. Leaves below the data are
  // zero: they cannot be reached before a one of the data.
  logic [2*Leaves-1:0] any;
  logic [Leaves*CountBits-1:0] count;  // of inner nodes; zero bits where a node needs fewer

  always_comb begin
    any   = '0;
    count = '0;
    for (int unsigned i = 0; i < Width; i++) begin
      any[Leaves+i] = data_i[Width-1-i];
    end
    for (int unsigned k = Leaves - 1; k >= 1; k--) begin
      any[k] = any[2*k] || any[2*k+1];
      for (int unsigned level = 0; level < CountBits; level++) begin
        // Node k is at this level above the leaves if its number has CountBits - level bits.
        if ((k >> (CountBits - 1 - level)) == 1) begin
          count[k*CountBits+level] = !any[2*k];
        end else if ((k >> (CountBits - 1 - level)) == 0) begin
          count[k*CountBits+level] =
              any[2*k] ? count[2*k*CountBits+level] : count[(2*k+1)*CountBits+level];
        end
      end
    end
    count_o = count[CountBits+:CountBits];
  end

endmodule
