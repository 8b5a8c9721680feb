// What stands above a column of PEs: scale and zero point of its weights, the dequantiser, which
// takes a row's result every second step or in every step, and the open sums of all rows.
//
// A header {n, emit, first, row} comes from the left one step before the result it belongs to is at
// the top of the column, the row's sum of activations with that result; both leave to the right one
// step after they came. Then, a step each: C = zero x SA (uint), D = SW - C, X = D x scale, Y + X.
module mixpe_column #(
    parameter int unsigned Rows = 4,
    parameter int unsigned Cols = 4,
    parameter int unsigned Activation = 0,  // 0 INT8, 1 INT16, 2 FP16
    parameter int unsigned WBits = 4,
    parameter int unsigned WeightKind = 1,  // 0 int, 1 uint, 2 power of two
    parameter int unsigned Scale = 1,       // 0 INT8, 1 FP16
    parameter int unsigned Group = 128,
    localparam int unsigned ABits = (Activation == 0) ? 8 : 16,
    localparam int unsigned GrowBits = (WeightKind == 2) ? (1 << (WBits - 1)) - 1 : WBits,
    localparam int unsigned ResultBits =
        (Activation == 2) ? 32 : ABits + GrowBits + $clog2(Group),
    localparam int unsigned RowSumBits = (Activation == 2) ? 32 : ABits + $clog2(Group),
    localparam int unsigned ScaleBits = (Scale == 0) ? 8 : 16,
    localparam int unsigned SBits = ScaleBits + ((WeightKind == 1) ? WBits : 0),
    localparam int unsigned RowBits = (Rows > 1) ? $clog2(Rows) : 1,
    localparam int unsigned HeaderBits = $clog2(Cols + 1) + 2 + RowBits
) (
    input  logic                  clk_i,
    input  logic                  rst_ni,
    input  logic                  advance_i,  // one step of the whole array

    input  logic                  s_en_i,     // of the group whose headers come next
    input  logic [SBits-1:0]      s_i,

    input  logic                  header_valid_i,
    input  logic [HeaderBits-1:0] header_i,
    output logic                  header_valid_o,
    output logic [HeaderBits-1:0] header_o,

    input  logic [RowSumBits-1:0] row_sum_i,
    output logic [RowSumBits-1:0] row_sum_o,
    input  logic [ResultBits-1:0] result_i,

    input  logic [RowBits-1:0]    row_i,
    output logic [31:0]           sum_o       // the open sum of that row
);

  // -- scales and headers -------------------------------------------------------------------------

  logic [SBits-1:0] s_q;
  always_ff @(posedge clk_i) begin
    if (s_en_i) begin
      s_q <= s_i;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      header_valid_o <= 1'b0;
    end else if (advance_i) begin
      header_valid_o <= header_valid_i;
    end
  end
  always_ff @(posedge clk_i) begin
    if (advance_i && header_valid_i) begin
      header_o <= header_i;
    end
  end

  // -- zero x sum of activations ------------------------------------------------------------------

  // What D is made of, and the {first, row} that comes with it.
  logic [ResultBits-1:0] difference;  // SW - C
  logic ready;
  logic [RowBits:0] info;

  if (WeightKind == 1) begin : gen_zero
    logic ready_q;
    logic [RowBits:0] info_q;
    logic [ResultBits-1:0] result_q;
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        ready_q <= 1'b0;
      end else if (advance_i) begin
        ready_q <= header_valid_o;
      end
    end
    always_ff @(posedge clk_i) begin
      if (advance_i && header_valid_o) begin
        info_q    <= header_o[RowBits:0];
        result_q  <= result_i;
        row_sum_o <= row_sum_i;
      end
    end
    assign ready = ready_q;
    assign info  = info_q;

    logic [WBits-1:0] zero;
    logic zero_en;  // the zero point stays for all rows of its group
    assign zero    = s_q[ScaleBits+:WBits];
    assign zero_en = advance_i && header_valid_i && (header_i[RowBits-1:0] == '0);

    if (Activation == 2) begin : gen_float
      // A zero point has four exponent bits, bias 7.
      localparam int unsigned CountBits = $clog2(WBits);
      logic [CountBits-1:0] zeros;
      logic [WBits-1:0] normalised;
      logic [3:0] field;
      logic [WBits+3:0] zero_q;
      logic [31:0] c, c_q;
      lzc #(.Width(WBits)) u_lzc (.data_i(zero), .count_o(zeros));
      assign normalised = zero << zeros;
      assign field      = normalised[WBits-1] ? 4'(WBits + 6) - 4'(zeros) : 4'd0;
      always_ff @(posedge clk_i) begin
        if (zero_en) begin
          zero_q <= {1'b0, field, normalised[WBits-2:0]};
        end
        if (advance_i && header_valid_o) begin
          c_q <= c;
        end
      end
      fp_mul #(
          .AExpBits(8), .AManBits(23), .ASpecials(2),
          .BExpBits(4), .BManBits(WBits - 1), .BSpecials(0)
      ) u_mul (
          .a_i(row_sum_i), .b_i(zero_q), .y_o(c)
      );
      fp_add #(.ExpBits(8), .ManBits(23)) u_subtract (
          .a_i(result_q), .b_i({!c_q[31], c_q[30:0]}), .y_o(difference)
      );
    end else begin : gen_integer
      localparam int unsigned ZeroBits = RowSumBits + WBits;
      logic [WBits-1:0] zero_q;
      logic [ZeroBits-1:0] c, c_q;
      logic signed [ZeroBits-1:0] factor, row_sum;
      assign factor  = ZeroBits'(zero_q);
      assign row_sum = ZeroBits'($signed(row_sum_i));
      assign c       = factor * row_sum;
      always_ff @(posedge clk_i) begin
        if (zero_en) begin
          zero_q <= zero;
        end
        if (advance_i && header_valid_o) begin
          c_q <= c;
        end
      end
      assign difference = result_q - c_q;
    end
  end else begin : gen_no_zero
    logic unused_row_sum;
    assign ready          = header_valid_o;
    assign info           = header_o[RowBits:0];
    assign difference     = result_i;
    assign row_sum_o      = '0;
    assign unused_row_sum = ^row_sum_i;
  end

  // -- scale --------------------------------------------------------------------------------------

  logic [1:0] valid_q;
  logic [RowBits:0] scale_info_q, add_info_q;
  logic [ScaleBits-1:0] scale_q;
  logic [31:0] x, x_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q <= '0;
    end else if (advance_i) begin
      valid_q <= {valid_q[0], ready};
    end
  end
  always_ff @(posedge clk_i) begin
    if (advance_i && ready) begin
      scale_info_q <= info;
      if (info[RowBits-1:0] == '0) begin
        scale_q <= s_q[ScaleBits-1:0];
      end
    end
    if (advance_i && valid_q[0]) begin
      add_info_q <= scale_info_q;
      x_q        <= x;
    end
  end

  if (Scale == 0) begin : gen_integer_scale
    // What X and Y need of a product are its low 32 bits.
    logic [ResultBits-1:0] difference_q;
    logic signed [31:0] factor, scale;
    always_ff @(posedge clk_i) begin
      if (advance_i && ready) begin
        difference_q <= difference;
      end
    end
    assign factor = 32'($signed(difference_q));
    assign scale  = 32'($signed(scale_q));
    assign x      = factor * scale;
  end else begin : gen_float_scale
    logic [31:0] d, d_q;
    if (Activation == 2) begin : gen_float
      assign d = difference;
    end else begin : gen_integer
      mixpe_to_float #(.Width(ResultBits)) u_to_float (
          .value_i(difference), .field_i(8'd127), .float_o(d)
      );
    end
    always_ff @(posedge clk_i) begin
      if (advance_i && ready) begin
        d_q <= d;
      end
    end
    fp_mul #(
        .AExpBits(8), .AManBits(23), .ASpecials(2), .BExpBits(5), .BManBits(10), .BSpecials(2)
    ) u_mul (
        .a_i(d_q), .b_i(scale_q), .y_o(x)
    );
  end

  // -- open sums ----------------------------------------------------------------------------------

  logic [Rows*32-1:0] sums_q;
  logic [RowBits-1:0] add_row;
  logic [31:0] open_sum, base, sum;
  assign add_row = add_info_q[RowBits-1:0];
  assign base    = add_info_q[RowBits] ? '0 : open_sum;
  if (Rows > 1) begin : gen_rows
    assign open_sum = sums_q[32'(add_row)*32+:32];
    assign sum_o    = sums_q[32'(row_i)*32+:32];
  end else begin : gen_one_row
    logic unused_row;
    assign open_sum   = sums_q;
    assign sum_o      = sums_q;
    assign unused_row = row_i[0];
  end
  if (Scale == 0) begin : gen_integer_sum
    assign sum = base + x_q;
  end else begin : gen_float_sum
    fp_add #(.ExpBits(8), .ManBits(23)) u_add (.a_i(base), .b_i(x_q), .y_o(sum));
  end
  for (genvar r = 0; r < Rows; r++) begin : gen_row
    always_ff @(posedge clk_i) begin
      if (advance_i && valid_q[1] && (32'(add_row) == r)) begin
        sums_q[r*32+:32] <= sum;
      end
    end
  end

endmodule
