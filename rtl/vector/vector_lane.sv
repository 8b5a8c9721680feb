// One lane of the vector unit: one element and one operation per enabled cycle.
//
//   op_i 0  a + c           1  a * b           2  a * b + c, rounded twice           3  max(a, c)
//
// With `accumulate` the last valid result stands for c: sums, sums of squares and maxima of a row
// take an element per cycle. The result of what came at one enabled edge is in result_o after the
// next two. NaN in max is canonical NaN out, and +0 is above -0 (IEEE 754-2019 maximum).
//
// This is what a pass over a row takes where its arithmetic is an addition, a product or a
// comparison. Exponentials, roots, quotients and conversions of formats are not in it.
module vector_lane #(
    parameter int unsigned ExpBits = 8,
    parameter int unsigned ManBits = 23,
    localparam int unsigned Bits = 1 + ExpBits + ManBits
) (
    input  logic            clk_i,
    input  logic            rst_ni,
    input  logic            en_i,
    input  logic            valid_i,
    input  logic [1:0]      op_i,
    input  logic            accumulate_i,
    input  logic [Bits-1:0] a_i,
    input  logic [Bits-1:0] b_i,
    input  logic [Bits-1:0] c_i,
    output logic            valid_o,
    output logic [Bits-1:0] result_o
);

  localparam logic [1:0] Add = 2'd0;
  localparam logic [1:0] Multiply = 2'd1;
  localparam logic [1:0] Maximum = 2'd3;
  localparam logic [Bits-1:0] Nan = {1'b0, {(ExpBits + 1) {1'b1}}, {(ManBits - 1) {1'b0}}};

  // -- operands: those of the multiplier stay while no product is asked for ----------------------

  logic valid_q, accumulate_q;
  logic [1:0] op_q;
  logic [Bits-1:0] a_q, b_q, c_q, kept_q;
  logic is_product;
  assign is_product = (op_i != Add) && (op_i != Maximum);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
    end else if (en_i) begin
      valid_q <= valid_i;
    end
  end
  always_ff @(posedge clk_i) begin
    if (en_i && valid_i) begin
      op_q         <= op_i;
      accumulate_q <= accumulate_i;
      if (is_product) begin
        a_q <= a_i;
        b_q <= b_i;
      end else begin
        kept_q <= a_i;
      end
      if (!accumulate_i) begin
        c_q <= c_i;
      end
    end
  end

  // -- product -----------------------------------------------------------------------------------

  logic [Bits-1:0] product, left;
  fp_mul #(
      .AExpBits(ExpBits), .AManBits(ManBits), .BExpBits(ExpBits), .BManBits(ManBits),
      .OutExpBits(ExpBits), .OutManBits(ManBits)
  ) u_mul (
      .a_i(a_q), .b_i(b_q), .y_o(product)
  );
  assign left = ((op_q == Add) || (op_q == Maximum)) ? kept_q : product;

  logic accumulate_late_q;
  logic [1:0] op_late_q;
  logic [Bits-1:0] left_q, right_q;
  logic valid_late_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_late_q <= 1'b0;
    end else if (en_i) begin
      valid_late_q <= valid_q;
    end
  end
  always_ff @(posedge clk_i) begin
    if (en_i && valid_q) begin
      op_late_q         <= op_q;
      accumulate_late_q <= accumulate_q;
      left_q            <= left;
      right_q           <= c_q;
    end
  end

  // -- sum or maximum ----------------------------------------------------------------------------

  logic [Bits-1:0] right, sum, maximum, result, result_q;
  assign right = accumulate_late_q ? result_q : right_q;
  fp_add #(.ExpBits(ExpBits), .ManBits(ManBits)) u_add (.a_i(left_q), .b_i(right), .y_o(sum));

  // Codes of numbers in the order of their values: magnitudes of negative ones count down.
  logic [Bits-1:0] left_rank, right_rank;
  logic left_nan, right_nan;
  assign left_rank  = left_q[Bits-1] ? ~left_q : {1'b1, left_q[Bits-2:0]};
  assign right_rank = right[Bits-1] ? ~right : {1'b1, right[Bits-2:0]};
  assign left_nan   = (&left_q[ManBits+:ExpBits]) && (|left_q[ManBits-1:0]);
  assign right_nan  = (&right[ManBits+:ExpBits]) && (|right[ManBits-1:0]);
  assign maximum    = (left_nan || right_nan) ? Nan : (left_rank > right_rank) ? left_q : right;

  assign result = (op_late_q == Multiply) ? left_q : (op_late_q == Maximum) ? maximum : sum;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_o <= 1'b0;
    end else if (en_i) begin
      valid_o <= valid_late_q;
    end
  end
  always_ff @(posedge clk_i) begin
    if (en_i && valid_late_q) begin
      result_q <= result;
    end
  end
  assign result_o = result_q;

endmodule
