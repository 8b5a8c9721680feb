// Products of one step and their sum: every significand, with three guard bits, moves right by its
// delta (what falls out is lost), takes its sign, and is added. Combinational. The one bit of a
// term has been ANDed to the significand before.
module bit_serial_multiply #(
    parameter int unsigned Lanes = 4,
    localparam int unsigned DotBits = 15 + $clog2(Lanes)
) (
    input  logic [Lanes*11-1:0] significand_i,
    input  logic [Lanes*4-1:0]  delta_i,
    input  logic [Lanes-1:0]    sign_i,
    output logic [DotBits-1:0]  dot_o           // two's complement
);

  logic [Lanes*15-1:0] products;  // two's complement
  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic [13:0] shifted;
    assign shifted = {significand_i[l*11+:11], 3'b000} >> delta_i[l*4+:4];
    assign products[l*15+:15] = sign_i[l] ? 15'd0 - {1'b0, shifted} : {1'b0, shifted};
  end

  // Level v holds the sums of every 2^v lanes.
  localparam int unsigned Levels = $clog2(Lanes);
  for (genvar v = 0; v <= Levels; v++) begin : gen_level
    localparam int unsigned Nodes = Lanes >> v;
    localparam int unsigned Bits = 15 + v;
    logic [Nodes*Bits-1:0] sums;
    if (v == 0) begin : gen_leaves
      assign sums = products;
    end else begin : gen_inner
      for (genvar i = 0; i < Nodes; i++) begin : gen_node
        logic [Bits-2:0] left, right;
        assign left  = gen_level[v-1].sums[(2*i)*(Bits-1)+:Bits-1];
        assign right = gen_level[v-1].sums[(2*i+1)*(Bits-1)+:Bits-1];
        assign sums[i*Bits+:Bits] = {left[Bits-2], left} + {right[Bits-2], right};
      end
    end
  end
  assign dot_o = gen_level[Levels].sums;

endmodule
