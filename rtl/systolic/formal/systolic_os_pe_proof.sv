// The accumulator of an output-stationary PE: since the last token that cleared it, it holds the
// sum of all products of valid tokens and of nothing else, whatever steps lie between (seen through
// the serial drain, which shows the accumulator); tokens leave as they came.
//
// sources: rtl/systolic/systolic_product.sv rtl/systolic/systolic_sum.sv
// sources: rtl/systolic/systolic_os_pe.sv
// method: induction 8
// prove: Bits=3 AccBits=8 Pipeline=1 ClockGating=0
// prove: Bits=3 AccBits=8 Pipeline=2 ClockGating=1
// prove: Bits=4 AccBits=8 Pipeline=1 ClockGating=2
module systolic_os_pe_proof #(
    parameter int unsigned Bits = 3,
    parameter int unsigned AccBits = 8,
    parameter int unsigned Pipeline = 1,
    parameter int unsigned ClockGating = 0
) (
    input logic               clk_i,
    input logic               rst_ni,
    input logic               advance_i,
    input logic               drain_i,
    input logic               a_valid_i,
    input logic               a_clear_i,
    input logic               a_emit_i,
    input logic [Bits-1:0]    a_i,
    input logic [Bits-1:0]    w_i,
    input logic [AccBits-1:0] y_i
);

  logic a_valid, a_clear, a_emit, a_pad, w_pad;
  logic [Bits-1:0] a, w;
  logic [AccBits-1:0] y;
  systolic_os_pe #(
      .ABits(Bits), .WBits(Bits), .AccBits(AccBits), .Pipeline(Pipeline),
      .DrainOverlapped(0), .ClockGating(ClockGating)
  ) u_dut (
      .clk_i, .rst_ni, .advance_i, .drain_i,
      .a_valid_i, .a_clear_i, .a_emit_i, .a_pad_i(1'b0), .a_i,
      .a_valid_o(a_valid), .a_clear_o(a_clear), .a_emit_o(a_emit), .a_pad_o(a_pad), .a_o(a),
      .w_pad_i(1'b0), .w_i, .w_pad_o(w_pad), .w_o(w),
      .y_i, .y_o(y)
  );

  logic started_q = 1'b0;
  always_ff @(posedge clk_i) started_q <= 1'b1;
  always_comb assume (started_q || !rst_ni);
  // Only valid tokens emit (the edge sees to it).
  always_comb assume (a_valid_i || !a_emit_i);

  // The sum as the tokens enter, and, with a register between multiplier and adder, one step later.
  logic known_q, known_late_q;  // a token has cleared it, and nothing was shifted in since
  logic [AccBits-1:0] sum_q, sum_late_q, product, base;
  logic token;
  assign token   = advance_i && a_valid_i;
  assign product = AccBits'($signed(a_i) * $signed(w_i));
  assign base    = a_clear_i ? '0 : sum_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      known_q      <= 1'b0;
      known_late_q <= 1'b0;
    end else if (advance_i) begin
      known_q      <= (token && a_clear_i) || (known_q && !drain_i);
      known_late_q <= known_q && !drain_i;
    end
  end
  always_ff @(posedge clk_i) begin
    if (token) sum_q <= base + product;
    if (advance_i) sum_late_q <= sum_q;
  end
  // A token leaves as it came, one step later.
  logic last_valid_q;
  logic [Bits-1:0] last_a_q, last_w_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) last_valid_q <= 1'b0;
    else if (advance_i) last_valid_q <= a_valid_i;
  end
  always_ff @(posedge clk_i) begin
    if (token) begin
      last_a_q <= a_i;
      last_w_q <= w_i;
    end
  end

  always_comb begin
    assert (a_valid == last_valid_q);
    if (last_valid_q) assert (a == last_a_q && w == last_w_q);
    if (Pipeline == 1) begin
      if (known_q) assert (y == sum_q);
    end else begin
      if (known_late_q) assert (y == sum_late_q);
    end
  end

  logic unused;
  assign unused = ^{a_clear, a_emit, a_pad, w_pad};

endmodule
