// Bit-serial processing element: Lanes products of an activation and a weight term per step, added
// to the sum of their group; the sum times the group's scale, one bit of the scale per step; and a
// register that carries the result up the column.
//
// All PEs of an array work in step; enables and the significance come from its edge, activations
// along the row, terms and the bit of the scale down the column. ABits 16: FP16 activations {sign,
// exponent, significand}, sums of mantissa and exponent; 8: INT8, exact sums. SkipZeroTerms: a sum
// stays as it is in a step without a term.
module bit_serial_pe #(
    parameter int unsigned Lanes = 4,
    parameter int unsigned ABits = 16,
    parameter int unsigned SkipZeroTerms = 0,
    localparam int unsigned AWidth = (ABits == 16) ? 17 : 8,
    localparam int unsigned ExpBits = (ABits == 16) ? 6 : 0,
    localparam int unsigned MantissaBits = (ABits == 16) ? 15 : 24,
    localparam int unsigned ProductBits = MantissaBits + 8,
    localparam int unsigned ResultBits = ExpBits + ProductBits
) (
    input  logic                    clk_i,

    input  logic [Lanes*AWidth-1:0] a_i,
    input  logic [Lanes-1:0]        w_man_i,
    input  logic [Lanes-1:0]        w_sign_i,
    input  logic [Lanes*2-1:0]      w_exp_i,
    input  logic [2:0]              significance_i,  // of the step that is accumulated

    input  logic                    match_en_i,
    input  logic                    multiply_en_i,
    input  logic                    accumulate_en_i,
    input  logic                    clear_i,         // a new sum begins with this step

    input  logic                    copy_en_i,       // the sum is finished
    input  logic                    scale_en_i,      // one bit of the scale, the highest first
    input  logic                    scale_first_i,
    input  logic                    scale_last_i,
    input  logic                    scale_i,

    input  logic                    shift_en_i,      // results move up one row
    input  logic [ResultBits-1:0]   result_i,
    output logic [ResultBits-1:0]   result_o
);

  logic [MantissaBits-1:0] mantissa_q, factor_q;

  if (ABits == 16) begin : gen_float
    localparam int unsigned DotBits = 15 + $clog2(Lanes);

    // -- exponent match --------------------------------------------------------------------------

    logic [Lanes*5-1:0] a_exp;
    logic [Lanes*11-1:0] significand, significand_q;
    logic [Lanes-1:0] sign, sign_q;
    logic [Lanes*4-1:0] delta, delta_q;
    logic [5:0] largest, largest_q, dot_exp_q;
    for (genvar l = 0; l < Lanes; l++) begin : gen_lane
      assign a_exp[l*5+:5]         = a_i[l*17+11+:5];
      assign significand[l*11+:11] = a_i[l*17+:11] & {11{w_man_i[l]}};
      assign sign[l]               = a_i[l*17+16] ^ w_sign_i[l];
    end
    bit_serial_match #(.Lanes(Lanes)) u_match (
        .a_exp_i(a_exp), .w_exp_i, .w_man_i, .largest_o(largest), .delta_o(delta)
    );
    always_ff @(posedge clk_i) begin
      if (match_en_i) begin
        significand_q <= significand;
        sign_q        <= sign;
        delta_q       <= delta;
        largest_q     <= largest;
      end
    end

    // -- multiply and add ------------------------------------------------------------------------

    logic [DotBits-1:0] dot, dot_q;
    bit_serial_multiply #(.Lanes(Lanes)) u_multiply (
        .significand_i(significand_q), .delta_i(delta_q), .sign_i(sign_q), .dot_o(dot)
    );
    always_ff @(posedge clk_i) begin
      if (multiply_en_i) begin
        dot_q     <= dot;
        dot_exp_q <= largest_q;
      end
    end

    // -- group accumulator -----------------------------------------------------------------------

    logic [14:0] base, mantissa;
    logic [5:0] base_exp, exponent, exponent_q;
    assign base     = clear_i ? 15'd0 : mantissa_q;
    assign base_exp = clear_i ? 6'd0 : exponent_q;
    bit_serial_accumulate #(.Lanes(Lanes)) u_accumulate (
        .dot_i(dot_q), .dot_exp_i(dot_exp_q), .significance_i,
        .mantissa_i(base), .exponent_i(base_exp),
        .mantissa_o(mantissa), .exponent_o(exponent)
    );
    logic live;  // there is a term
    if (SkipZeroTerms != 0) begin : gen_live
      logic matched_q, live_q;
      always_ff @(posedge clk_i) begin
        if (match_en_i) begin
          matched_q <= w_man_i != '0;
        end
        if (multiply_en_i) begin
          live_q <= matched_q;
        end
      end
      assign live = live_q;
    end else begin : gen_always_live
      assign live = 1'b1;
    end
    always_ff @(posedge clk_i) begin
      if (accumulate_en_i) begin
        mantissa_q <= live ? mantissa : base;
        exponent_q <= live ? exponent : base_exp;
      end
    end

    // -- the exponent beside the dequantisation --------------------------------------------------

    logic [5:0] factor_exp_q, result_exp_q;
    always_ff @(posedge clk_i) begin
      if (copy_en_i) begin
        factor_exp_q <= exponent_q;
      end
      if (scale_en_i && scale_last_i) begin
        result_exp_q <= factor_exp_q;
      end else if (shift_en_i) begin
        result_exp_q <= result_i[ProductBits+:6];
      end
    end
    assign result_o[ProductBits+:6] = result_exp_q;
  end else begin : gen_integer
    localparam int unsigned DotBits = 12 + $clog2(Lanes);

    logic [Lanes*12-1:0] products, products_q;
    for (genvar l = 0; l < Lanes; l++) begin : gen_lane
      logic [11:0] moved;
      assign moved = {{4{a_i[l*8+7]}}, a_i[l*8+:8]} << w_exp_i[l*2+:2];
      assign products[l*12+:12] = !w_man_i[l] ? 12'd0 : w_sign_i[l] ? 12'd0 - moved : moved;
    end

    logic [DotBits-1:0] dot, dot_q;
    always_comb begin
      dot = '0;
      for (int unsigned l = 0; l < Lanes; l++) begin
        dot = dot + {{(DotBits - 11) {products_q[l*12+11]}}, products_q[l*12+:11]};
      end
    end

    logic [23:0] base, addend;
    assign base   = clear_i ? 24'd0 : mantissa_q;
    assign addend = {{(24 - DotBits) {dot_q[DotBits-1]}}, dot_q} << significance_i;
    always_ff @(posedge clk_i) begin
      if (match_en_i) begin
        products_q <= products;
      end
      if (multiply_en_i) begin
        dot_q <= dot;
      end
      if (accumulate_en_i) begin
        mantissa_q <= base + addend;
      end
    end
  end

  // -- dequantisation: the highest bit of the scale counts negative -------------------------------

  // All but the last product have a bit less.
  logic [ProductBits-2:0] product_q;
  logic [ProductBits-1:0] result_q, doubled, summand, product;
  assign doubled = scale_first_i ? '0 : {product_q, 1'b0};
  assign summand = scale_i ? {{8{factor_q[MantissaBits-1]}}, factor_q} : '0;
  assign product = scale_first_i ? doubled - summand : doubled + summand;

  always_ff @(posedge clk_i) begin
    if (copy_en_i) begin
      factor_q <= mantissa_q;
    end
    if (scale_en_i) begin
      product_q <= product[ProductBits-2:0];
    end
    if (scale_en_i && scale_last_i) begin
      result_q <= product;
    end else if (shift_en_i) begin
      result_q <= result_i[ProductBits-1:0];
    end
  end
  assign result_o[ProductBits-1:0] = result_q;

endmodule
