// Dot-product cell: every token adds the products of its lanes to the sum.
//
// A token is {valid, clear, emit, a, w}: `clear` starts a new sum, `emit` marks the last token of a
// sum that is to leave the array. The dot product is in dot_q one step after its token, the sum in
// acc_q two steps after; y_valid_o shows for exactly one step that a finished sum is at y_o, and in
// that step the next sum may already start.
//
// REPLACE: the arithmetic. When your circuit is cleverer than the loop below, keep the loop beside
// it under `ifndef SYNTHESIS and assert that both are equal.
module design_id_pe #(
    parameter int unsigned Lanes = 4,
    parameter int unsigned ABits = 8,
    parameter int unsigned WBits = 8,
    parameter int unsigned AccBits = 32  // at least ABits + WBits
) (
    input  logic                   clk_i,
    input  logic                   rst_ni,
    input  logic                   advance_i,  // one step of the whole array

    input  logic                   valid_i,
    input  logic                   clear_i,
    input  logic                   emit_i,
    input  logic [Lanes*ABits-1:0] a_i,
    input  logic [Lanes*WBits-1:0] w_i,

    output logic                   y_valid_o,
    output logic [AccBits-1:0]     y_o
);

  // The product has a name, and with it a width: a cast of the product itself would cut it off.
  logic signed [ABits+WBits-1:0] product;
  logic signed [AccBits-1:0] dot;
  always_comb begin
    product = '0;
    dot     = '0;
    for (int unsigned i = 0; i < Lanes; i++) begin
      product = $signed(a_i[i*ABits+:ABits]) * $signed(w_i[i*WBits+:WBits]);
      dot     = dot + AccBits'(product);
    end
  end

  // Control is reset, data is not: it means something only together with its valid.
  logic valid_q, y_valid_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q   <= 1'b0;
      y_valid_q <= 1'b0;
    end else if (advance_i) begin
      valid_q   <= valid_i;
      y_valid_q <= valid_q && emit_q;
    end
  end

  logic clear_q, emit_q;
  logic signed [AccBits-1:0] dot_q, acc_q;
  always_ff @(posedge clk_i) begin
    if (advance_i && valid_i) begin
      clear_q <= clear_i;
      emit_q  <= emit_i;
      dot_q   <= dot;
    end
    if (advance_i && valid_q) begin
      acc_q <= (clear_q ? '0 : acc_q) + dot_q;
    end
  end

  assign y_valid_o = y_valid_q;
  assign y_o       = acc_q;

endmodule
