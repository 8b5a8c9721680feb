// Array of shift-and-add PEs with dequantisation per group: Y[m,n] = sum over the groups of k of a
// scale times the group's sum of A[m,k] * (W[k,n] - zero point), one tile per job. The channels are
// defined in rtl/README.md, numbers and steps in sim/pe/mixpe/README.md.
module mixpe_array #(
    parameter int unsigned Rows = 4,
    parameter int unsigned Cols = 4,
    parameter int unsigned Lanes = 1,
    parameter int unsigned Activation = 0,  // 0 INT8, 1 INT16, 2 FP16
    parameter int unsigned WBits = 4,
    parameter int unsigned WeightKind = 1,  // 0 int, 1 uint, 2 power of two
    parameter int unsigned Digit = 4,       // bits of a weight per step; WBits: all
    parameter int unsigned Scale = 1,       // 0 INT8, 1 FP16
    parameter int unsigned Pipeline = 1,
    parameter int unsigned RowInterval = 2, // steps from one row of results to the next
    parameter int unsigned Group = 128,     // 2^KBits - 1: a job has one group
    parameter int unsigned KBits = 16,
    localparam int unsigned JobBits = $clog2(Rows + 1) + $clog2(Cols + 1) + KBits + 2,
    localparam int unsigned ABits = (Activation == 0) ? 8 : 16,
    localparam int unsigned SBits =
        ((Scale == 0) ? 8 : 16) + ((WeightKind == 1) ? WBits : 0)
) (
    input  logic                        clk_i,
    input  logic                        rst_ni,
    input  logic                        en_i,

    input  logic                        job_valid_i,
    output logic                        job_ready_o,
    input  logic [JobBits-1:0]          job_i,

    input  logic                        a_valid_i,
    output logic                        a_ready_o,
    input  logic [Rows*Lanes*ABits-1:0] a_i,

    input  logic                        w_valid_i,
    output logic                        w_ready_o,
    input  logic [Cols*Lanes*WBits-1:0] w_i,

    input  logic                        s_valid_i,
    output logic                        s_ready_o,
    input  logic [Cols*SBits-1:0]       s_i,

    output logic                        y_valid_o,
    input  logic                        y_ready_i,
    output logic [Cols*32-1:0]          y_o
);

  localparam int unsigned Digits = (WBits + Digit - 1) / Digit;
  localparam int unsigned NumberBits = (Digits > 1) ? $clog2(Digits) : 1;
  localparam int unsigned GrowBits = (WeightKind == 2) ? (1 << (WBits - 1)) - 1 : WBits;
  localparam int unsigned RowSumBits = (Activation == 2) ? 32 : ABits + $clog2(Group);
  localparam int unsigned ResultBits =
      (Activation == 2) ? 32 : ABits + GrowBits + $clog2(Group);
  localparam int unsigned RowBits = (Rows > 1) ? $clog2(Rows) : 1;
  localparam int unsigned HeaderBits = $clog2(Cols + 1) + 2 + RowBits;
  localparam int unsigned AWidth = Lanes * ABits;
  localparam int unsigned WWidth = Lanes * Digit;
  // Weights come from above, or from below where rows of results come in every step.
  localparam bit Upwards = RowInterval == 1;
  localparam int unsigned TopW = 0;
  localparam int unsigned BottomW = Rows * Cols * WWidth;

  if ((Scale == 0) && (Activation != 0)) begin : gen_wrong_scale
    $error("INT8 scales need INT8 activations");
  end
  if ((WeightKind == 2) && (Digit != WBits)) begin : gen_wrong_digit
    $error("powers of two have no digits");
  end

  logic advance;

  // Wires between the PEs: entry [r][c] comes into PE (r, c); the extra column and row leave. Of
  // weights that move up entry [r][c] leaves PE (r, c).
  logic [Rows*(Cols+1)-1:0] a_valid, a_first, a_last;
  logic [Rows*(Cols+1)*NumberBits-1:0] a_digit;
  logic [Rows*(Cols+1)*AWidth-1:0] a;
  logic [(Rows+1)*Cols*WWidth-1:0] w;
  logic [(Rows+1)*Cols*ResultBits-1:0] results;

  logic [Rows-1:0] edge_valid, edge_first, edge_last, edge_top;
  logic [Rows*NumberBits-1:0] edge_digit;
  logic [Rows*AWidth-1:0] edge_a;

  // Entry c comes into column c from the left; the last one leaves.
  logic [Cols:0] header_valid;
  logic [(Cols+1)*HeaderBits-1:0] header;
  logic [(Cols+1)*RowSumBits-1:0] row_sum;

  logic s_en;
  logic [Cols*SBits-1:0] s;
  logic [RowBits-1:0] leaving_row;
  logic [Cols*32-1:0] sums;

  mixpe_edge #(
      .Rows(Rows), .Cols(Cols), .Lanes(Lanes), .Activation(Activation), .WBits(WBits),
      .WeightKind(WeightKind), .Digit(Digit), .Scale(Scale), .Pipeline(Pipeline),
      .RowInterval(RowInterval), .Group(Group), .KBits(KBits)
  ) u_edge (
      .clk_i, .rst_ni, .en_i,
      .job_valid_i, .job_ready_o, .job_i,
      .a_valid_i, .a_ready_o, .a_i,
      .w_valid_i, .w_ready_o, .w_i,
      .s_valid_i, .s_ready_o, .s_i,
      .y_valid_o, .y_ready_i, .y_o,
      .advance_o(advance),
      .pe_a_valid_o(edge_valid),
      .pe_a_first_o(edge_first),
      .pe_a_last_o(edge_last),
      .pe_a_top_o(edge_top),
      .pe_a_digit_o(edge_digit),
      .pe_a_o(edge_a),
      .pe_w_o(w[(Upwards ? BottomW : TopW)+:Cols*WWidth]),
      .s_en_o(s_en),
      .s_o(s),
      .header_valid_o(header_valid[0]),
      .header_o(header[HeaderBits-1:0]),
      .header_valid_i(header_valid[Cols]),
      .header_i(header[Cols*HeaderBits+:HeaderBits]),
      .row_o(leaving_row),
      .sum_i(sums)
  );

  for (genvar c = 0; c < Cols; c++) begin : gen_column
    mixpe_column #(
        .Rows(Rows), .Cols(Cols), .Activation(Activation), .WBits(WBits),
        .WeightKind(WeightKind), .Scale(Scale), .Group(Group)
    ) u_column (
        .clk_i, .rst_ni,
        .advance_i(advance),
        .s_en_i(s_en),
        .s_i(s[c*SBits+:SBits]),
        .header_valid_i(header_valid[c]),
        .header_i(header[c*HeaderBits+:HeaderBits]),
        .header_valid_o(header_valid[c+1]),
        .header_o(header[(c+1)*HeaderBits+:HeaderBits]),
        .row_sum_i(row_sum[c*RowSumBits+:RowSumBits]),
        .row_sum_o(row_sum[(c+1)*RowSumBits+:RowSumBits]),
        .result_i(results[c*ResultBits+:ResultBits]),
        .row_i(leaving_row),
        .sum_o(sums[c*32+:32])
    );
  end

  if (WeightKind == 1) begin : gen_row_sums
    // Entry r leaves row sum r upwards.
    logic [(Rows+1)*RowSumBits-1:0] finished;
    assign finished[Rows*RowSumBits+:RowSumBits] = '0;
    assign row_sum[RowSumBits-1:0] = finished[RowSumBits-1:0];
    for (genvar r = 0; r < Rows; r++) begin : gen_row
      mixpe_row_sum #(
          .Lanes(Lanes), .Activation(Activation), .Pipeline(Pipeline),
          .RowInterval(RowInterval), .Group(Group)
      ) u_row_sum (
          .clk_i, .rst_ni,
          .advance_i(advance),
          .valid_i(edge_top[r]),
          .first_i(edge_first[r]),
          .last_i(edge_last[r]),
          .a_i(edge_a[r*AWidth+:AWidth]),
          .result_i(finished[(r+1)*RowSumBits+:RowSumBits]),
          .result_o(finished[r*RowSumBits+:RowSumBits])
      );
    end
  end else begin : gen_no_row_sums
    logic unused_top;
    assign row_sum[RowSumBits-1:0] = '0;
    assign unused_top = ^edge_top;
  end

  assign results[Rows*Cols*ResultBits+:Cols*ResultBits] = '0;

  for (genvar r = 0; r < Rows; r++) begin : gen_row
    localparam int unsigned Left = r * (Cols + 1);
    assign a_valid[Left] = edge_valid[r];
    assign a_first[Left] = edge_first[r];
    assign a_last[Left]  = edge_last[r];
    assign a_digit[Left*NumberBits+:NumberBits] = edge_digit[r*NumberBits+:NumberBits];
    assign a[Left*AWidth+:AWidth] = edge_a[r*AWidth+:AWidth];

    for (genvar c = 0; c < Cols; c++) begin : gen_col
      localparam int unsigned In = Left + c;
      localparam int unsigned Above = r * Cols + c;
      localparam int unsigned Below = Above + Cols;
      mixpe_pe #(
          .Lanes(Lanes), .Activation(Activation), .WBits(WBits), .WeightKind(WeightKind),
          .Digit(Digit), .Pipeline(Pipeline), .RowInterval(RowInterval), .Group(Group)
      ) u_pe (
          .clk_i, .rst_ni,
          .advance_i(advance),
          .a_valid_i(a_valid[In]),
          .a_first_i(a_first[In]),
          .a_last_i(a_last[In]),
          .a_digit_i(a_digit[In*NumberBits+:NumberBits]),
          .a_i(a[In*AWidth+:AWidth]),
          .a_valid_o(a_valid[In+1]),
          .a_first_o(a_first[In+1]),
          .a_last_o(a_last[In+1]),
          .a_digit_o(a_digit[(In+1)*NumberBits+:NumberBits]),
          .a_o(a[(In+1)*AWidth+:AWidth]),
          .w_i(w[(Upwards ? Below : Above)*WWidth+:WWidth]),
          .w_o(w[(Upwards ? Above : Below)*WWidth+:WWidth]),
          .result_i(results[Below*ResultBits+:ResultBits]),
          .result_o(results[Above*ResultBits+:ResultBits])
      );
    end
  end

  // What leaves the last column, and the weights' last row, goes nowhere.
  logic unused_right_and_bottom;
  assign unused_right_and_bottom =
      ^{a_valid, a_first, a_last, a_digit, a, w[(Upwards ? TopW : BottomW)+:Cols*WWidth],
        row_sum[Cols*RowSumBits+:RowSumBits]};

endmodule
