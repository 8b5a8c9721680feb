// Everything around the PE: the channel buffers and the controller. rtl/README.md defines the
// channels.
//
// REPLACE: between "controller" and the end; buffers and ports are the same in every design. What
// goes to the PEs should come out of registers, because a module is timed on its own.
module design_id_edge #(
    parameter int unsigned Lanes = 4,
    parameter int unsigned ABits = 8,
    parameter int unsigned WBits = 8,
    parameter int unsigned AccBits = 32,
    parameter int unsigned KBits = 16,  // Lanes < 2^KBits - 1
    localparam int unsigned JobBits = 2 + KBits + 2
) (
    input  logic                   clk_i,
    input  logic                   rst_ni,
    input  logic                   en_i,

    input  logic                   job_valid_i,
    output logic                   job_ready_o,
    input  logic [JobBits-1:0]     job_i,

    input  logic                   a_valid_i,
    output logic                   a_ready_o,
    input  logic [Lanes*ABits-1:0] a_i,

    input  logic                   w_valid_i,
    output logic                   w_ready_o,
    input  logic [Lanes*WBits-1:0] w_i,

    output logic                   y_valid_o,
    input  logic                   y_ready_i,
    output logic [AccBits-1:0]     y_o,

    // To and from the PE.
    output logic                   advance_o,
    output logic                   pe_valid_o,
    output logic                   pe_clear_o,
    output logic                   pe_emit_o,
    output logic [Lanes*ABits-1:0] pe_a_o,
    output logic [Lanes*WBits-1:0] pe_w_o,
    input  logic                   pe_y_valid_i,
    input  logic [AccBits-1:0]     pe_y_i
);

  // -- channel buffers ---------------------------------------------------------------------------

  logic job_valid, job_pop;
  logic [JobBits-1:0] job;
  skid_buffer #(.Width(JobBits)) u_job (
      .clk_i, .rst_ni,
      .valid_i(job_valid_i), .ready_o(job_ready_o), .data_i(job_i),
      .valid_o(job_valid), .ready_i(job_pop), .data_o(job)
  );

  logic a_valid, w_valid, operands_pop;
  skid_buffer #(.Width(Lanes * ABits)) u_a (
      .clk_i, .rst_ni,
      .valid_i(a_valid_i), .ready_o(a_ready_o), .data_i(a_i),
      .valid_o(a_valid), .ready_i(operands_pop), .data_o(pe_a_o)
  );
  skid_buffer #(.Width(Lanes * WBits)) u_w (
      .clk_i, .rst_ni,
      .valid_i(w_valid_i), .ready_o(w_ready_o), .data_i(w_i),
      .valid_o(w_valid), .ready_i(operands_pop), .data_o(pe_w_o)
  );

  logic y_push, y_ready;
  logic [AccBits-1:0] y_head;
  skid_buffer #(.Width(AccBits)) u_y (
      .clk_i, .rst_ni,
      .valid_i(y_push), .ready_o(y_ready), .data_i(pe_y_i),
      .valid_o(y_valid_o), .ready_i(y_ready_i), .data_o(y_head)
  );
  assign y_o = y_valid_o ? y_head : '0;

  // -- controller --------------------------------------------------------------------------------

  logic job_m, job_n, job_accumulate, job_emit;
  logic [KBits-1:0] job_k;
  assign {job_emit, job_accumulate, job_k, job_n, job_m} = job;

  logic [KBits-1:0] k_done_q;  // elements of the current job that have entered
  logic [KBits-1:0] k_left;

  logic in_job, feed, last, drain, advance;
  assign k_left  = job_k - k_done_q;
  assign in_job  = (k_done_q != '0);
  assign feed    = job_valid && a_valid && w_valid;
  assign last    = (k_left <= KBits'(Lanes));
  assign drain   = pe_y_valid_i;
  // No bubble enters a job, and a finished sum waits for room in the result buffer.
  assign advance = en_i && (!in_job || feed) && (!drain || y_ready);

  assign operands_pop = advance && feed;
  assign job_pop      = advance && feed && last;
  assign y_push       = advance && drain;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      k_done_q <= '0;
    end else if (advance && feed) begin
      k_done_q <= last ? '0 : k_done_q + KBits'(Lanes);
    end
  end

  assign advance_o  = advance;
  assign pe_valid_o = feed;
  assign pe_clear_o = !in_job && !job_accumulate;
  assign pe_emit_o  = last && job_emit;

`ifdef SYNTHESIS
  logic unused_job;
  assign unused_job = ^{job_m, job_n};
`else
  // What the producer of jobs owes us.
  always_ff @(posedge clk_i) begin
    if (job_valid) begin
      assert (job_m && job_n && job_k != '0);
    end
  end
`endif

endmodule
