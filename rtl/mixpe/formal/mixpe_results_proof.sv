// The results of a column, and the sums of activations beside it, arrive at the top row after row,
// RowInterval steps apart, each in its step and none lost, however close the groups are that the
// controller lets in: for any activations. A group is one token with weights of 1, so that a result
// is the activation.
//
// sources: rtl/mixpe/mixpe_product.sv rtl/mixpe/mixpe_pe.sv rtl/mixpe/mixpe_row_sum.sv
// method: induction 16
// prove: Rows=3 RowInterval=1
// prove: Rows=3 RowInterval=1 Pipeline=2
// prove: Rows=3 RowInterval=2
// prove: Rows=3 RowInterval=2 Pipeline=2
module mixpe_results_proof #(
    parameter int unsigned Rows = 3,
    parameter int unsigned RowInterval = 1,
    parameter int unsigned Pipeline = 1
) (
    input logic              clk_i,
    input logic              rst_ni,
    input logic              enter_i,  // a group
    input logic [Rows*8-1:0] a_i
);

  localparam int unsigned Group = 16;
  localparam int unsigned ResultBits = 8 + 2 + $clog2(Group);
  localparam int unsigned RowSumBits = 8 + $clog2(Group);
  // The least distance of groups that keeps their results apart.
  localparam int unsigned Spacing = (RowInterval == 1) ? Rows : 2 * Rows - 1;
  // A row's result is at the top so many steps after the group entered.
  localparam int unsigned FirstRow = ((RowInterval == 1) ? Rows + 2 : 3) + Pipeline - 1;
  localparam int unsigned Steps = FirstRow + RowInterval * (Rows - 1);

  logic started_q = 1'b0;
  always_ff @(posedge clk_i) started_q <= 1'b1;

  // Groups by the steps since they entered, from 1 on.
  logic [Steps:1] entered_q;
  logic [Steps*Rows*8-1:0] a_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      entered_q <= '0;
    end else begin
      entered_q <= {entered_q[Steps-1:1], enter_i};
    end
  end
  always_ff @(posedge clk_i) a_q <= {a_q[0+:(Steps-1)*Rows*8], a_i};

  always_comb begin
    assume (started_q == rst_ni);
    if (enter_i) assume (entered_q[Spacing-1:1] == '0);
  end

  logic [(Rows+1)*ResultBits-1:0] results;
  logic [(Rows+1)*RowSumBits-1:0] row_sums;
  assign results[Rows*ResultBits+:ResultBits]  = '0;
  assign row_sums[Rows*RowSumBits+:RowSumBits] = '0;
  for (genvar r = 0; r < Rows; r++) begin : gen_row
    localparam int unsigned Skew = (RowInterval == 1) ? Rows - r : r + 1;
    logic [7:0] a, unused_a;
    logic unused_valid, unused_first, unused_last, unused_digit;
    logic [1:0] unused_w;
    assign a = a_q[((Skew-1)*Rows+r)*8+:8];
    mixpe_pe #(
        .Lanes(1), .Activation(0), .WBits(2), .WeightKind(0), .Digit(2), .Pipeline(Pipeline),
        .RowInterval(RowInterval), .Group(Group)
    ) u_pe (
        .clk_i, .rst_ni, .advance_i(1'b1),
        .a_valid_i(entered_q[Skew]), .a_first_i(1'b1), .a_last_i(entered_q[Skew]),
        .a_digit_i(1'b0), .a_i(a),
        .a_valid_o(unused_valid), .a_first_o(unused_first), .a_last_o(unused_last),
        .a_digit_o(unused_digit), .a_o(unused_a),
        .w_i(2'b01), .w_o(unused_w),
        .result_i(results[(r+1)*ResultBits+:ResultBits]),
        .result_o(results[r*ResultBits+:ResultBits])
    );
    mixpe_row_sum #(
        .Lanes(1), .Activation(0), .Pipeline(Pipeline), .RowInterval(RowInterval), .Group(Group)
    ) u_row_sum (
        .clk_i, .rst_ni, .advance_i(1'b1),
        .valid_i(entered_q[Skew]), .first_i(1'b1), .last_i(entered_q[Skew]), .a_i(a),
        .result_i(row_sums[(r+1)*RowSumBits+:RowSumBits]),
        .result_o(row_sums[r*RowSumBits+:RowSumBits])
    );

    localparam int unsigned Arrives = FirstRow + RowInterval * r;
    logic signed [7:0] right;
    assign right = a_q[((Arrives-1)*Rows+r)*8+:8];
    always_comb begin
      if (entered_q[Arrives]) begin
        assert (results[ResultBits-1:0] == ResultBits'(right));
        assert (row_sums[RowSumBits-1:0] == RowSumBits'(right));
      end
    end
  end

endmodule
