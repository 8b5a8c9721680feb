// Y[1,1] = sum over k of A[1,k] * W[k,1], one tile per job: a PE and its edge. The channels are
// defined in rtl/README.md, the beats in sim/pe/design_id/README.md.
//
// REPLACE: one PE by your array of PEs. The names of the ports stay: SystemC, the lockstep and the
// accelerator know the array by them.
module design_id_array #(
    parameter int unsigned Lanes = 4,
    parameter int unsigned ABits = 8,
    parameter int unsigned WBits = 8,
    parameter int unsigned AccBits = 32,
    parameter int unsigned KBits = 16,
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
    output logic [AccBits-1:0]     y_o
);

  logic advance, valid, clear, emit, pe_y_valid;
  logic [Lanes*ABits-1:0] a;
  logic [Lanes*WBits-1:0] w;
  logic [AccBits-1:0] pe_y;

  design_id_edge #(
      .Lanes(Lanes), .ABits(ABits), .WBits(WBits), .AccBits(AccBits), .KBits(KBits)
  ) u_edge (
      .clk_i, .rst_ni, .en_i,
      .job_valid_i, .job_ready_o, .job_i,
      .a_valid_i, .a_ready_o, .a_i,
      .w_valid_i, .w_ready_o, .w_i,
      .y_valid_o, .y_ready_i, .y_o,
      .advance_o(advance),
      .pe_valid_o(valid),
      .pe_clear_o(clear),
      .pe_emit_o(emit),
      .pe_a_o(a),
      .pe_w_o(w),
      .pe_y_valid_i(pe_y_valid),
      .pe_y_i(pe_y)
  );

  design_id_pe #(
      .Lanes(Lanes), .ABits(ABits), .WBits(WBits), .AccBits(AccBits)
  ) u_pe (
      .clk_i, .rst_ni,
      .advance_i(advance),
      .valid_i(valid),
      .clear_i(clear),
      .emit_i(emit),
      .a_i(a),
      .w_i(w),
      .y_valid_o(pe_y_valid),
      .y_o(pe_y)
  );

endmodule
