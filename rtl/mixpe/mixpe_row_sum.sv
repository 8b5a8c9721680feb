// Sum of a row's activations over a group, for weights with a zero point, and a register that
// carries finished sums up along the left of the array. It sees the tokens of the PE beside it, one
// per beat: the last digit's.
module mixpe_row_sum #(
    parameter int unsigned Lanes = 1,
    parameter int unsigned Activation = 0,  // 0 INT8, 1 INT16, 2 FP16
    parameter int unsigned Pipeline = 1,
    parameter int unsigned RowInterval = 2,
    parameter int unsigned Group = 128,
    localparam int unsigned ABits = (Activation == 0) ? 8 : 16,
    localparam int unsigned ResultBits = (Activation == 2) ? 32 : ABits + $clog2(Group)
) (
    input  logic                   clk_i,
    input  logic                   rst_ni,
    input  logic                   advance_i,

    input  logic                   valid_i,  // of a beat's last digit
    input  logic                   first_i,  // the group's first beat
    input  logic                   last_i,   // the group's last token
    input  logic [Lanes*ABits-1:0] a_i,

    input  logic [ResultBits-1:0]  result_i,
    output logic [ResultBits-1:0]  result_o
);

  // -- the sum of the lanes -----------------------------------------------------------------------

  localparam int unsigned LanesBits = (Activation == 2) ? 32 : ABits + $clog2(Lanes);
  logic [LanesBits-1:0] lanes;
  if (Activation == 2) begin : gen_float
    // Level v holds the sums of every 2^v lanes.
    localparam int unsigned Levels = $clog2(Lanes);
    logic [Lanes*32-1:0] activations;
    for (genvar l = 0; l < Lanes; l++) begin : gen_lane
      mixpe_float_shift #(.WBits(3)) u_float (
          .a_i(a_i[l*16+:16]), .w_i(3'b001), .y_o(activations[l*32+:32])
      );
    end
    for (genvar v = 0; v <= Levels; v++) begin : gen_level
      localparam int unsigned Nodes = Lanes >> v;
      logic [Nodes*32-1:0] sums;
      if (v == 0) begin : gen_leaves
        assign sums = activations;
      end else begin : gen_inner
        for (genvar i = 0; i < Nodes; i++) begin : gen_node
          fp_add #(.ExpBits(8), .ManBits(23)) u_add (
              .a_i(gen_level[v-1].sums[(2*i)*32+:32]),
              .b_i(gen_level[v-1].sums[(2*i+1)*32+:32]),
              .y_o(sums[i*32+:32])
          );
        end
      end
    end
    assign lanes = gen_level[Levels].sums;
  end else begin : gen_integer
    always_comb begin
      lanes = '0;
      for (int unsigned l = 0; l < Lanes; l++) begin
        lanes = lanes + LanesBits'($signed(a_i[l*ABits+:ABits]));
      end
    end
  end

  // -- the group's sum ----------------------------------------------------------------------------

  logic add_valid, add_first, add_last;
  logic [LanesBits-1:0] addend;
  if (Pipeline == 1) begin : gen_unregistered
    assign add_valid = valid_i;
    assign add_first = first_i;
    assign add_last  = last_i;
    assign addend    = lanes;
  end else begin : gen_registered
    logic valid_q, first_q, last_q;
    logic [LanesBits-1:0] addend_q;
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        valid_q <= 1'b0;
        last_q  <= 1'b0;
      end else if (advance_i) begin
        valid_q <= valid_i;
        last_q  <= last_i;
      end
    end
    always_ff @(posedge clk_i) begin
      if (advance_i && valid_i) begin
        first_q  <= first_i;
        addend_q <= lanes;
      end
    end
    assign add_valid = valid_q;
    assign add_first = first_q;
    assign add_last  = last_q;
    assign addend    = addend_q;
  end

  logic [ResultBits-1:0] sum_q, base, sum;
  assign base = add_first ? '0 : sum_q;
  if (Activation == 2) begin : gen_float_sum
    fp_add #(.ExpBits(8), .ManBits(23)) u_add (.a_i(base), .b_i(addend), .y_o(sum));
  end else begin : gen_integer_sum
    assign sum = base + ResultBits'($signed(addend));
  end
  always_ff @(posedge clk_i) begin
    if (advance_i && add_valid) begin
      sum_q <= sum;
    end
  end

  // -- results ------------------------------------------------------------------------------------

  logic copy_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      copy_q <= 1'b0;
    end else if (advance_i) begin
      copy_q <= add_last;
    end
  end
  // As fast as the results of the PEs.
  logic [ResultBits-1:0] below;
  if (RowInterval == 1) begin : gen_wait
    logic [ResultBits-1:0] below_q;
    always_ff @(posedge clk_i) begin
      if (advance_i) begin
        below_q <= result_i;
      end
    end
    assign below = below_q;
  end else begin : gen_no_wait
    assign below = result_i;
  end
  always_ff @(posedge clk_i) begin
    if (advance_i) begin
      result_o <= copy_q ? sum_q : below;
    end
  end

endmodule
