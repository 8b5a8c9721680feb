// Number of zeros above the highest one of data_i; anything (but known) when data_i is zero.
//
// A binary tree: every node tells whether its leaves hold a one and how many zeros lie above it, so
// the high bits of the count, which move a normalising shifter farthest, are ready first. One small
// vector per level and bit of the count: simulators are slow on one wide vector for all nodes.
module lzc #(
    parameter int unsigned Width = 8,
    localparam int unsigned CountBits = (Width > 1) ? $clog2(Width) : 1
) (
    input  logic [Width-1:0]     data_i,
    output logic [CountBits-1:0] count_o
);

  localparam int unsigned Leaves = 1 << CountBits;

  // Bits below the data are zero: they cannot be reached before a one of the data.
  logic [Leaves-1:0] padded;
  if (Leaves == Width) begin : gen_full
    assign padded = data_i;
  end else begin : gen_padded
    assign padded = {data_i, {(Leaves - Width) {1'b0}}};
  end

  // Level l has nodes of 2^(l+1) leaves; node i covers those with the numbers i * 2^(l+1) and up.
  for (genvar l = 0; l < CountBits; l++) begin : gen_level
    localparam int unsigned Nodes = Leaves >> (l + 1);
    logic [2*Nodes-1:0] below;  // whether the two children of each node hold a one
    logic [Nodes-1:0] any, high_empty;
    if (l == 0) begin : gen_leaves
      assign below = padded;
    end else begin : gen_inner
      assign below = gen_level[l-1].any;
    end
    for (genvar i = 0; i < Nodes; i++) begin : gen_node
      assign any[i]        = below[2*i+1] || below[2*i];
      assign high_empty[i] = !below[2*i+1];
    end
    // Bit b of the counts: this level's own bit, and the lower ones from the child that counts.
    for (genvar b = 0; b <= l; b++) begin : gen_bit
      logic [Nodes-1:0] count;
      if (b == l) begin : gen_own
        assign count = high_empty;
      end else begin : gen_lower
        for (genvar i = 0; i < Nodes; i++) begin : gen_choose
          assign count[i] = high_empty[i] ? gen_level[l-1].gen_bit[b].count[2*i]
                                          : gen_level[l-1].gen_bit[b].count[2*i+1];
        end
      end
    end
  end

  for (genvar b = 0; b < CountBits; b++) begin : gen_count
    assign count_o[b] = gen_level[CountBits-1].gen_bit[b].count[0];
  end
  if (1) begin : gen_unused
    logic unused_any;
    assign unused_any = gen_level[CountBits-1].any;
  end

endmodule
