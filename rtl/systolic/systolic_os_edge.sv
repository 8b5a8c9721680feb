// Everything of the output-stationary array around its PEs: the channel buffers, the controller,
// the skew registers of both operands and the drain of results. rtl/README.md defines the channels.
module systolic_os_edge #(
    parameter int unsigned Rows = 4,
    parameter int unsigned Cols = 4,
    parameter int unsigned ABits = 8,
    parameter int unsigned WBits = 8,
    parameter int unsigned AccBits = 32,
    parameter int unsigned KBits = 16,
    parameter int unsigned Pipeline = 1,  // of the PEs
    parameter int unsigned DrainOverlapped = 1,
    localparam int unsigned MBits = $clog2(Rows + 1),
    localparam int unsigned NBits = $clog2(Cols + 1),
    localparam int unsigned JobBits = MBits + NBits + KBits + 2
) (
    input  logic                    clk_i,
    input  logic                    rst_ni,
    input  logic                    en_i,

    input  logic                    job_valid_i,
    output logic                    job_ready_o,
    input  logic [JobBits-1:0]      job_i,

    input  logic                    a_valid_i,
    output logic                    a_ready_o,
    input  logic [Rows*ABits-1:0]   a_i,

    input  logic                    w_valid_i,
    output logic                    w_ready_o,
    input  logic [Cols*WBits-1:0]   w_i,

    output logic                    y_valid_o,
    input  logic                    y_ready_i,
    output logic [Cols*AccBits-1:0] y_o,

    // To and from the PEs.
    output logic                    advance_o,
    output logic                    drain_o,
    output logic [Rows-1:0]         pe_a_valid_o,
    output logic [Rows-1:0]         pe_a_clear_o,
    output logic [Rows-1:0]         pe_a_emit_o,
    output logic [Rows-1:0]         pe_a_pad_o,
    output logic [Rows*ABits-1:0]   pe_a_o,
    output logic [Cols-1:0]         pe_w_pad_o,
    output logic [Cols*WBits-1:0]   pe_w_o,
    input  logic [Cols*AccBits-1:0] pe_y_i
);

  // Steps from the last token of a job until its last row has left: the edge register, the skew to
  // PE (m-1, n-1), what a pipelined PE needs longer, the copy into the drain registers if there are
  // any, m rows.
  localparam int unsigned Late = (Pipeline == 3) ? 4 : Pipeline - 1;
  localparam int unsigned DrainSteps = 2 * Rows + Cols + Late;
  localparam int unsigned DrainBits = $clog2(DrainSteps + 1);
  localparam int unsigned CompareBits = (DrainBits > KBits) ? DrainBits : KBits;

  // -- channel buffers ---------------------------------------------------------------------------

  logic job_valid, job_pop;
  logic [JobBits-1:0] job;
  skid_buffer #(.Width(JobBits)) u_job (
      .clk_i, .rst_ni,
      .valid_i(job_valid_i), .ready_o(job_ready_o), .data_i(job_i),
      .valid_o(job_valid), .ready_i(job_pop), .data_o(job)
  );

  logic a_valid, w_valid, operands_pop;
  logic [Rows*ABits-1:0] a;
  logic [Cols*WBits-1:0] w;
  skid_buffer #(.Width(Rows * ABits)) u_a (
      .clk_i, .rst_ni,
      .valid_i(a_valid_i), .ready_o(a_ready_o), .data_i(a_i),
      .valid_o(a_valid), .ready_i(operands_pop), .data_o(a)
  );
  skid_buffer #(.Width(Cols * WBits)) u_w (
      .clk_i, .rst_ni,
      .valid_i(w_valid_i), .ready_o(w_ready_o), .data_i(w_i),
      .valid_o(w_valid), .ready_i(operands_pop), .data_o(w)
  );

  logic y_push, y_ready;
  logic [Cols*AccBits-1:0] y_row, y_head;
  skid_buffer #(.Width(Cols * AccBits)) u_y (
      .clk_i, .rst_ni,
      .valid_i(y_push), .ready_o(y_ready), .data_i(y_row),
      .valid_o(y_valid_o), .ready_i(y_ready_i), .data_o(y_head)
  );
  assign y_o = y_valid_o ? y_head : '0;

  // -- controller --------------------------------------------------------------------------------

  logic [MBits-1:0] job_m;
  logic [NBits-1:0] job_n;
  logic [KBits-1:0] job_k;
  logic job_accumulate, job_emit;
  assign {job_emit, job_accumulate, job_k, job_n, job_m} = job;

  logic [KBits-1:0] k_count_q;            // tokens of the current job that have entered
  logic [DrainBits-1:0] drain_left_q;     // steps until the last row of an emitting job has left
  logic [MBits-1:0] drain_m_q;
  logic [NBits-1:0] drain_n_q;

  logic drain_done_in_time, sums_added, in_job, operands_valid, feed, last, drain, advance;

  // The last token of a job may enter only when the drain before it is in its last step or over;
  // as no bubble enters a job, that is decided when the job starts.
  if (DrainOverlapped != 0) begin : gen_overlapped
    assign drain_done_in_time = !job_emit ||
                                (CompareBits'(drain_left_q) <= CompareBits'(job_k));
  end else begin : gen_serial
    assign drain_done_in_time = (drain_left_q == '0);
  end

  // The PEs' adders are busy with the two sums of a job that emitted for the three steps after it.
  if (Pipeline == 3) begin : gen_wait_for_sums
    logic [1:0] adding_left_q;
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        adding_left_q <= '0;
      end else if (advance) begin
        if (feed && last && job_emit) begin
          adding_left_q <= 2'd3;
        end else if (adding_left_q != '0) begin
          adding_left_q <= adding_left_q - 1'b1;
        end
      end
    end
    assign sums_added = (adding_left_q == '0);
  end else begin : gen_no_wait
    assign sums_added = 1'b1;
  end

  assign in_job         = (k_count_q != '0);
  assign operands_valid = a_valid && w_valid;
  assign feed           = operands_valid &&
                          (in_job || (job_valid && drain_done_in_time && sums_added));
  assign last           = (k_count_q == job_k - 1'b1);
  assign drain          = (drain_left_q != '0) && (drain_left_q <= DrainBits'(drain_m_q));
  assign advance        = en_i && (!in_job || operands_valid) && (!drain || y_ready);

  assign operands_pop = advance && feed;
  assign job_pop      = advance && feed && last;
  assign y_push       = advance && drain;
  assign advance_o    = advance;
  assign drain_o      = drain;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      k_count_q    <= '0;
      drain_left_q <= '0;
    end else if (advance) begin
      if (feed) begin
        k_count_q <= last ? '0 : k_count_q + 1'b1;
      end
      if (feed && last && job_emit) begin
        drain_left_q <= DrainBits'(job_m) + DrainBits'(job_m) + DrainBits'(job_n) +
                        DrainBits'(Late) - ((DrainOverlapped != 0) ? '0 : DrainBits'(1));
      end else if (drain_left_q != '0) begin
        drain_left_q <= drain_left_q - 1'b1;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (advance && feed && last && job_emit) begin
      drain_m_q <= job_m;
      drain_n_q <= job_n;
    end
  end

  // -- operands to the PEs: row r and column c enter 1 + r and 1 + c steps after their beat -------

  logic token_clear, token_emit;
  assign token_clear = !in_job && !job_accumulate;
  assign token_emit  = feed && last && job_emit;

  for (genvar r = 0; r < Rows; r++) begin : gen_row
    logic row_pad;
    assign row_pad = (r >= 32'(job_m));
    delay_line #(.Width(2), .Depth(r + 1), .HasReset(1'b1)) u_control (
        .clk_i, .rst_ni, .en_i(advance),
        .data_i({feed, token_emit}),
        .data_o({pe_a_valid_o[r], pe_a_emit_o[r]})
    );
    delay_line #(.Width(2 + ABits), .Depth(r + 1)) u_operand (
        .clk_i, .rst_ni, .en_i(advance),
        .data_i({token_clear, row_pad, a[r*ABits+:ABits]}),
        .data_o({pe_a_clear_o[r], pe_a_pad_o[r], pe_a_o[r*ABits+:ABits]})
    );
  end

  for (genvar c = 0; c < Cols; c++) begin : gen_col
    logic col_pad;
    assign col_pad = (c >= 32'(job_n));
    delay_line #(.Width(1 + WBits), .Depth(c + 1)) u_operand (
        .clk_i, .rst_ni, .en_i(advance),
        .data_i({col_pad, w[c*WBits+:WBits]}),
        .data_o({pe_w_pad_o[c], pe_w_o[c*WBits+:WBits]})
    );
    // The padded lanes of a result beat are zero.
    assign y_row[c*AccBits+:AccBits] = (c < 32'(drain_n_q)) ? pe_y_i[c*AccBits+:AccBits] : '0;
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
`endif

endmodule
