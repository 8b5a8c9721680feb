// Bit-serial array: Y[m,n] = sum over the groups of k of a scale times the group's sum of A[m,k] *
// W[k,n], one tile per job. The channels are defined in rtl/README.md, numbers and steps in
// sim/pe/bit_serial/README.md.
module bit_serial_array #(
    parameter int unsigned Rows = 4,
    parameter int unsigned Cols = 4,
    parameter int unsigned RowTiles = 1,    // a divisor of Rows
    parameter int unsigned Lanes = 4,
    parameter int unsigned ABits = 16,      // 16: FP16 activations; 8: INT8
    parameter int unsigned WBits = 4,
    parameter int unsigned WeightKind = 1,  // 0 Booth, 1 fp4, 2 fp3, 3 ternary, 4 canonical
    parameter int unsigned SkipZeroTerms = 0,
    parameter int unsigned Group = 128,     // a multiple of Lanes
    parameter int unsigned KBits = 16,
    localparam int unsigned JobBits = $clog2(Rows + 1) + $clog2(Cols + 1) + KBits + 2,
    localparam int unsigned SBits = ((WeightKind == 1) || (WeightKind == 2)) ? 10 : 8,
    localparam int unsigned SumBits = (ABits == 16) ? 32 : 48,
    localparam int unsigned YWidth = RowTiles * Cols * SumBits
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
    output logic [YWidth-1:0]           y_o
);

  localparam int unsigned AWidth = (ABits == 16) ? 17 : 8;
  localparam int unsigned ResultBits = (ABits == 16) ? 29 : 32;
  localparam int unsigned TileRows = Rows / RowTiles;
  localparam int unsigned RowBits = (TileRows > 1) ? $clog2(TileRows) : 1;

  logic [Rows*Lanes*AWidth-1:0] a;
  logic match_en, multiply_en, accumulate_en, clear, copy_en;
  logic scale_en, scale_first, scale_last, shift_en;

  logic [Cols*Lanes*WBits-1:0] w;
  logic [Cols*2-1:0] selects;
  logic [Cols*8-1:0] scales;
  logic [1:0] step;
  logic step_en, group_last, add_en, add_clear;
  logic [RowTiles*Cols-1:0] more;
  logic [RowTiles-1:0] nan;
  logic [RowBits-1:0] add_row;
  logic [YWidth-1:0] sums;

  bit_serial_edge #(
      .Rows(Rows), .Cols(Cols), .RowTiles(RowTiles), .Lanes(Lanes), .ABits(ABits), .WBits(WBits),
      .WeightKind(WeightKind), .Group(Group), .KBits(KBits)
  ) u_edge (
      .clk_i, .rst_ni, .en_i,
      .job_valid_i, .job_ready_o, .job_i,
      .a_valid_i, .a_ready_o, .a_i,
      .w_valid_i, .w_ready_o, .w_i,
      .s_valid_i, .s_ready_o, .s_i,
      .y_valid_o, .y_ready_i, .y_o,
      .pe_a_o(a),
      .match_en_o(match_en),
      .multiply_en_o(multiply_en),
      .accumulate_en_o(accumulate_en),
      .clear_o(clear),
      .copy_en_o(copy_en),
      .scale_en_o(scale_en),
      .scale_first_o(scale_first),
      .scale_last_o(scale_last),
      .shift_en_o(shift_en),
      .w_o(w),
      .select_o(selects),
      .scale_o(scales),
      .step_o(step),
      .step_en_o(step_en),
      .more_i(more[Cols-1:0]),
      .group_last_o(group_last),
      .nan_o(nan),
      .add_en_o(add_en),
      .add_clear_o(add_clear),
      .add_row_o(add_row),
      .sum_i(sums)
  );

  // All tiles have the same weights.
  if (RowTiles > 1) begin : gen_same_steps
    logic unused_more;
    assign unused_more = ^more[RowTiles*Cols-1:Cols];
  end

  for (genvar t = 0; t < RowTiles; t++) begin : gen_tile
    for (genvar c = 0; c < Cols; c++) begin : gen_col
      localparam int unsigned Column = t * Cols + c;
      logic [Lanes-1:0] w_man, w_sign;
      logic [Lanes*2-1:0] w_exp;
      logic [2:0] significance;
      logic scale_bit;

      // Entry r leaves PE r upwards.
      logic [(TileRows+1)*ResultBits-1:0] results;
      assign results[TileRows*ResultBits+:ResultBits] = '0;

      bit_serial_column #(
          .Rows(TileRows), .Lanes(Lanes), .ABits(ABits), .WBits(WBits), .WeightKind(WeightKind),
          .SkipZeroTerms(SkipZeroTerms)
      ) u_column (
          .clk_i,
          .w_i(w[c*Lanes*WBits+:Lanes*WBits]),
          .select_i(selects[c*2+:2]),
          .step_i(step),
          .step_en_i(step_en),
          .more_o(more[Column]),
          .w_man_o(w_man),
          .w_sign_o(w_sign),
          .w_exp_o(w_exp),
          .match_en_i(match_en),
          .multiply_en_i(multiply_en),
          .significance_o(significance),
          .scale_i(scales[c*8+:8]),
          .scale_en_i(group_last),
          .copy_en_i(copy_en),
          .shift_en_i(scale_en),
          .scale_o(scale_bit),
          .result_i(results[0+:ResultBits]),
          .nan_i(nan[t]),
          .convert_en_i(shift_en),
          .add_en_i(add_en),
          .add_clear_i(add_clear),
          .add_row_i(add_row),
          .sum_o(sums[Column*SumBits+:SumBits])
      );

      for (genvar r = 0; r < TileRows; r++) begin : gen_row
        localparam int unsigned Row = t * TileRows + r;
        bit_serial_pe #(
            .Lanes(Lanes), .ABits(ABits), .SkipZeroTerms(SkipZeroTerms)
        ) u_pe (
            .clk_i,
            .a_i(a[Row*Lanes*AWidth+:Lanes*AWidth]),
            .w_man_i(w_man),
            .w_sign_i(w_sign),
            .w_exp_i(w_exp),
            .significance_i(significance),
            .match_en_i(match_en),
            .multiply_en_i(multiply_en),
            .accumulate_en_i(accumulate_en),
            .clear_i(clear),
            .copy_en_i(copy_en),
            .scale_en_i(scale_en),
            .scale_first_i(scale_first),
            .scale_last_i(scale_last),
            .scale_i(scale_bit),
            .shift_en_i(shift_en),
            .result_i(results[(r+1)*ResultBits+:ResultBits]),
            .result_o(results[r*ResultBits+:ResultBits])
        );
      end
    end
  end

endmodule
