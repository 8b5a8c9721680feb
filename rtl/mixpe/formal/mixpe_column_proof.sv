// The integer dequantiser of a column: the open sum becomes what it was, or 0 with the first group
// of a sum, plus scale x result, for any results, headers and scales: the scale that was in the s
// register a step after the header came. One row; scales of -2..1, so that an answer comes. (With a
// zero point, WeightKind=1, none came in two minutes: that is left to lockstep.)
//
// sources: rtl/common/lzc.sv rtl/common/increment.sv rtl/common/shift_right_sticky.sv
// sources: rtl/common/fp_unpack.sv rtl/common/fp_mul.sv rtl/common/fp_add_align.sv
// sources: rtl/common/fp_add_finish.sv rtl/common/fp_add.sv rtl/mixpe/mixpe_to_float.sv
// sources: rtl/mixpe/mixpe_column.sv
// method: induction 10
// prove: WBits=2 WeightKind=0
module mixpe_column_proof #(
    parameter int unsigned WBits = 2,
    parameter int unsigned WeightKind = 0,
    localparam int unsigned ZeroBits = (WeightKind == 1) ? WBits : 0,
    localparam int unsigned GrowBits = (WeightKind == 2) ? (1 << (WBits - 1)) - 1 : WBits,
    localparam int unsigned ResultBits = 8 + GrowBits + 4
) (
    input logic                  clk_i,
    input logic                  rst_ni,
    input logic                  s_en_i,
    input logic [8+ZeroBits-1:0] s_i,
    input logic                  header_valid_i,
    input logic                  first_i,
    input logic [11:0]           row_sum_i,
    input logic [ResultBits-1:0] result_i
);

  // A header of a column, emit and n never matter here; every one is of row 0.
  logic header_valid;
  logic [3:0] header;
  logic [11:0] row_sum;
  logic [31:0] sum;
  mixpe_column #(
      .Rows(1), .Cols(1), .Activation(0), .WBits(WBits), .WeightKind(WeightKind), .Scale(0),
      .Group(16)
  ) u_dut (
      .clk_i, .rst_ni,
      .advance_i(1'b1),
      .s_en_i, .s_i,
      .header_valid_i, .header_i({2'b00, first_i, 1'b0}),
      .header_valid_o(header_valid), .header_o(header),
      .row_sum_i, .row_sum_o(row_sum), .result_i,
      .row_i(1'b0), .sum_o(sum)
  );

  logic started_q = 1'b0;
  always_ff @(posedge clk_i) started_q <= 1'b1;
  always_comb begin
    assume (started_q == rst_ni);
    assume (s_i[7:2] == {6{s_i[1]}});
  end

  // What is on its way. Stage 1: the header has come; 2: C; 3: D and its scale; 4: X.
  logic valid_1_q, valid_2_q, valid_3_q, valid_4_q, first_1_q, first_2_q, first_3_q, first_4_q;
  // The s register was loaded in one of the last three cycles; sums of such numbers only.
  logic [2:0] loaded_q;
  logic known_1_q, known_2_q, known_3_q, known_4_q, known_q;
  logic [8+ZeroBits-1:0] s_q;
  logic [WBits-1:0] zero_1_q;
  logic [31:0] difference, difference_2_q, difference_3_q, x, x_4_q, sum_q;
  logic [1:0] scale_3_q;
  logic take, take_first, take_known;
  logic [31:0] taken;

  always_comb begin
    difference = 32'($signed(result_i));
    if (WeightKind == 1) begin
      for (int unsigned i = 0; i < WBits; i++) begin
        if (zero_1_q[i]) difference = difference - (32'($signed(row_sum_i)) << i);
      end
      difference = 32'($signed(difference[ResultBits-1:0]));
    end
    x = '0;
    if (scale_3_q[0]) x = x + difference_3_q;
    if (scale_3_q[1]) x = x - (difference_3_q << 1);
    // Without zero points stage 2 is left out.
    take       = (WeightKind == 1) ? valid_2_q : valid_1_q;
    take_first = (WeightKind == 1) ? first_2_q : first_1_q;
    take_known = (WeightKind == 1) ? known_2_q : known_1_q;
    taken      = (WeightKind == 1) ? difference_2_q : difference;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {valid_1_q, valid_2_q, valid_3_q, valid_4_q} <= '0;
      {loaded_q, known_1_q, known_2_q, known_3_q, known_4_q, known_q} <= '0;
    end else begin
      valid_1_q <= header_valid_i;
      valid_2_q <= valid_1_q;
      valid_3_q <= take;
      valid_4_q <= valid_3_q;
      loaded_q  <= {loaded_q[1:0], s_en_i};
      known_1_q <= loaded_q != '0;
      known_2_q <= known_1_q;
      known_3_q <= take_known && (loaded_q != '0);
      known_4_q <= known_3_q;
      if (valid_4_q) known_q <= known_4_q && (first_4_q || known_q);
    end
  end
  always_ff @(posedge clk_i) begin
    if (s_en_i) s_q <= s_i;
    if (header_valid_i) begin
      first_1_q <= first_i;
      zero_1_q  <= s_q[8+ZeroBits-1-:WBits];
    end
    first_2_q      <= first_1_q;
    difference_2_q <= difference;
    first_3_q      <= take_first;
    difference_3_q <= taken;
    if (take) scale_3_q <= s_q[1:0];
    first_4_q      <= first_3_q;
    x_4_q          <= x;
    if (valid_4_q) sum_q <= (first_4_q ? '0 : sum_q) + x_4_q;
  end

  always_comb begin
    assert (header_valid == valid_1_q);
    if (known_q) assert (sum == sum_q);
  end

  logic unused;
  assign unused = ^{header, row_sum};

endmodule
