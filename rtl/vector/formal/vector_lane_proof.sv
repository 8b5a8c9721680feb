// vector_lane: every valid result is that of its operation on the operands that came two enabled
// edges before, and of the result before it where it accumulates. Multiplier and adder are the
// common cells, which have proofs of their own; the maximum is that of fixed-point values.
//
// sources: rtl/common/lzc.sv rtl/common/increment.sv rtl/common/shift_right_sticky.sv
// sources: rtl/common/fp_unpack.sv rtl/common/fp_mul.sv
// sources: rtl/common/fp_add_align.sv rtl/common/fp_add_finish.sv rtl/common/fp_add.sv
// sources: rtl/vector/vector_lane.sv
// method: induction 8
// prove: ExpBits=2 ManBits=1
// prove: ExpBits=3 ManBits=2
module vector_lane_proof #(
    parameter int unsigned ExpBits = 2,
    parameter int unsigned ManBits = 1
) (
    input logic                     clk_i,
    input logic                     rst_ni,
    input logic                     en_i,
    input logic                     valid_i,
    input logic [1:0]               op_i,
    input logic                     accumulate_i,
    input logic [ExpBits+ManBits:0] a_i,
    input logic [ExpBits+ManBits:0] b_i,
    input logic [ExpBits+ManBits:0] c_i
);

  localparam int unsigned Bits = 1 + ExpBits + ManBits;
  localparam int unsigned ValueBits = ManBits + (1 << ExpBits) + 2;
  localparam logic [Bits-1:0] Nan = {1'b0, {(ExpBits + 1) {1'b1}}, {(ManBits - 1) {1'b0}}};

  logic valid;
  logic [Bits-1:0] result;
  vector_lane #(.ExpBits(ExpBits), .ManBits(ManBits)) u_dut (
      .clk_i, .rst_ni, .en_i, .valid_i, .op_i, .accumulate_i, .a_i, .b_i, .c_i,
      .valid_o(valid), .result_o(result)
  );

  logic started_q = 1'b0;
  always_ff @(posedge clk_i) started_q <= 1'b1;
  always_comb assume (started_q || !rst_ni);

  // The same as operands enter, in one step: `known` once a result does not depend on reset values.
  logic [Bits-1:0] product, left, right, sum, maximum, expected, last_q;
  assign right = accumulate_i ? last_q : c_i;
  assign left  = (op_i == 2'd2) ? product : a_i;
  fp_mul #(
      .AExpBits(ExpBits), .AManBits(ManBits), .BExpBits(ExpBits), .BManBits(ManBits),
      .OutExpBits(ExpBits), .OutManBits(ManBits)
  ) u_mul (
      .a_i, .b_i, .y_o(product)
  );
  fp_add #(.ExpBits(ExpBits), .ManBits(ManBits)) u_add (.a_i(left), .b_i(right), .y_o(sum));

  // Twice the values in units of the smallest number; zeros are told apart by one half.
  logic signed [ValueBits-1:0] a_value, right_value, a_magnitude, right_magnitude;
  logic a_nan, right_nan;
  always_comb begin
    a_magnitude = (a_i[ManBits+:ExpBits] == '0)
                      ? ValueBits'(a_i[ManBits-1:0])
                      : ValueBits'({1'b1, a_i[ManBits-1:0]}) << (a_i[ManBits+:ExpBits] - 1);
    right_magnitude = (right[ManBits+:ExpBits] == '0)
                          ? ValueBits'(right[ManBits-1:0])
                          : ValueBits'({1'b1, right[ManBits-1:0]})
                                << (right[ManBits+:ExpBits] - 1);
    a_value     = a_i[Bits-1] ? -(a_magnitude <<< 1) - 1 : (a_magnitude <<< 1);
    right_value = right[Bits-1] ? -(right_magnitude <<< 1) - 1 : (right_magnitude <<< 1);
    a_nan       = (&a_i[ManBits+:ExpBits]) && (a_i[ManBits-1:0] != '0);
    right_nan   = (&right[ManBits+:ExpBits]) && (right[ManBits-1:0] != '0);
    maximum     = (a_nan || right_nan) ? Nan : (a_value >= right_value) ? a_i : right;
    case (op_i)
      2'd1: expected = product;
      2'd3: expected = maximum;
      default: expected = sum;
    endcase
  end

  logic known_q;
  logic [1:0] valid_late_q, known_late_q;
  logic [2*Bits-1:0] late_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      known_q      <= 1'b0;
      valid_late_q <= '0;
      known_late_q <= '0;
    end else if (en_i) begin
      known_q      <= known_q || (valid_i && !accumulate_i);
      valid_late_q <= {valid_late_q[0], valid_i};
      known_late_q <= {known_late_q[0], known_q || (valid_i && !accumulate_i)};
    end
  end
  always_ff @(posedge clk_i) begin
    if (en_i) begin
      if (valid_i) last_q <= expected;
      late_q <= {late_q[Bits-1:0], valid_i ? expected : last_q};
    end
  end

  logic valid_seen_q, known_seen_q;
  logic [Bits-1:0] seen_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_seen_q <= 1'b0;
      known_seen_q <= 1'b0;
    end else if (en_i) begin
      valid_seen_q <= valid_late_q[1];
      known_seen_q <= known_late_q[1];
    end
  end
  always_ff @(posedge clk_i) begin
    if (en_i) seen_q <= late_q[2*Bits-1-:Bits];
  end

  always_comb begin
    assert (valid == valid_seen_q);
    if (known_seen_q) assert (result == seen_q);
  end

endmodule
