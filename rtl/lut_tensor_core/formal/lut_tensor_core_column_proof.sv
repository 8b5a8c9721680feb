// A column of integers, of formats without zero points: weight bits reach the lanes as they came,
// those of lut_negate negated by the XNOR of the highest one; and a row's sums of q' and of A
// become (SW - z' SA) / 2^h times the scale, three steps later, added to the open sum or to zero.
// Scales are those that need no multiplier, sums such as occur; products, also with zero points,
// are the lockstep's.
//
// One row, and every register takes something in every step, so that the induction sees all.
//
// sources: rtl/lut_tensor_core/lut_tensor_core_column.sv rtl/lut_tensor_core/lut_tensor_core_mux.sv
// sources: rtl/lut_tensor_core/lut_tensor_core_float.sv
// sources: rtl/common/lzc.sv rtl/common/increment.sv rtl/common/shift_right_sticky.sv
// sources: rtl/common/fp_add_align.sv rtl/common/fp_add_finish.sv rtl/common/fp_add.sv
// sources: rtl/common/fp_unpack.sv rtl/common/fp_mul.sv
// method: induction 6
// prove: Engine=1 WeightKind=2 WBits=1
// prove: Engine=2 WeightKind=0 WBits=2
// prove: Engine=0 WeightKind=0 WBits=2
module lut_tensor_core_column_proof #(
    parameter int unsigned Engine = 0,
    parameter int unsigned WeightKind = 0,
    parameter int unsigned WBits = 2,
    localparam int unsigned K = 4,
    localparam int unsigned Group = 8,
    localparam int unsigned Planes = (WeightKind == 2) ? 1 : (WeightKind == 3) ? 2 : WBits,
      localparam int unsigned SumWBits = 8 + Planes + 3,
    localparam int unsigned SumABits = 8 + 3
) (
    input logic                clk_i,
    input logic [K-1:0]        w_i,
    input logic [7:0]    s_i,
    input logic [SumWBits-1:0] sum_w_i,
    input logic [SumABits-1:0] sum_a_i,
    input logic                add_clear_i
);

  logic [K-1:0] w;
  logic [47:0] y;
  lut_tensor_core_column #(
      .Rows(1), .K(K), .Engine(Engine), .WBits(WBits), .WeightKind(WeightKind), .Precompute(0),
      .Group(Group)
  ) u_dut (
      .clk_i, .w_i, .w_en_i(1'b1), .w_o(w), .s_i, .s_en_i(1'b1), .copy_en_i(1'b1),
      .sum_w_i, .sum_a_i, .correct_en_i(1'b1), .subtract_en_i(1'b1), .scale_en_i(1'b1),
      .add_en_i(1'b1), .add_clear_i, .add_row_i(1'b0), .sum_o(y)
  );

  // What was taken so many steps ago; the scale is used two steps later than the zero point.
  logic [4:0] steps_q;
  initial steps_q = '0;
  logic [K-1:0] w_q;
  logic [7:0] s1_q, s2_q;
  logic signed [47:0] d1_q, d2_q, x_q, y_q;
  logic signed [47:0] sum_a, part, difference, x;
  logic signed [7:0] scale;

  localparam bit HasSigns = Engine <= 1;
  always_comb begin
    // z' SA, of the formats without zero points.
    sum_a = {{(48 - SumABits) {sum_a_i[SumABits-1]}}, sum_a_i};
    part  = ((WeightKind == 0) && HasSigns) ? sum_a : '0;
    difference = {{(48 - SumWBits) {sum_w_i[SumWBits-1]}}, sum_w_i};
    difference = difference - part;
    if (HasSigns && (WeightKind != 2)) begin
      // Sums that occur are even, and their halves no larger than the products' sum.
      assume (!difference[0]);
      difference = difference >>> 1;
    end
    assume ((difference >= -(48'sd1 <<< (SumWBits - 1))) &&
            (difference < (48'sd1 <<< (SumWBits - 1))));

    scale = s2_q[7:0];
    assume ((s_i[7:0] == 8'd1) || (s_i[7:0] == 8'hFF) || (s_i[7:0] == 8'h80) ||
            (s_i[7:0] == 8'd0) || (s_i[7:0] == 8'd64));
    x = '0;
    if (scale == 8'sd1) x = d2_q;
    if (scale == 8'sd64) x = d2_q <<< 6;
    if (scale == -8'sd1) x = -d2_q;
    if (scale == -8'sd128) x = -(d2_q <<< 7);
  end

  always_ff @(posedge clk_i) begin
    steps_q <= {steps_q[3:0], 1'b1};
    w_q     <= w_i;
    s1_q    <= s_i;
    s2_q    <= s1_q;
    d1_q    <= difference;
    d2_q    <= d1_q;
    x_q     <= x;
    y_q     <= add_clear_i ? x_q : y_q + x_q;
  end

  // y_o is the sum before its register. It starts with a cleared one.
  logic begun_q;
  initial begun_q = 1'b0;
  always_ff @(posedge clk_i) if (steps_q[4] && add_clear_i) begun_q <= 1'b1;
  always_comb begin
    if (steps_q[0]) begin
      assert (w[K-1] == w_q[K-1]);
      for (int unsigned j = 0; j < K - 1; j++) begin
        assert (w[j] == ((Engine == 1) ? (w_q[j] == w_q[K-1]) : w_q[j]));
      end
    end
    if (steps_q[4] && add_clear_i) assert (y == x_q);
    if (begun_q) assert (y == (add_clear_i ? x_q : y_q + x_q));
  end

endmodule
