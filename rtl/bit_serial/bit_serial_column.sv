// What a column of PEs shares: the encoders of its weights above it, the bits of its scale, and the
// open sums of its rows, which take one group's result per step.
module bit_serial_column #(
    parameter int unsigned Rows = 4,
    parameter int unsigned Lanes = 4,
    parameter int unsigned ABits = 16,
    parameter int unsigned WBits = 4,
    parameter int unsigned WeightKind = 1,
    localparam int unsigned ResultBits = (ABits == 16) ? 29 : 32,
    localparam int unsigned SumBits = (ABits == 16) ? 32 : 48,
    localparam int unsigned RowBits = (Rows > 1) ? $clog2(Rows) : 1
) (
    input  logic                   clk_i,

    input  logic [Lanes*WBits-1:0] w_i,
    input  logic [1:0]             select_i,
    input  logic [1:0]             term_i,
    input  logic                   term_en_i,
    output logic [Lanes-1:0]       w_man_o,
    output logic [Lanes-1:0]       w_sign_o,
    output logic [Lanes*2-1:0]     w_exp_o,

    input  logic [7:0]             scale_i,
    input  logic                   scale_en_i,  // the group's last token enters
    input  logic                   copy_en_i,
    input  logic                   shift_en_i,
    output logic                   scale_o,     // the bit of this step

    input  logic [ResultBits-1:0]  result_i,    // of the PE at the top
    input  logic                   nan_i,
    input  logic                   convert_en_i,
    input  logic                   add_en_i,
    input  logic                   add_clear_i,
    input  logic [RowBits-1:0]     add_row_i,
    output logic [SumBits-1:0]     sum_o
);

  // -- terms --------------------------------------------------------------------------------------

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic man, sign;
    logic [1:0] exponent;
    bit_serial_encoder #(.WBits(WBits), .WeightKind(WeightKind)) u_encoder (
        .w_i(w_i[l*WBits+:WBits]), .select_i, .term_i,
        .man_o(man), .sign_o(sign), .exp_o(exponent)
    );
    always_ff @(posedge clk_i) begin
      if (term_en_i) begin
        w_man_o[l]       <= man;
        w_sign_o[l]      <= sign;
        w_exp_o[l*2+:2]  <= exponent;
      end
    end
  end

  // -- scale --------------------------------------------------------------------------------------

  logic [7:0] scale_q, bits_q;
  always_ff @(posedge clk_i) begin
    if (scale_en_i) begin
      scale_q <= scale_i;
    end
    if (copy_en_i) begin
      bits_q <= scale_q;
    end else if (shift_en_i) begin
      bits_q <= {bits_q[6:0], 1'b0};
    end
  end
  assign scale_o = bits_q[7];

  // -- sums ---------------------------------------------------------------------------------------

  logic [Rows*SumBits-1:0] sums_q;
  logic [SumBits-1:0] open_sum, base, addend_q;
  assign open_sum = sums_q[32'(add_row_i)*SumBits+:SumBits];
  assign base     = add_clear_i ? '0 : open_sum;
  for (genvar r = 0; r < Rows; r++) begin : gen_row
    always_ff @(posedge clk_i) begin
      if (add_en_i && (32'(add_row_i) == r)) begin
        sums_q[r*SumBits+:SumBits] <= sum_o;
      end
    end
  end

  if (ABits == 16) begin : gen_float
    // product * 2^(exponent - 28 - Fraction); its highest place is 22 above its lowest.
    localparam int unsigned Fraction = ((WeightKind == 1) || (WeightKind == 2)) ? 1 : 0;
    localparam int unsigned Bias = 127 + 22 - 28 - Fraction;

    logic sign;
    logic [22:0] magnitude, normalised;
    logic [4:0] zeros;
    logic [7:0] field;
    logic [31:0] addend;
    logic unused_hidden;
    assign sign      = result_i[22];
    assign magnitude = sign ? 23'd0 - result_i[22:0] : result_i[22:0];
    lzc #(.Width(23)) u_lzc (.data_i(magnitude), .count_o(zeros));
    assign normalised    = magnitude << zeros;
    assign field         = 8'(result_i[28:23]) + 8'(Bias) - 8'(zeros);
    assign unused_hidden = normalised[22];
    always_comb begin
      addend = (magnitude == '0) ? 32'd0 : {sign, field, normalised[21:0], 1'b0};
      if (nan_i) addend = 32'h7FC00000;
    end
    always_ff @(posedge clk_i) begin
      if (convert_en_i) begin
        addend_q <= addend;
      end
    end
    fp_add #(.ExpBits(8), .ManBits(23)) u_add (.a_i(base), .b_i(addend_q), .y_o(sum_o));
  end else begin : gen_integer
    logic unused_nan;
    assign unused_nan = nan_i;
    always_ff @(posedge clk_i) begin
      if (convert_en_i) begin
        addend_q <= {{(SumBits - ResultBits) {result_i[ResultBits-1]}}, result_i};
      end
    end
    assign sum_o = base + addend_q;
  end

endmodule
