// Everything of the weight-stationary array around its PEs and accumulator banks: the channel
// buffers, the controller, the skew registers of all operands, the addresses of the accumulator
// banks, and the deskew of results. rtl/README.md defines the channels.
//
// A job loads `k` beats of stationary operands, then streams `tokens` beats of moving operands;
// each token is one result of `lanes` sums. Input stationary is the same with the operands
// exchanged.
module systolic_ws_edge #(
    parameter int unsigned Rows = 4,
    parameter int unsigned Cols = 4,
    parameter int unsigned MovBits = 8,
    parameter int unsigned StaBits = 8,
    parameter int unsigned AccBits = 32,
    parameter int unsigned AccRows = 16,
    parameter int unsigned Pipeline = 1,  // of the PEs
    parameter int unsigned PreloadOverlapped = 1,
    parameter int unsigned DrainOverlapped = 1,
    localparam int unsigned KBits = $clog2(Rows + 1),
    localparam int unsigned LaneBits = $clog2(Cols + 1),
    localparam int unsigned TokenBits = $clog2(AccRows + 1),
    localparam int unsigned AddressBits = (AccRows > 1) ? $clog2(AccRows) : 1,
    localparam int unsigned JobBits = KBits + LaneBits + TokenBits + 2
) (
    input  logic                        clk_i,
    input  logic                        rst_ni,
    input  logic                        en_i,

    input  logic                        job_valid_i,
    output logic                        job_ready_o,
    input  logic [JobBits-1:0]          job_i,        // {emit, accumulate, k, lanes, tokens}

    input  logic                        mov_valid_i,
    output logic                        mov_ready_o,
    input  logic [Rows*MovBits-1:0]     mov_i,

    input  logic                        sta_valid_i,
    output logic                        sta_ready_o,
    input  logic [Cols*StaBits-1:0]     sta_i,

    output logic                        y_valid_o,
    input  logic                        y_ready_i,
    output logic [Cols*AccBits-1:0]     y_o,

    // To and from the PEs.
    output logic                        advance_o,
    output logic [Rows-1:0]             pe_mov_valid_o,
    output logic [Rows-1:0]             pe_mov_release_o,
    output logic [Rows-1:0]             pe_mov_pad_o,
    output logic [Rows*MovBits-1:0]     pe_mov_o,
    output logic [Cols-1:0]             pe_sta_valid_o,
    output logic [Cols*StaBits-1:0]     pe_sta_o,
    output logic [Cols-1:0]             pe_y_pad_o,
    output logic [Cols*AccBits-1:0]     pe_y_o,
    input  logic [Cols*AccBits-1:0]     pe_y_i,

    // To and from the accumulator banks, one per column; pe_y_i is what they write.
    output logic [Cols-1:0]             bank_re_o,
    output logic [Cols*AddressBits-1:0] bank_raddr_o,
    input  logic [Cols*AccBits-1:0]     bank_rdata_i,
    output logic [Cols-1:0]             bank_we_o,
    output logic [Cols*AddressBits-1:0] bank_waddr_o
);

  // Steps from one row of PEs to the next, and from a token in a PE to the addition there.
  localparam int unsigned RowSteps = (Pipeline == 3) ? 2 : 1;
  localparam int unsigned AddStep = (Pipeline == 1) ? 0 : 1;
  // Steps from a token's entry until column 0 has its sum, and until the last column has.
  localparam int unsigned SumSteps = RowSteps * Rows + 1 + AddStep;
  localparam int unsigned DrainSteps = SumSteps + Cols - 1;
  // Steps from a token's entry until a token that continues its sums may enter.
  localparam int unsigned ReuseSteps = RowSteps * Rows + 2;
  localparam int unsigned ReuseBits = $clog2(ReuseSteps);
  localparam int unsigned DrainBits = $clog2(DrainSteps + 1);

  // -- channel buffers ---------------------------------------------------------------------------

  logic job_valid, job_pop;
  logic [JobBits-1:0] job;
  skid_buffer #(.Width(JobBits)) u_job (
      .clk_i, .rst_ni,
      .valid_i(job_valid_i), .ready_o(job_ready_o), .data_i(job_i),
      .valid_o(job_valid), .ready_i(job_pop), .data_o(job)
  );

  logic mov_valid, mov_pop, sta_valid, sta_pop;
  logic [Rows*MovBits-1:0] mov;
  logic [Cols*StaBits-1:0] sta;
  skid_buffer #(.Width(Rows * MovBits)) u_mov (
      .clk_i, .rst_ni,
      .valid_i(mov_valid_i), .ready_o(mov_ready_o), .data_i(mov_i),
      .valid_o(mov_valid), .ready_i(mov_pop), .data_o(mov)
  );
  skid_buffer #(.Width(Cols * StaBits)) u_sta (
      .clk_i, .rst_ni,
      .valid_i(sta_valid_i), .ready_o(sta_ready_o), .data_i(sta_i),
      .valid_o(sta_valid), .ready_i(sta_pop), .data_o(sta)
  );

  logic y_push, y_push_due, y_ready;  // due: a row of results is at the end of the deskew
  logic [Cols*AccBits-1:0] y_row, y_head;
  skid_buffer #(.Width(Cols * AccBits)) u_y (
      .clk_i, .rst_ni,
      .valid_i(y_push), .ready_o(y_ready), .data_i(y_row),
      .valid_o(y_valid_o), .ready_i(y_ready_i), .data_o(y_head)
  );
  assign y_o = y_valid_o ? y_head : '0;

  // -- controller --------------------------------------------------------------------------------

  // The job at the head of its buffer loads; the one that streams is in registers, so that the next
  // one can load behind it.
  logic [KBits-1:0] load_k, k_q;
  logic [LaneBits-1:0] load_lanes, lanes_q;
  logic [TokenBits-1:0] load_tokens, tokens_q;
  logic load_accumulate, load_emit, accumulate_q, emit_q;
  assign {load_emit, load_accumulate, load_k, load_lanes, load_tokens} = job;

  logic [KBits-1:0] sta_count_q;        // beats of the loading job that have entered
  logic streaming_q;                    // the registers hold a job
  logic [TokenBits-1:0] token_count_q;  // tokens of the streaming job that have entered
  logic [ReuseBits-1:0] reuse_left_q;   // steps until its sums may be read back
  logic advance, in_job, start, feed, last, loaded, load_next, sta_allowed, drained;

  assign in_job = (token_count_q != '0);
  assign start  = drained && (!accumulate_q || reuse_left_q == '0);
  assign feed   = streaming_q && mov_valid && (in_job || start);
  assign last   = (token_count_q == tokens_q - 1'b1);

  // Overlapped: beats may enter as soon as the job before has begun, because its first token makes
  // room for them. Serial: when its last token has entered and, with a serial drain, has left.
  if (PreloadOverlapped != 0) begin : gen_preload_overlapped
    assign sta_allowed = !streaming_q || in_job || feed;
  end else begin : gen_preload_serial
    assign sta_allowed = !streaming_q && drained;
  end
  assign sta_pop   = advance && job_valid && sta_valid && sta_allowed && (sta_count_q != load_k);
  assign loaded    = (sta_count_q == load_k) || (sta_pop && sta_count_q == load_k - 1'b1);
  assign load_next = job_valid && loaded && (!streaming_q || (feed && last));

  assign advance   = en_i && (!in_job || mov_valid) && (!y_push_due || y_ready);
  assign advance_o = advance;
  assign mov_pop   = advance && feed;
  assign job_pop   = advance && load_next;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      sta_count_q   <= '0;
      streaming_q   <= 1'b0;
      token_count_q <= '0;
      reuse_left_q  <= '0;
    end else if (advance) begin
      if (load_next) begin
        sta_count_q <= '0;
      end else if (sta_pop) begin
        sta_count_q <= sta_count_q + 1'b1;
      end
      streaming_q <= load_next || (streaming_q && !(feed && last));
      if (feed) begin
        token_count_q <= last ? '0 : token_count_q + 1'b1;
      end
      if (feed && !in_job) begin
        reuse_left_q <= ReuseBits'(ReuseSteps - 1);
      end else if (reuse_left_q != '0) begin
        reuse_left_q <= reuse_left_q - 1'b1;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (advance && load_next) begin
      emit_q       <= load_emit;
      accumulate_q <= load_accumulate;
      k_q          <= load_k;
      lanes_q      <= load_lanes;
      tokens_q     <= load_tokens;
    end
  end

  if (DrainOverlapped == 0) begin : gen_drain_serial
    logic [DrainBits-1:0] drain_left_q;  // steps until the results of the last token have left
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        drain_left_q <= '0;
      end else if (advance) begin
        if (feed && last) begin
          drain_left_q <= DrainBits'(DrainSteps);
        end else if (drain_left_q != '0) begin
          drain_left_q <= drain_left_q - 1'b1;
        end
      end
    end
    assign drained = (drain_left_q == '0);
  end else begin : gen_drain_overlapped
    assign drained = 1'b1;
  end

  // -- operands to the PEs -----------------------------------------------------------------------

  // Row r sees a token 1 + RowSteps * r steps after it entered, column c a stationary beat and the
  // tokens' sums 1 + c steps after.
  logic release_sta;
  assign release_sta = feed && ((PreloadOverlapped != 0) ? !in_job : last);

  for (genvar r = 0; r < Rows; r++) begin : gen_row
    delay_line #(.Width(2), .Depth(RowSteps * r + 1), .HasReset(1'b1)) u_control (
        .clk_i, .rst_ni, .en_i(advance),
        .data_i({feed, release_sta}),
        .data_o({pe_mov_valid_o[r], pe_mov_release_o[r]})
    );
    delay_line #(.Width(1 + MovBits), .Depth(RowSteps * r + 1)) u_operand (
        .clk_i, .rst_ni, .en_i(advance),
        .data_i({r >= 32'(k_q), mov[r*MovBits+:MovBits]}),
        .data_o({pe_mov_pad_o[r], pe_mov_o[r*MovBits+:MovBits]})
    );
  end

  for (genvar c = 0; c < Cols; c++) begin : gen_col
    delay_line #(.Width(1), .Depth(c + 1), .HasReset(1'b1)) u_control (
        .clk_i, .rst_ni, .en_i(advance),
        .data_i(sta_pop),
        .data_o(pe_sta_valid_o[c])
    );
    delay_line #(.Width(1 + StaBits), .Depth(c + 1)) u_operand (
        .clk_i, .rst_ni, .en_i(advance),
        .data_i({c >= 32'(lanes_q), sta[c*StaBits+:StaBits]}),
        .data_o({pe_y_pad_o[c], pe_sta_o[c*StaBits+:StaBits]})
    );
  end

  // -- open sums: read into the top of a column, written from its bottom -------------------------

  // Column c reads AddStep + c steps after the token entered, one step before its sum is needed.
  localparam int unsigned ReadWidth = 1 + AddressBits;
  localparam int unsigned ReadDepth = AddStep + Cols;
  logic [(ReadDepth+1)*ReadWidth-1:0] read_taps;
  delay_taps #(.Width(ReadWidth), .Depth(ReadDepth), .HasReset(1'b1)) u_read (
      .clk_i, .rst_ni, .en_i(advance),
      .data_i({feed && accumulate_q, token_count_q[AddressBits-1:0]}),
      .taps_o(read_taps)
  );

  // The sums of column c are at its bottom SumSteps + c steps after the token entered.
  logic sum_valid, sum_emit, sum_first;
  delay_line #(.Width(3), .Depth(SumSteps), .HasReset(1'b1)) u_sum (
      .clk_i, .rst_ni, .en_i(advance),
      .data_i({feed, emit_q, !in_job}),
      .data_o({sum_valid, sum_emit, sum_first})
  );
  // Tokens of a job follow each other without a gap; their numbers are counted again here.
  logic [AddressBits-1:0] sum_number, next_number_q;
  assign sum_number = sum_first ? '0 : next_number_q;
  always_ff @(posedge clk_i) begin
    if (advance && sum_valid) begin
      next_number_q <= sum_number + 1'b1;
    end
  end

  localparam int unsigned WriteWidth = 2 + AddressBits;
  logic [Cols*WriteWidth-1:0] write_taps;
  if (Cols > 1) begin : gen_write_taps
    delay_taps #(.Width(WriteWidth), .Depth(Cols - 1), .HasReset(1'b1)) u_write (
        .clk_i, .rst_ni, .en_i(advance),
        .data_i({sum_valid && sum_emit, sum_valid && !sum_emit, sum_number}),
        .taps_o(write_taps)
    );
  end else begin : gen_write_direct
    assign write_taps = {sum_valid && sum_emit, sum_valid && !sum_emit, sum_number};
  end

  assign y_push_due = write_taps[Cols*WriteWidth-1];
  assign y_push     = advance && y_push_due;

  for (genvar c = 0; c < Cols; c++) begin : gen_bank
    localparam int unsigned Read = (AddStep + c) * ReadWidth;
    localparam int unsigned Write = c * WriteWidth;
    logic read_before;
    assign bank_re_o[c] = advance && read_taps[Read+AddressBits];
    assign bank_raddr_o[c*AddressBits+:AddressBits] = read_taps[Read+:AddressBits];
    assign bank_we_o[c] = advance && write_taps[Write+AddressBits];
    assign bank_waddr_o[c*AddressBits+:AddressBits] = write_taps[Write+:AddressBits];
    assign read_before = read_taps[Read+ReadWidth+AddressBits];
    assign pe_y_o[c*AccBits+:AccBits] = read_before ? bank_rdata_i[c*AccBits+:AccBits] : '0;

    // Result lanes wait for the last column.
    if (c == Cols - 1) begin : gen_last
      assign y_row[c*AccBits+:AccBits] = pe_y_i[c*AccBits+:AccBits];
    end else begin : gen_deskew
      delay_line #(.Width(AccBits), .Depth(Cols - 1 - c)) u_deskew (
          .clk_i, .rst_ni, .en_i(advance),
          .data_i(pe_y_i[c*AccBits+:AccBits]),
          .data_o(y_row[c*AccBits+:AccBits])
      );
    end
  end

  logic unused_taps;
  assign unused_taps = ^{read_taps, write_taps};

`ifndef SYNTHESIS
  // What the producer of jobs owes us.
  always_ff @(posedge clk_i) begin
    if (job_valid) begin
      assert (load_k != '0 && load_lanes != '0 && load_tokens != '0);
    end
  end
  if (Rows < 2 ** KBits - 1) begin : gen_check_k
    always_ff @(posedge clk_i) if (job_valid) assert (32'(load_k) <= Rows);
  end
  if (Cols < 2 ** LaneBits - 1) begin : gen_check_lanes
    always_ff @(posedge clk_i) if (job_valid) assert (32'(load_lanes) <= Cols);
  end
  if (AccRows < 2 ** TokenBits - 1) begin : gen_check_tokens
    always_ff @(posedge clk_i) if (job_valid) assert (32'(load_tokens) <= AccRows);
  end
`endif

endmodule
