// Everything of the array around its PEs and columns: the channel buffers, the controller, the
// digits of the weights, the skew registers of both operands, the headers of finished rows, and the
// rows that leave. rtl/README.md defines the channels, sim/pe/mixpe/README.md the steps.
module mixpe_edge #(
    parameter int unsigned Rows = 4,
    parameter int unsigned Cols = 4,
    parameter int unsigned Lanes = 1,
    parameter int unsigned Activation = 0,
    parameter int unsigned WBits = 4,
    parameter int unsigned WeightKind = 1,
    parameter int unsigned Digit = 4,
    parameter int unsigned Scale = 1,
    parameter int unsigned Pipeline = 1,
    parameter int unsigned RowInterval = 2,
    parameter int unsigned Group = 128,
    parameter int unsigned KBits = 16,
    localparam int unsigned MBits = $clog2(Rows + 1),
    localparam int unsigned NBits = $clog2(Cols + 1),
    localparam int unsigned JobBits = MBits + NBits + KBits + 2,
    localparam int unsigned ABits = (Activation == 0) ? 8 : 16,
    localparam int unsigned SBits =
        ((Scale == 0) ? 8 : 16) + ((WeightKind == 1) ? WBits : 0),
    localparam int unsigned Digits = (WBits + Digit - 1) / Digit,
    localparam int unsigned NumberBits = (Digits > 1) ? $clog2(Digits) : 1,
    localparam int unsigned RowBits = (Rows > 1) ? $clog2(Rows) : 1,
    localparam int unsigned HeaderBits = NBits + 2 + RowBits
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
    output logic [Cols*32-1:0]          y_o,

    // To the PEs and row sums.
    output logic                        advance_o,
    output logic [Rows-1:0]             pe_a_valid_o,
    output logic [Rows-1:0]             pe_a_first_o,
    output logic [Rows-1:0]             pe_a_last_o,
    output logic [Rows-1:0]             pe_a_top_o,     // valid, and the beat's last digit
    output logic [Rows*NumberBits-1:0]  pe_a_digit_o,
    output logic [Rows*Lanes*ABits-1:0] pe_a_o,
    output logic [Cols*Lanes*Digit-1:0] pe_w_o,

    // To and from the columns.
    output logic                        s_en_o,
    output logic [Cols*SBits-1:0]       s_o,
    output logic                        header_valid_o,
    output logic [HeaderBits-1:0]       header_o,
    input  logic                        header_valid_i,
    input  logic [HeaderBits-1:0]       header_i,       // as it leaves the last column
    output logic [RowBits-1:0]          row_o,
    input  logic [Cols*32-1:0]          sum_i
);

  localparam int unsigned LanesLog2 = $clog2(Lanes);
  localparam bit OneGroup = (64'(Group) == (64'd1 << KBits) - 64'd1);  // a job has one group
  localparam int unsigned GroupBeats = (Group + Lanes - 1) / Lanes;
  // How much later results are: a PE's register, and the product with the zero point.
  localparam int unsigned Late = Pipeline - 1;
  localparam int unsigned ZeroStep = (WeightKind == 1) ? 1 : 0;
  // Rows of results come in every step, the lowest one is finished first.
  localparam bit Upwards = RowInterval == 1;
  // A group's last token comes max(2m, Cols + 4) steps after the one before it, or later; with rows
  // in every step max(Rows + Late, Cols + 4).
  localparam int unsigned RowsGap = Upwards ? Rows + Late : 2 * Rows;
  localparam int unsigned LongestGap = (RowsGap > Cols + 4) ? RowsGap : Cols + 4;
  localparam int unsigned GapBits = $clog2(LongestGap);

  // -- channel buffers ----------------------------------------------------------------------------

  logic job_valid, job_pop;
  logic [JobBits-1:0] job;
  skid_buffer #(.Width(JobBits)) u_job (
      .clk_i, .rst_ni,
      .valid_i(job_valid_i), .ready_o(job_ready_o), .data_i(job_i),
      .valid_o(job_valid), .ready_i(job_pop), .data_o(job)
  );

  logic a_valid, w_valid, s_valid, operands_pop, s_pop;
  logic [Cols*SBits-1:0] s;
  logic [Rows*Lanes*ABits-1:0] a;
  logic [Cols*Lanes*WBits-1:0] w;
  skid_buffer #(.Width(Rows * Lanes * ABits)) u_a (
      .clk_i, .rst_ni,
      .valid_i(a_valid_i), .ready_o(a_ready_o), .data_i(a_i),
      .valid_o(a_valid), .ready_i(operands_pop), .data_o(a)
  );
  skid_buffer #(.Width(Cols * Lanes * WBits)) u_w (
      .clk_i, .rst_ni,
      .valid_i(w_valid_i), .ready_o(w_ready_o), .data_i(w_i),
      .valid_o(w_valid), .ready_i(operands_pop), .data_o(w)
  );
  skid_buffer #(.Width(Cols * SBits)) u_s (
      .clk_i, .rst_ni,
      .valid_i(s_valid_i), .ready_o(s_ready_o), .data_i(s_i),
      .valid_o(s_valid), .ready_i(s_pop), .data_o(s)
  );

  logic y_push, y_ready;
  logic [Cols*32-1:0] y_row, y_head;
  skid_buffer #(.Width(Cols * 32)) u_y (
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

  logic in_job_q;
  logic [KBits-1:0] beat_q;
  logic [NumberBits-1:0] digit;
  logic [GapBits-1:0] gap_q;  // steps until the last token of a group may enter

  logic last_digit, last_beat, group_first, group_beat_last, group_last, job_last, first_group;
  logic operands_valid, feed, advance;
  logic row_leaves;  // in this step, if the array takes it
  assign last_beat      = beat_q == final_beat;
  assign group_last     = last_digit && (last_beat || group_beat_last);
  assign job_last       = last_digit && last_beat;
  assign operands_valid = a_valid && w_valid && s_valid;
  assign feed           = job_valid && operands_valid && !(group_last && (gap_q != '0));
  assign advance        = en_i && (!in_job_q || operands_valid) && (!row_leaves || y_ready);
  assign advance_o      = advance;

  logic fed, group_enters;
  assign fed          = advance && feed;
  assign group_enters = fed && group_last;
  assign operands_pop = fed && last_digit;
  assign job_pop      = fed && job_last;
  assign s_pop        = group_enters;

  // The step after is the first of those to wait.
  logic [GapBits-1:0] gap;
  if (Upwards) begin : gen_any_rows
    assign gap = GapBits'(LongestGap - 1);
  end else if (2 * Rows > Cols + 4) begin : gen_many_rows
    logic [MBits:0] twice_m;
    assign twice_m = {job_m, 1'b0};
    assign gap     = (32'(twice_m) > Cols + 4) ? GapBits'(twice_m - (MBits + 1)'(1))
                                               : GapBits'(Cols + 3);
  end else begin : gen_few_rows
    assign gap = GapBits'(Cols + 3);
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      in_job_q <= 1'b0;
      beat_q   <= '0;
      gap_q    <= '0;
    end else if (advance) begin
      if (feed) begin
        in_job_q <= !job_last;
        if (last_digit) begin
          beat_q <= last_beat ? '0 : beat_q + KBits'(1);
        end
      end
      if (feed && group_last) begin
        gap_q <= gap;
      end else if (gap_q != '0) begin
        gap_q <= gap_q - GapBits'(1);
      end
    end
  end

  if (Digits > 1) begin : gen_digits
    logic [NumberBits-1:0] digit_q;
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        digit_q <= '0;
      end else if (fed) begin
        digit_q <= last_digit ? '0 : digit_q + NumberBits'(1);
      end
    end
    assign digit      = digit_q;
    assign last_digit = digit_q == NumberBits'(Digits - 1);
  end else begin : gen_one_digit
    logic unused_digit;
    assign digit        = '0;
    assign last_digit   = 1'b1;
    assign unused_digit = digit[0];
  end

  if (OneGroup) begin : gen_one_group
    assign group_first     = beat_q == '0;
    assign group_beat_last = 1'b0;
    assign first_group     = 1'b1;
  end else begin : gen_groups
    localparam int unsigned GroupBeatBits = $clog2(GroupBeats);
    logic [GroupBeatBits-1:0] group_beat_q;
    logic first_group_q;
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        group_beat_q  <= '0;
        first_group_q <= 1'b1;
      end else if (operands_pop) begin
        group_beat_q <= group_last ? '0 : group_beat_q + GroupBeatBits'(1);
        if (group_last) begin
          first_group_q <= job_last;
        end
      end
    end
    assign group_first     = group_beat_q == '0;
    assign group_beat_last = group_beat_q == GroupBeatBits'(GroupBeats - 1);
    assign first_group     = first_group_q;
  end

  // -- operands to the PEs: row r and column c enter 1 + r and 1 + c steps after their token; with
  // -- results in every step the lowest row is the first ------------------------------------------

  logic token_last;
  assign token_last = feed && group_last;

  for (genvar r = 0; r < Rows; r++) begin : gen_row
    localparam int unsigned Depth = Upwards ? Rows - r : r + 1;
    delay_line #(.Width(2), .Depth(Depth), .HasReset(1'b1)) u_control (
        .clk_i, .rst_ni, .en_i(advance),
        .data_i({feed, token_last}),
        .data_o({pe_a_valid_o[r], pe_a_last_o[r]})
    );
    delay_line #(.Width(1 + Lanes * ABits), .Depth(Depth)) u_operand (
        .clk_i, .rst_ni, .en_i(advance),
        .data_i({group_first, a[r*Lanes*ABits+:Lanes*ABits]}),
        .data_o({pe_a_first_o[r], pe_a_o[r*Lanes*ABits+:Lanes*ABits]})
    );
    if (Digits > 1) begin : gen_number
      delay_line #(.Width(NumberBits), .Depth(Depth)) u_number (
          .clk_i, .rst_ni, .en_i(advance),
          .data_i(digit),
          .data_o(pe_a_digit_o[r*NumberBits+:NumberBits])
      );
    end else begin : gen_no_number
      assign pe_a_digit_o[r*NumberBits+:NumberBits] = '0;
    end
    if ((Digits > 1) && (WeightKind == 1)) begin : gen_top
      delay_line #(.Width(1), .Depth(Depth), .HasReset(1'b1)) u_top (
          .clk_i, .rst_ni, .en_i(advance),
          .data_i(feed && last_digit),
          .data_o(pe_a_top_o[r])
      );
    end else begin : gen_no_top
      assign pe_a_top_o[r] = pe_a_valid_o[r];
    end
  end

  for (genvar c = 0; c < Cols; c++) begin : gen_col
    logic [Lanes*Digit-1:0] digits;
    for (genvar l = 0; l < Lanes; l++) begin : gen_lane
      logic [WBits-1:0] code;
      assign code = w[(c*Lanes+l)*WBits+:WBits];
      if (Digits > 1) begin : gen_choose
        localparam int unsigned WholeBits = Digits * Digit;
        logic sign;
        logic [WholeBits-1:0] whole;
        assign sign  = (WeightKind == 0) && code[WBits-1];
        assign whole = WholeBits'(signed'({sign, code}));
        assign digits[l*Digit+:Digit] = whole[32'(digit)*Digit+:Digit];
      end else begin : gen_all
        assign digits[l*Digit+:Digit] = code;
      end
    end
    delay_line #(.Width(Lanes * Digit), .Depth(c + 1)) u_operand (
        .clk_i, .rst_ni, .en_i(advance),
        .data_i(digits),
        .data_o(pe_w_o[c*Lanes*Digit+:Lanes*Digit])
    );
  end

  // -- headers: one per finished row, every second step or in every step --------------------------

  logic start;  // the first one is in the next step
  delay_line #(.Width(1), .Depth(Upwards ? Rows + Late : 1 + Late), .HasReset(1'b1)) u_start (
      .clk_i, .rst_ni, .en_i(advance),
      .data_i(token_last),
      .data_o(start)
  );

  // Columns take their scales with the group's last token, or when its first header is next.
  if (Upwards) begin : gen_late_scales
    logic [Cols*SBits-1:0] s_q;
    always_ff @(posedge clk_i) begin
      if (group_enters) begin
        s_q <= s;
      end
    end
    assign s_o    = s_q;
    assign s_en_o = advance && start;
  end else begin : gen_scales
    assign s_o    = s;
    assign s_en_o = group_enters;
  end

  logic after_header;  // a step without one
  if (Upwards) begin : gen_every_step
    assign after_header = 1'b0;
  end else begin : gen_every_second_step
    logic odd_q;
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        odd_q <= 1'b0;
      end else if (advance) begin
        odd_q <= header_valid_o;
      end
    end
    assign after_header = odd_q;
  end

  logic emit_q, first_q, header_emit_q, header_first_q;
  logic [NBits-1:0] n_q, header_n_q;
  logic [MBits-1:0] m_q, rows_left_q;
  logic [RowBits-1:0] row_q;
  assign header_valid_o = (rows_left_q != '0) && !after_header;
  assign header_o       = {header_n_q, header_emit_q, header_first_q, row_q};
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      rows_left_q <= '0;
    end else if (advance) begin
      if (start) begin
        rows_left_q <= m_q;
      end else if (header_valid_o) begin
        rows_left_q <= rows_left_q - MBits'(1);
      end
    end
  end
  always_ff @(posedge clk_i) begin
    if (group_enters) begin
      n_q     <= job_n;
      m_q     <= job_m;
      emit_q  <= job_emit && job_last;
      first_q <= first_group && !job_accumulate;
    end
    if (advance && start) begin
      header_n_q     <= n_q;
      header_emit_q  <= emit_q;
      header_first_q <= first_q;
      row_q          <= '0;
    end else if (advance && header_valid_o) begin
      row_q <= row_q + RowBits'(1);
    end
  end

  // -- rows leave one step after the last column has written them ---------------------------------

  logic [NBits-1:0] last_n, leaving_n;
  logic [RowBits-1:0] last_row;
  logic last_emit, unused_first;
  assign {last_n, last_emit, unused_first, last_row} = header_i;
  delay_line #(.Width(1), .Depth(3 + ZeroStep), .HasReset(1'b1)) u_leave (
      .clk_i, .rst_ni, .en_i(advance),
      .data_i(header_valid_i && last_emit),
      .data_o(row_leaves)
  );
  delay_line #(.Width(NBits + RowBits), .Depth(3 + ZeroStep)) u_leaving (
      .clk_i, .rst_ni, .en_i(advance),
      .data_i({last_n, last_row}),
      .data_o({leaving_n, row_o})
  );
  assign y_push = advance && row_leaves;
  // The padded lanes of a result are zero.
  for (genvar c = 0; c < Cols; c++) begin : gen_y
    assign y_row[c*32+:32] = (c < 32'(leaving_n)) ? sum_i[c*32+:32] : '0;
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
  // Groups are far enough apart: a group's headers wait for the last one of the group before, which
  // in every step may be in this one.
  always_ff @(posedge clk_i) begin
    assert (!(advance && start) || (rows_left_q == '0) ||
            (Upwards && (rows_left_q == MBits'(1))));
  end
`endif

endmodule
