// What a column of PEs shares: the encoders of its weights above it, the bits of its scale, and the
// open sums of its rows, which take one group's result per step. SkipZeroTerms: steps run over the
// terms that some lane has.
module bit_serial_column #(
    parameter int unsigned Rows = 4,
    parameter int unsigned Lanes = 4,
    parameter int unsigned ABits = 16,
    parameter int unsigned WBits = 4,
    parameter int unsigned WeightKind = 1,
    parameter int unsigned SkipZeroTerms = 0,
    localparam int unsigned ResultBits = (ABits == 16) ? 29 : 32,
    localparam int unsigned SumBits = (ABits == 16) ? 32 : 48,
    localparam int unsigned RowBits = (Rows > 1) ? $clog2(Rows) : 1
) (
    input  logic                   clk_i,

    input  logic [Lanes*WBits-1:0] w_i,
    input  logic [1:0]             select_i,
    input  logic [1:0]             step_i,      // of the beat
    input  logic                   step_en_i,
    output logic                   more_o,      // there are terms for another step
    output logic [Lanes-1:0]       w_man_o,
    output logic [Lanes-1:0]       w_sign_o,
    output logic [Lanes*2-1:0]     w_exp_o,
    input  logic                   match_en_i,
    input  logic                   multiply_en_i,
    output logic [2:0]             significance_o,  // of the step that is accumulated

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

  localparam bit Pairs = (WeightKind == 0) || (WeightKind == 4);  // two places per term
  localparam int unsigned Terms = Pairs ? (WBits + 1) / 2 : (WeightKind == 3) ? 1 : 2;

  logic [1:0] term;
  logic live;  // there is a term for this step
  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic man, sign;
    logic [1:0] exponent;
    bit_serial_encoder #(.WBits(WBits), .WeightKind(WeightKind)) u_encoder (
        .w_i(w_i[l*WBits+:WBits]), .select_i, .term_i(term),
        .man_o(man), .sign_o(sign), .exp_o(exponent)
    );
    always_ff @(posedge clk_i) begin
      if (step_en_i) begin
        w_man_o[l]       <= man && live;
        w_sign_o[l]      <= sign;
        w_exp_o[l*2+:2]  <= exponent;
      end
    end
  end

  if (SkipZeroTerms != 0) begin : gen_skip
    // The terms that some lane has; this step's is the one with step_i of them below it.
    logic [Terms-1:0] present;
    for (genvar t = 0; t < Terms; t++) begin : gen_term
      logic [Lanes-1:0] man;
      for (genvar l = 0; l < Lanes; l++) begin : gen_lane
        logic unused_sign;
        logic [1:0] unused_exponent;
        bit_serial_encoder #(.WBits(WBits), .WeightKind(WeightKind)) u_encoder (
            .w_i(w_i[l*WBits+:WBits]), .select_i, .term_i(2'(t)),
            .man_o(man[l]), .sign_o(unused_sign), .exp_o(unused_exponent)
        );
      end
      assign present[t] = man != '0;
    end
    logic [2:0] below;
    always_comb begin
      below = '0;
      term  = '0;
      live  = 1'b0;
      for (int unsigned t = 0; t < Terms; t++) begin
        if (present[t]) begin
          if (below == {1'b0, step_i}) begin
            term = 2'(t);
            live = 1'b1;
          end
          below = below + 3'd1;
        end
      end
    end
    assign more_o = below > {1'b0, step_i} + 3'd1;
  end else begin : gen_all
    assign term   = step_i;
    assign live   = 1'b1;
    assign more_o = step_i != 2'(Terms - 1);
  end

  // As late as the products of the step.
  logic [8:0] significance_q;
  logic [2:0] significance;
  if (Pairs) begin : gen_pairs
    assign significance = {term, 1'b0};
  end else if (WeightKind == 3) begin : gen_ternary
    assign significance = 3'd0;
  end else begin : gen_leading_ones
    assign significance = {2'b00, term == 2'd0};
  end
  always_ff @(posedge clk_i) begin
    if (step_en_i) begin
      significance_q[2:0] <= significance;
    end
    if (match_en_i) begin
      significance_q[5:3] <= significance_q[2:0];
    end
    if (multiply_en_i) begin
      significance_q[8:6] <= significance_q[5:3];
    end
  end
  assign significance_o = significance_q[8:6];

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
