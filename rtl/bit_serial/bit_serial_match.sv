// Exponent match: how far every product of a step lies below the largest one. A lane without a term
// has exponent 0 and holds nobody back. Combinational.
module bit_serial_match #(
    parameter int unsigned Lanes = 4
) (
    input  logic [Lanes*5-1:0] a_exp_i,
    input  logic [Lanes*2-1:0] w_exp_i,
    input  logic [Lanes-1:0]   w_man_i,
    output logic [5:0]         largest_o,
    output logic [Lanes*4-1:0] delta_o     // 15 stands for all from 15 on
);

  localparam int unsigned Levels = $clog2(Lanes);

  logic [Lanes*6-1:0] exponents;
  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    assign exponents[l*6+:6] = {6{w_man_i[l]}} & (6'(a_exp_i[l*5+:5]) + 6'(w_exp_i[l*2+:2]));
  end

  // Level v holds the largest of every 2^v lanes.
  for (genvar v = 0; v <= Levels; v++) begin : gen_level
    localparam int unsigned Nodes = Lanes >> v;
    logic [Nodes*6-1:0] largest;
    if (v == 0) begin : gen_leaves
      assign largest = exponents;
    end else begin : gen_inner
      for (genvar i = 0; i < Nodes; i++) begin : gen_node
        logic [5:0] left, right;
        assign left  = gen_level[v-1].largest[(2*i)*6+:6];
        assign right = gen_level[v-1].largest[(2*i+1)*6+:6];
        assign largest[i*6+:6] = (left > right) ? left : right;
      end
    end
  end
  assign largest_o = gen_level[Levels].largest;

  for (genvar l = 0; l < Lanes; l++) begin : gen_delta
    logic [5:0] delta;
    assign delta = largest_o - exponents[l*6+:6];
    assign delta_o[l*4+:4] = (delta[5:4] != 2'd0) ? 4'd15 : delta[3:0];
  end

endmodule
