// Everything of the array around its tables, lanes and columns: the channel buffers, the
// controller, the way of a token and of a group through the array. rtl/README.md defines the
// channels, sim/pe/lut_tensor_core/README.md the steps.
module lut_tensor_core_edge #(
    parameter int unsigned M = 2,
    parameter int unsigned N = 64,
    parameter int unsigned K = 4,
    parameter int unsigned UnitRows = 1,
    parameter int unsigned UnitCols = 1,
    parameter int unsigned Engine = 0,
    parameter int unsigned Activation = 0,
    parameter int unsigned WBits = 2,
    parameter int unsigned WeightKind = 0,
    parameter int unsigned Table = 0,
    parameter int unsigned Precompute = 1,
    parameter int unsigned AccManBits = 23,
    parameter int unsigned Pipeline = 1,
    parameter int unsigned Group = 128,
    parameter int unsigned KBits = 16,
    localparam int unsigned Rows = M * UnitRows,
    localparam int unsigned Cols = N * UnitCols,
    localparam int unsigned MBits = $clog2(Rows + 1),
    localparam int unsigned NBits = $clog2(Cols + 1),
    localparam int unsigned JobBits = MBits + NBits + KBits + 2,
    localparam bit Float = Activation >= 2,
    localparam int unsigned ActBits = ((Activation == 1) || (Activation == 2)) ? 16 : 8,
    localparam int unsigned Planes = (WeightKind == 2) ? 1 : (WeightKind == 3) ? 2 : WBits,
    localparam bit HasTable = Engine <= 2,
    localparam bit Fused = HasTable && (Precompute == 0),
    localparam int unsigned Wait = (!HasTable || Fused) ? 0 : (Table == 1) ? 2 : 1,
    localparam int unsigned Entries = (Engine <= 1) ? (1 << (K - 1)) : (1 << K) - 1,
    localparam int unsigned SentBits = (Table == 1) ? 8 : Float ? 16 : ActBits + $clog2(K),
    localparam int unsigned TableBits = Entries * SentBits + ((Table == 1) ? 6 : 0),
    localparam int unsigned AWidth = Rows * (Fused ? TableBits : K * ActBits),
    localparam int unsigned WWidth = Cols * K * ((Engine == 4) ? Planes : 1),
    localparam int unsigned SWidth = Cols * ((WeightKind == 1) ? 8 + Planes : 8),
    localparam int unsigned SumBits = Float ? 32 : 48,
    localparam int unsigned YWidth = Cols * SumBits,
    localparam int unsigned RowBits = (Rows > 1) ? $clog2(Rows) : 1
) (
    input  logic               clk_i,
    input  logic               rst_ni,
    input  logic               en_i,

    input  logic               job_valid_i,
    output logic               job_ready_o,
    input  logic [JobBits-1:0] job_i,

    input  logic               a_valid_i,
    output logic               a_ready_o,
    input  logic [AWidth-1:0]  a_i,

    input  logic               w_valid_i,
    output logic               w_ready_o,
    input  logic [WWidth-1:0]  w_i,

    input  logic               s_valid_i,
    output logic               s_ready_o,
    input  logic [SWidth-1:0]  s_i,

    output logic               y_valid_o,
    input  logic               y_ready_i,
    output logic [YWidth-1:0]  y_o,

    // To the tables: by stage; the first takes a_o.
    output logic [AWidth-1:0]  a_o,
    output logic [Wait:0]      table_en_o,

    // To the lanes and the sum lanes.
    output logic               read_en_o,
    output logic               sum_read_en_o,
    output logic               accumulate_en_o,
    output logic               sum_accumulate_en_o,
    output logic               clear_o,
    output logic [2:0]         plane_o,
    output logic               copy_en_o,
    output logic               shift_en_o,

    // To and from the columns.
    output logic [WWidth-1:0]  w_o,
    output logic [Wait:0]      w_en_o,
    output logic [SWidth-1:0]  s_o,
    output logic               s_en_o,
    output logic               correct_en_o,
    output logic               subtract_en_o,
    output logic               scale_en_o,
    output logic               add_en_o,
    output logic               add_clear_o,
    output logic [RowBits-1:0] add_row_o,
    input  logic [YWidth-1:0]  sum_i
);

  // Steps from a token's entry to its accumulation.
  localparam int unsigned Latency = Wait + Pipeline;
  localparam int unsigned Steps = (Engine == 4) ? 1 : Planes;  // per table
  localparam int unsigned GroupBeats = Group / K;
  localparam int unsigned GroupBeatBits = (GroupBeats > 1) ? $clog2(GroupBeats) : 1;
  localparam int unsigned MostGap = (Rows + 1 > Latency) ? Rows + 1 : Latency;
  localparam int unsigned GapBits = $clog2(MostGap + 1);

  if ((AccManBits != 23) && ((AccManBits != 10) || !Float || (Engine == 4))) begin : gen_refused
    $error("this array has no such accumulators");
  end

  // -- channel buffers ----------------------------------------------------------------------------

  logic job_valid, job_pop;
  logic [JobBits-1:0] job;
  skid_buffer #(.Width(JobBits)) u_job (
      .clk_i, .rst_ni,
      .valid_i(job_valid_i), .ready_o(job_ready_o), .data_i(job_i),
      .valid_o(job_valid), .ready_i(job_pop), .data_o(job)
  );

  logic a_valid, w_valid, s_valid, a_pop, w_pop, s_pop;
  skid_buffer #(.Width(AWidth)) u_a (
      .clk_i, .rst_ni,
      .valid_i(a_valid_i), .ready_o(a_ready_o), .data_i(a_i),
      .valid_o(a_valid), .ready_i(a_pop), .data_o(a_o)
  );
  skid_buffer #(.Width(WWidth)) u_w (
      .clk_i, .rst_ni,
      .valid_i(w_valid_i), .ready_o(w_ready_o), .data_i(w_i),
      .valid_o(w_valid), .ready_i(w_pop), .data_o(w_o)
  );
  skid_buffer #(.Width(SWidth)) u_s (
      .clk_i, .rst_ni,
      .valid_i(s_valid_i), .ready_o(s_ready_o), .data_i(s_i),
      .valid_o(s_valid), .ready_i(s_pop), .data_o(s_o)
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

  logic in_job_q, first_group_q;
  logic [2:0] plane_q;
  logic [KBits-1:0] k_done_q, k_left;  // K is no power of two in general: nothing is divided
  logic [GroupBeatBits-1:0] group_beat_q;
  logic [GapBits-1:0] gap_q;           // steps until the last token of a group may enter

  logic first_plane, last_plane, last_beat, group_last, job_last, operands_valid, feed, advance;
  logic y_push_wanted;                 // a row of results leaves in this step
  assign k_left         = job_k - k_done_q;
  assign first_plane    = plane_q == '0;
  assign last_plane     = plane_q == 3'(Steps - 1);
  assign last_beat      = k_left <= KBits'(K);
  assign group_last     = last_plane && (last_beat ||
                                         (group_beat_q == GroupBeatBits'(GroupBeats - 1)));
  assign job_last       = last_plane && last_beat;
  assign operands_valid = a_valid && w_valid && s_valid;
  assign feed           = job_valid && operands_valid && !(group_last && (gap_q != '0));
  assign advance        = en_i && (!in_job_q || operands_valid) && (!y_push_wanted || y_ready);

  logic fed, group_enters;
  assign fed          = advance && feed;
  assign group_enters = fed && group_last;
  assign job_pop      = fed && job_last;
  assign a_pop        = fed && last_plane;
  assign w_pop        = fed;
  assign s_pop        = group_enters;

  // Until the next group's last token: the rows of this one pass the scale, or its sums are copied.
  logic [GapBits-1:0] spacing_minus_1;
  if (Latency > 2) begin : gen_deep
    assign spacing_minus_1 = (32'(job_m) + 1 > Latency) ? GapBits'(job_m) + GapBits'(1)
                                                        : GapBits'(Latency);
  end else begin : gen_flat
    assign spacing_minus_1 = GapBits'(job_m) + GapBits'(1);
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      in_job_q      <= 1'b0;
      first_group_q <= 1'b1;
      plane_q       <= '0;
      k_done_q      <= '0;
      group_beat_q  <= '0;
      gap_q         <= '0;
    end else if (advance) begin
      if (feed) begin
        in_job_q <= !job_last;
        plane_q  <= last_plane ? '0 : plane_q + 3'd1;
        if (last_plane) begin
          k_done_q     <= last_beat ? '0 : k_done_q + KBits'(K);
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

  // -- a token's way to the accumulators: one stage per step --------------------------------------

  // Stage i: the token entered i steps ago. One stage more for the last of a group: its sums are
  // finished.
  logic [Latency:0] valid, table_valid;
  logic [Latency+1:0] last;
  logic [Latency-1:0] valid_q, table_q, first_q;
  logic [Latency:0] last_q;
  logic [Latency*3-1:0] planes_q;
  logic [Latency*3+2:0] planes;
  logic [Latency:0] first;
  assign valid       = {valid_q, feed};
  assign table_valid = {table_q, feed && first_plane};
  assign last        = {last_q, feed && group_last};
  assign first       = {first_q, first_plane && (group_beat_q == '0)};
  assign planes      = {planes_q, plane_q};
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q <= '0;
      table_q <= '0;
      last_q  <= '0;
    end else if (advance) begin
      valid_q <= valid[Latency-1:0];
      table_q <= table_valid[Latency-1:0];
      last_q  <= last[Latency:0];
    end
  end
  always_ff @(posedge clk_i) begin
    if (advance) begin
      first_q  <= first[Latency-1:0];
      planes_q <= planes[Latency*3-1:0];
    end
  end

  assign table_en_o          = {(Wait + 1) {advance}} & table_valid[Wait:0];
  assign w_en_o              = {(Wait + 1) {advance}} & valid[Wait:0];
  assign s_en_o              = group_enters;
  assign read_en_o           = advance && valid[Latency-1];
  assign sum_read_en_o       = advance && table_valid[Latency-1];
  assign accumulate_en_o     = advance && valid[Latency];
  assign sum_accumulate_en_o = advance && table_valid[Latency];
  assign clear_o             = first[Latency];
  assign plane_o             = planes[Latency*3+:3];
  assign copy_en_o           = advance && last[Latency+1];

  // -- a group's way: finished, up its columns, through zero point and scale into the sums --------

  // What a group carries along: its rows and columns, whether it begins the sums, whether it ends
  // them and they leave. Stage 0: after its last token; 1: while it moves up.
  localparam int unsigned InfoBits = MBits + NBits + 2;
  localparam int unsigned RowInfoBits = RowBits + NBits + 2;
  logic [InfoBits-1:0] info_0_q;
  logic [NBits+1:0] info_1_q;
  logic [MBits-1:0] rows_0, rows_left_q;  // rows that have not left the lanes
  logic [NBits+1:0] info_0;
  logic [RowBits-1:0] row_q;
  logic moves_up;
  assign {info_0, rows_0} = info_0_q;
  assign moves_up         = rows_left_q != '0;

  logic [2:0] row_valid_q;  // C, D or X of a row is there
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      rows_left_q <= '0;
      row_valid_q <= '0;
    end else if (advance) begin
      if (last[Latency+1]) begin
        rows_left_q <= rows_0;
      end else if (moves_up) begin
        rows_left_q <= rows_left_q - MBits'(1);
      end
      row_valid_q <= {row_valid_q[1:0], moves_up};
    end
  end
  assign correct_en_o  = advance && moves_up;
  assign shift_en_o    = correct_en_o && (rows_left_q != MBits'(1));
  assign subtract_en_o = advance && row_valid_q[0];
  assign scale_en_o    = advance && row_valid_q[1];
  assign add_en_o      = advance && row_valid_q[2];

  always_ff @(posedge clk_i) begin
    if (group_enters) begin
      info_0_q <= {job_emit && job_last, first_group_q && !job_accumulate, job_n, job_m};
    end
    if (copy_en_o) begin
      info_1_q <= info_0;
      row_q    <= '0;
    end else if (correct_en_o) begin
      row_q <= row_q + RowBits'(1);
    end
  end

  logic [RowInfoBits-1:0] row_info, add_info;
  logic [NBits-1:0] add_cols;
  logic add_emit;
  assign row_info = {row_q, info_1_q};
  delay_line #(.Width(RowInfoBits), .Depth(3)) u_row_info (
      .clk_i, .rst_ni, .en_i(advance), .data_i(row_info), .data_o(add_info)
  );
  assign {add_row_o, add_emit, add_clear_o, add_cols} = add_info;
  assign y_push_wanted = row_valid_q[2] && add_emit;
  assign y_push        = advance && y_push_wanted;

  // The padded lanes of a result beat are zero.
  for (genvar c = 0; c < Cols; c++) begin : gen_y
    assign y_row[c*SumBits+:SumBits] =
        (c < 32'(add_cols)) ? sum_i[c*SumBits+:SumBits] : {SumBits{1'b0}};
  end

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
  // Groups are far enough apart: none overtakes the one before it, nor changes its scale.
  always_ff @(posedge clk_i) begin
    assert (!copy_en_o || (!moves_up && !row_valid_q[0]));
  end
`endif

endmodule
