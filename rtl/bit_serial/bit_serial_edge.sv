// Everything of the bit-serial array around its PEs and columns: the channel buffers, the
// controller, the activations that are held for the terms of a weight, and the way of a group
// through the array. rtl/README.md defines the channels, sim/pe/bit_serial/README.md the steps.
module bit_serial_edge #(
    parameter int unsigned Rows = 4,
    parameter int unsigned Cols = 4,
    parameter int unsigned RowTiles = 1,
    parameter int unsigned Lanes = 4,
    parameter int unsigned ABits = 16,
    parameter int unsigned WBits = 4,
    parameter int unsigned WeightKind = 1,
    parameter int unsigned Group = 128,
    parameter int unsigned KBits = 16,
    localparam int unsigned MBits = $clog2(Rows + 1),
    localparam int unsigned NBits = $clog2(Cols + 1),
    localparam int unsigned JobBits = MBits + NBits + KBits + 2,
    localparam int unsigned SBits = ((WeightKind == 1) || (WeightKind == 2)) ? 10 : 8,
    localparam int unsigned SumBits = (ABits == 16) ? 32 : 48,
    localparam int unsigned AWidth = (ABits == 16) ? 17 : 8,
    localparam int unsigned TileRows = Rows / RowTiles,
    localparam int unsigned RowBits = (TileRows > 1) ? $clog2(TileRows) : 1,
    localparam int unsigned YWidth = RowTiles * Cols * SumBits
) (
    input  logic                         clk_i,
    input  logic                         rst_ni,
    input  logic                         en_i,

    input  logic                         job_valid_i,
    output logic                         job_ready_o,
    input  logic [JobBits-1:0]           job_i,

    input  logic                         a_valid_i,
    output logic                         a_ready_o,
    input  logic [Rows*Lanes*ABits-1:0]  a_i,

    input  logic                         w_valid_i,
    output logic                         w_ready_o,
    input  logic [Cols*Lanes*WBits-1:0]  w_i,

    input  logic                         s_valid_i,
    output logic                         s_ready_o,
    input  logic [Cols*SBits-1:0]        s_i,

    output logic                         y_valid_o,
    input  logic                         y_ready_i,
    output logic [YWidth-1:0]            y_o,

    // To the PEs.
    output logic [Rows*Lanes*AWidth-1:0] pe_a_o,
    output logic                         match_en_o,
    output logic                         multiply_en_o,
    output logic                         accumulate_en_o,
    output logic                         clear_o,
    output logic                         copy_en_o,
    output logic                         scale_en_o,
    output logic                         scale_first_o,
    output logic                         scale_last_o,
    output logic                         shift_en_o,

    // To and from the columns.
    output logic [Cols*Lanes*WBits-1:0]  w_o,
    output logic [Cols*2-1:0]            select_o,
    output logic [Cols*8-1:0]            scale_o,
    output logic [1:0]                   step_o,
    output logic                         step_en_o,
    input  logic [Cols-1:0]              more_i,
    output logic                         group_last_o,
    output logic [RowTiles-1:0]          nan_o,
    output logic                         add_en_o,
    output logic                         add_clear_o,
    output logic [RowBits-1:0]           add_row_o,
    input  logic [YWidth-1:0]            sum_i
);

  localparam int unsigned LanesLog2 = $clog2(Lanes);
  localparam int unsigned GroupBeats = Group / Lanes;
  localparam int unsigned GroupBeatBits = (GroupBeats > 1) ? $clog2(GroupBeats) : 1;
  localparam int unsigned BeatBits = $clog2(TileRows + 1);  // beats of results
  localparam int unsigned GapBits = (BeatBits > 3) ? BeatBits : 3;

  // -- channel buffers ----------------------------------------------------------------------------

  logic job_valid, job_pop;
  logic [JobBits-1:0] job;
  skid_buffer #(.Width(JobBits)) u_job (
      .clk_i, .rst_ni,
      .valid_i(job_valid_i), .ready_o(job_ready_o), .data_i(job_i),
      .valid_o(job_valid), .ready_i(job_pop), .data_o(job)
  );

  logic a_valid, w_valid, s_valid, operands_pop, s_pop;
  logic [Rows*Lanes*ABits-1:0] a;
  logic [Cols*SBits-1:0] s;
  skid_buffer #(.Width(Rows * Lanes * ABits)) u_a (
      .clk_i, .rst_ni,
      .valid_i(a_valid_i), .ready_o(a_ready_o), .data_i(a_i),
      .valid_o(a_valid), .ready_i(operands_pop), .data_o(a)
  );
  skid_buffer #(.Width(Cols * Lanes * WBits)) u_w (
      .clk_i, .rst_ni,
      .valid_i(w_valid_i), .ready_o(w_ready_o), .data_i(w_i),
      .valid_o(w_valid), .ready_i(operands_pop), .data_o(w_o)
  );
  skid_buffer #(.Width(Cols * SBits)) u_s (
      .clk_i, .rst_ni,
      .valid_i(s_valid_i), .ready_o(s_ready_o), .data_i(s_i),
      .valid_o(s_valid), .ready_i(s_pop), .data_o(s)
  );

  logic y_push, y_ready;
  logic [YWidth-1:0] y_row, y_head;
  skid_buffer #(.Width(YWidth)) u_y (
      .clk_i, .rst_ni,
      .valid_i(y_push), .ready_o(y_ready), .data_i(y_row),
      .valid_o(y_valid_o), .ready_i(y_ready_i), .data_o(y_head)
  );
  assign y_o = y_valid_o ? y_head : '0;

  // -- controller: which token enters -------------------------------------------------------------

  logic [MBits-1:0] job_m;
  logic [NBits-1:0] job_n;
  logic [KBits-1:0] job_k;
  logic job_accumulate, job_emit;
  assign {job_emit, job_accumulate, job_k, job_n, job_m} = job;

  // Number of the job's last beat: (k - 1) / Lanes.
  logic [KBits-1:0] k_minus_1, final_beat;
  assign k_minus_1  = job_k - KBits'(1);
  assign final_beat = k_minus_1 >> LanesLog2;

  logic in_job_q, first_group_q;
  logic [1:0] step_q;  // of the beat
  logic [KBits-1:0] beat_q;
  logic [GroupBeatBits-1:0] group_beat_q;
  logic [GapBits-1:0] gap_q;  // steps until the last token of a group may enter

  logic last_step, last_beat, group_last, job_last, operands_valid, feed, advance;
  logic y_push_wanted;  // a row of results leaves in this step
  assign last_step      = more_i == '0;
  assign last_beat      = beat_q == final_beat;
  assign group_last     = last_step && (last_beat ||
                                        (group_beat_q == GroupBeatBits'(GroupBeats - 1)));
  assign job_last       = last_step && last_beat;
  assign operands_valid = a_valid && w_valid && s_valid;
  assign feed           = job_valid && operands_valid && !(group_last && (gap_q != '0));
  assign advance        = en_i && (!in_job_q || operands_valid) && (!y_push_wanted || y_ready);

  logic fed, group_enters;
  assign fed          = advance && feed;
  assign group_enters = fed && group_last;
  assign job_pop      = fed && job_last;
  assign operands_pop = fed && last_step;
  assign s_pop        = group_enters;

  // Every tile sends a row at a time.
  logic [BeatBits-1:0] result_beats;
  if (RowTiles == 1) begin : gen_one_tile
    assign result_beats = job_m;
  end else begin : gen_tiles
    assign result_beats = (32'(job_m) > TileRows) ? BeatBits'(TileRows) : BeatBits'(job_m);
  end

  // The scale takes eight steps, the results of a group as many as they have beats.
  logic [GapBits-1:0] spacing_minus_1;
  if (TileRows > 8) begin : gen_many_rows
    assign spacing_minus_1 =
        (result_beats > BeatBits'(8)) ? GapBits'(result_beats) - GapBits'(1) : GapBits'(7);
  end else begin : gen_few_rows
    assign spacing_minus_1 = GapBits'(7);
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      in_job_q      <= 1'b0;
      first_group_q <= 1'b1;
      step_q        <= '0;
      beat_q        <= '0;
      group_beat_q  <= '0;
      gap_q         <= '0;
    end else if (advance) begin
      if (feed) begin
        in_job_q <= !job_last;
        step_q   <= last_step ? 2'd0 : step_q + 2'd1;
        if (last_step) begin
          beat_q       <= last_beat ? '0 : beat_q + KBits'(1);
          group_beat_q <= group_last ? '0 : group_beat_q + GroupBeatBits'(1);
        end
      end
      if (feed && group_last) begin
        first_group_q <= job_last;
        gap_q         <= spacing_minus_1;
      end else if (gap_q != '0) begin
        gap_q <= gap_q - GapBits'(1);
      end
    end
  end

  // -- operands: activations are held while the terms of their weights pass -----------------------

  logic [Rows*Lanes*ABits-1:0] a_q;
  always_ff @(posedge clk_i) begin
    if (fed && (step_q == 2'd0)) begin
      a_q <= a;
    end
  end
  for (genvar i = 0; i < Rows * Lanes; i++) begin : gen_activation
    if (ABits == 16) begin : gen_float
      logic [4:0] field;
      logic normal;
      assign field  = a_q[i*16+10+:5];
      assign normal = field != 5'd0;
      assign pe_a_o[i*17+:17] = {a_q[i*16+15], field[4:1], field[0] || !normal, normal,
                                 a_q[i*16+:10]};
    end else begin : gen_integer
      assign pe_a_o[i*8+:8] = a_q[i*8+:8];
    end
  end

  assign step_o       = step_q;
  assign step_en_o    = fed;
  assign group_last_o = group_enters;
  for (genvar c = 0; c < Cols; c++) begin : gen_scale
    assign scale_o[c*8+:8] = s[c*SBits+:8];
    if (SBits == 10) begin : gen_select
      assign select_o[c*2+:2] = s[c*SBits+8+:2];
    end else begin : gen_no_select
      assign select_o[c*2+:2] = 2'd0;
    end
  end

  // -- a token's way through the PEs: one stage per step ------------------------------------------

  logic [2:0] valid_q;              // a token is matched, multiplied, accumulated in this step
  logic [3:0] last_q;               // it is its group's last; one stage more: the sum is finished
  logic [2:0] first_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q <= '0;
      last_q  <= '0;
    end else if (advance) begin
      valid_q <= {valid_q[1:0], feed};
      last_q  <= {last_q[2:0], feed && group_last};
    end
  end
  always_ff @(posedge clk_i) begin
    if (advance) begin
      first_q <= {first_q[1:0], (group_beat_q == '0) && (step_q == 2'd0)};
    end
  end
  assign match_en_o      = advance && valid_q[0];
  assign multiply_en_o   = advance && valid_q[1];
  assign accumulate_en_o = advance && valid_q[2];
  assign clear_o         = first_q[2];

  // -- a group's way: finished, times its scale, up its column, into the sums ---------------------

  // What a group carries along: its beats of results and columns, whether it begins the sums and
  // whether it ends them and they leave. Stage 0: after its last token; 1: while it is scaled; 2:
  // while it moves up.
  localparam int unsigned InfoBits = BeatBits + NBits + 2;
  logic [InfoBits-1:0] info_0_q, info_1_q, info_2_q;
  logic [3:0] scale_left_q;
  logic [BeatBits-1:0] beats_left_q, beats_2;
  logic [NBits-1:0] cols_2;
  logic clear_2, emit_2, moves_up;
  logic [RowBits-1:0] row_q;
  assign {emit_2, clear_2, cols_2, beats_2} = info_2_q;
  assign moves_up = beats_left_q != '0;

  assign copy_en_o     = advance && last_q[3];
  assign scale_en_o    = advance && (scale_left_q != '0);
  assign scale_first_o = scale_left_q == 4'd8;
  assign scale_last_o  = scale_left_q == 4'd1;
  assign shift_en_o    = advance && moves_up;

  logic add_q, add_clear_q, add_emit_q;
  logic [NBits-1:0] add_cols_q;
  logic [RowBits-1:0] add_row_q;
  assign y_push_wanted = add_q && add_emit_q;
  assign y_push        = advance && y_push_wanted;
  assign add_en_o      = advance && add_q;
  assign add_clear_o   = add_clear_q;
  assign add_row_o     = add_row_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      scale_left_q <= '0;
      beats_left_q <= '0;
      add_q        <= 1'b0;
    end else if (advance) begin
      if (last_q[3]) begin
        scale_left_q <= 4'd8;
      end else if (scale_left_q != '0) begin
        scale_left_q <= scale_left_q - 4'd1;
      end
      if (scale_last_o) begin
        beats_left_q <= info_1_q[BeatBits-1:0];
      end else if (moves_up) begin
        beats_left_q <= beats_left_q - BeatBits'(1);
      end
      add_q <= moves_up;
    end
  end

  always_ff @(posedge clk_i) begin
    if (group_enters) begin
      info_0_q <= {job_emit && job_last, first_group_q && !job_accumulate, job_n, result_beats};
    end
    if (copy_en_o) begin
      info_1_q <= info_0_q;
    end
    if (advance && scale_last_o) begin
      info_2_q <= info_1_q;
      row_q    <= '0;
    end else if (shift_en_o) begin
      row_q <= row_q + RowBits'(1);
    end
    if (shift_en_o) begin
      add_clear_q <= clear_2;
      add_emit_q  <= emit_2;
      add_cols_q  <= cols_2;
      add_row_q   <= row_q;
    end
  end

  // The padded lanes of a result beat are zero; those of padded rows are sums of zeros.
  for (genvar i = 0; i < RowTiles * Cols; i++) begin : gen_y
    assign y_row[i*SumBits+:SumBits] =
        (i % Cols < 32'(add_cols_q)) ? sum_i[i*SumBits+:SumBits] : '0;
  end

  // -- infinities and NaN: a flag per row and group -----------------------------------------------

  if (ABits == 16) begin : gen_nan
    logic [Rows-1:0] special, seen_q, nan_0_q, nan_1_q, nan_2_q;
    for (genvar r = 0; r < Rows; r++) begin : gen_row
      logic [Lanes-1:0] lane_special;
      for (genvar l = 0; l < Lanes; l++) begin : gen_lane
        assign lane_special[l] = &a_q[(r*Lanes+l)*16+10+:5];
      end
      assign special[r] = lane_special != '0;
    end
    always_ff @(posedge clk_i) begin
      if (match_en_o) begin
        seen_q <= special | (first_q[0] ? '0 : seen_q);
      end
      if (advance && last_q[1]) begin
        nan_0_q <= seen_q;
      end
      if (copy_en_o) begin
        nan_1_q <= nan_0_q;
      end
      if (advance && scale_last_o) begin
        nan_2_q <= nan_1_q;
      end else if (shift_en_o) begin
        nan_2_q <= nan_2_q >> 1;
      end
    end
    for (genvar t = 0; t < RowTiles; t++) begin : gen_tile_nan
      assign nan_o[t] = nan_2_q[t*TileRows];
    end
  end else begin : gen_no_nan
    assign nan_o = '0;
  end

  logic unused_beats;
  assign unused_beats = ^beats_2;

`ifndef SYNTHESIS
  // What the producer of jobs owes us.
  always_ff @(posedge clk_i) begin
    if (job_valid) begin
      assert (job_m != '0 && job_n != '0 && job_k != '0);
    end
  end
  if (Rows < 2 ** MBits - 1) begin : gen_check_m
    always_ff @(posedge clk_i) if (job_valid) assert (32'(job_m) <= Rows);
  end
  if (Cols < 2 ** NBits - 1) begin : gen_check_n
    always_ff @(posedge clk_i) if (job_valid) assert (32'(job_n) <= Cols);
  end
  // Groups are far enough apart: none overtakes the one before it.
  always_ff @(posedge clk_i) begin
    assert (!copy_en_o || (scale_left_q <= 4'd1));
    assert (!(advance && scale_last_o) || !moves_up || (beats_left_q == BeatBits'(1)));
  end
`endif

endmodule
