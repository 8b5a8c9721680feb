// One lane: what a column's weights make of a row's table in a step, times the plane's weight,
// added to the sum of its group; and the register that carries the finished sum up the column.
//
// IsSum: the sum lane of a row, which adds all K activations of every table.
module lut_tensor_core_lane #(
    parameter int unsigned K = 4,
    parameter int unsigned Engine = 0,
    parameter int unsigned Activation = 0,
    parameter int unsigned WBits = 2,
    parameter int unsigned WeightKind = 0,
    parameter int unsigned Table = 0,
    parameter int unsigned AccManBits = 23,
    parameter int unsigned Pipeline = 1,
    parameter int unsigned Group = 128,
    parameter int unsigned IsSum = 0,
    localparam bit Float = Activation >= 2,
    localparam int unsigned ActBits = ((Activation == 1) || (Activation == 2)) ? 16 : 8,
    localparam int unsigned ManBits = (Activation == 2) ? 10 : (Activation == 3) ? 3 : 2,
    localparam int unsigned Planes = (WeightKind == 2) ? 1 : (WeightKind == 3) ? 2 : WBits,
    localparam bit HasTable = Engine <= 2,
    localparam bit HasSigns = Engine <= 1,
    localparam int unsigned Entries = HasSigns ? (1 << (K - 1)) : HasTable ? (1 << K) - 1 : K,
    localparam int unsigned ExactBits = Float ? 17 : ActBits + $clog2(K),
    localparam int unsigned HeldBits =
        (Table == 1) ? 8 : HasTable ? ExactBits : Float ? ManBits + 7 : ActBits,
    // A weight code of a multiplier: itself, or a floating-point number (lut_tensor_core_float).
    localparam int unsigned CodeManBits = (WeightKind == 1) ? Planes - 1 : Planes - 2,
    localparam int unsigned CodeBits = (Engine != 4) ? 1 : Float ? CodeManBits + 5 : Planes,
    localparam int unsigned SumBits =
        Float ? AccManBits + 9 : ActBits + ((IsSum != 0) ? 0 : Planes) + $clog2(Group)
) (
    input  logic                        clk_i,

    input  logic [Entries*HeldBits-1:0] entries_i,
    input  logic [5:0]                  code_i,
    input  logic [K*CodeBits-1:0]       w_i,

    input  logic                        read_en_i,        // Pipeline 2: a step before the next
    input  logic                        accumulate_en_i,
    input  logic                        clear_i,          // a new sum begins with this step
    input  logic [2:0]                  plane_i,          // that is accumulated

    input  logic                        copy_en_i,        // the sum is finished
    input  logic                        shift_en_i,       // results move up one row
    input  logic [SumBits-1:0]          result_i,
    output logic [SumBits-1:0]          result_o
);

  // -- read: an entry and whether it is subtracted, or the sum of K products ----------------------

  localparam int unsigned TermBits = (HasTable && (Table == 1)) ? 8 : HasTable ? ExactBits :
                                     (Engine == 3) ? ExactBits : Float ? 32 :
                                     ActBits + $clog2(K) + ((IsSum != 0) ? 0 : Planes);

  logic [TermBits-1:0] read;
  logic read_negated;
  if (HasTable) begin : gen_table
    if (IsSum != 0) begin : gen_all
      logic unused_entries;
      assign read           = entries_i[(Entries-1)*HeldBits+:HeldBits];
      assign read_negated   = 1'b0;
      assign unused_entries = ^{entries_i[0+:(Entries-1)*HeldBits], w_i};
    end else if (HasSigns) begin : gen_half
      lut_tensor_core_mux #(.AddressBits(K - 1), .Bits(HeldBits)) u_mux (
          .entries_i, .address_i(w_i[K-2:0]), .entry_o(read)
      );
      assign read_negated = !w_i[K-1];
    end else begin : gen_full
      // Address 0 is not stored.
      logic [(Entries+1)*HeldBits-1:0] entries;
      assign entries      = {entries_i, {HeldBits{1'b0}}};
      lut_tensor_core_mux #(.AddressBits(K), .Bits(HeldBits)) u_mux (
          .entries_i(entries), .address_i(w_i), .entry_o(read)
      );
      assign read_negated = 1'b0;
    end
  end else begin : gen_operands
    logic [K*TermBits-1:0] terms;
    for (genvar j = 0; j < K; j++) begin : gen_term
      logic [HeldBits-1:0] a;
      logic [CodeBits-1:0] w;
      assign a = entries_i[j*HeldBits+:HeldBits];
      assign w = w_i[j*CodeBits+:CodeBits];
      if (Engine == 3) begin : gen_add
        logic [HeldBits-1:0] gated;
        if (IsSum != 0) begin : gen_all
          logic unused_w;
          assign gated    = a;
          assign unused_w = ^w;
        end else begin : gen_bit
          assign gated = a & {HeldBits{w}};
        end
        if (HeldBits == TermBits) begin : gen_same
          assign terms[j*TermBits+:TermBits] = gated;
        end else if (Float) begin : gen_pad
          assign terms[j*TermBits+:TermBits] = {gated, {(TermBits - HeldBits) {1'b0}}};
        end else begin : gen_extend
          assign terms[j*TermBits+:TermBits] =
              {{(TermBits - HeldBits) {gated[HeldBits-1]}}, gated};
        end
      end else if (Float) begin : gen_float
        // Exact in FP32. Both operands are normalised, so the product lies in [1, 4); the weight's
        // leading one is in the place of its exponent's lowest bit.
        localparam int unsigned CodeSigBits = (IsSum != 0) ? 1 : CodeManBits + 1;
        localparam int unsigned ProductBits = ManBits + 1 + CodeSigBits;
        logic [CodeSigBits-1:0] code_significand;
        logic [3:0] code_field;
        logic code_sign;
        if (IsSum != 0) begin : gen_one
          logic unused_w;
          assign code_significand = 1'b1;
          assign code_field       = 4'd7;
          assign code_sign        = 1'b0;
          assign unused_w         = ^w;
        end else begin : gen_code
          always_comb begin
            code_significand              = w[CodeManBits:0];
            code_significand[CodeManBits] = 1'b1;
          end
          assign code_field = w[CodeManBits+:4];
          assign code_sign  = w[CodeBits-1];
        end

        logic [ManBits:0] significand;
        logic [5:0] field;
        logic [ProductBits-1:0] product, normalised;
        logic [7:0] product_field;
        logic [31:0] term;
        logic special, nan, top, unused_hidden;
        assign significand   = {1'b1, a[ManBits-1:0]};
        assign field         = a[ManBits+:6];
        assign product       = significand * code_significand;
        assign top           = product[ProductBits-1];
        assign normalised    = top ? product : product << 1;
        assign unused_hidden = normalised[ProductBits-1];
        // The sum of both, from biases 31 and 7 to 127.
        assign product_field = 8'(field) + 8'(code_field) + 8'd89 + 8'(top);
        assign special       = &field;
        assign nan           = special && ((a[ManBits-1:0] != '0) || (code_field == 4'd0));
        always_comb begin
          term = {a[HeldBits-1] ^ code_sign, product_field, normalised[ProductBits-2:0],
                  {(24 - ProductBits) {1'b0}}};
          if ((field == 6'd0) || (code_field == 4'd0)) term[30:0] = '0;
          if (special) term[30:0] = 31'h7F800000;
          if (nan) term = 32'h7FC00000;
        end
        assign terms[j*32+:32] = term;
      end else if (IsSum != 0) begin : gen_integer_sum
        logic unused_w;
        assign terms[j*TermBits+:TermBits] = {{(TermBits - HeldBits) {a[HeldBits-1]}}, a};
        assign unused_w = ^w;
      end else begin : gen_integer
        logic signed [ActBits+Planes-1:0] product;
        if (WeightKind == 1) begin : gen_unsigned
          assign product = $signed(a) * $signed({1'b0, w});
        end else begin : gen_signed
          assign product = $signed(a) * $signed(w);
        end
        assign terms[j*TermBits+:TermBits] =
            {{(TermBits - ActBits - Planes) {product[ActBits+Planes-1]}}, product};
      end
    end

    lut_tensor_core_sum #(
        .K(K), .ExpBits(!Float ? 0 : (Engine == 3) ? 6 : 8), .Bits(TermBits)
    ) u_sum (
        .terms_i(terms), .sum_o(read)
    );
    assign read_negated = 1'b0;
  end

  logic [TermBits-1:0] term;
  logic term_negated;
  logic [5:0] code;
  if (Pipeline == 2) begin : gen_register
    logic [TermBits-1:0] term_q;
    logic negated_q;
    logic [5:0] code_q;
    always_ff @(posedge clk_i) begin
      if (read_en_i) begin
        term_q    <= read;
        negated_q <= read_negated;
        code_q    <= code_i;
      end
    end
    assign term         = term_q;
    assign term_negated = negated_q;
    assign code         = code_q;
  end else begin : gen_no_register
    logic unused_read_en;
    assign term           = read;
    assign term_negated   = read_negated;
    assign code           = code_i;
    assign unused_read_en = read_en_i;
  end

  // -- weight: 2^plane, and the scale of an 8-bit table -------------------------------------------

  // Planes of bipolar and, with bits -1 and +1, of ternary weights count once; so do products.
  localparam bit Weighted = (IsSum == 0) && (Engine != 4) && (Planes > 1) &&
                            ((WeightKind != 3) || !HasSigns);
  // The top plane of two's complement counts negative.
  localparam bit TopNegative = Weighted && !HasSigns && (WeightKind != 1);

  logic [2:0] plane;
  logic negated;
  if (Weighted) begin : gen_weighted
    assign plane = plane_i;
  end else begin : gen_alike
    logic unused_plane;
    assign plane        = 3'd0;
    assign unused_plane = ^plane_i;
  end
  assign negated = term_negated || (TopNegative && (plane == 3'(Planes - 1)));

  // -- accumulator --------------------------------------------------------------------------------

  logic [SumBits-1:0] sum_q, base, sum;
  assign base = clear_i ? {SumBits{1'b0}} : sum_q;
  always_ff @(posedge clk_i) begin
    if (accumulate_en_i) begin
      sum_q <= sum;
    end
  end

  if (Float) begin : gen_float
    logic [SumBits-1:0] addend;
    if (Table == 1) begin : gen_rounded
      logic [2:0] zeros;
      logic [6:0] normalised;
      logic [7:0] field;
      logic unused_hidden;
      lzc #(.Width(7)) u_lzc (.data_i(term[6:0]), .count_o(zeros));
      assign normalised    = term[6:0] << zeros;
      assign unused_hidden = normalised[6];
      // The largest magnitudes are in [64, 128) times 2^(code - 30).
      assign field         = 8'(code) + 8'd103 + 8'(plane) - 8'(zeros);
      always_comb begin
        addend = {term[7] ^ negated, field, normalised[5:0], {(AccManBits - 6) {1'b0}}};
        if (term[6:0] == '0) addend[SumBits-2:0] = '0;
        if (code == 6'd63) addend[SumBits-2-:9] = '1;
      end
    end else if (Engine == 4) begin : gen_product
      logic unused_negated;
      assign addend         = term;
      assign unused_negated = ^{negated, plane};
    end else begin : gen_exact
      logic [7:0] field;
      assign field = 8'(term[15:10]) + 8'd96 + 8'(plane);
      if (AccManBits > 10) begin : gen_pad
        assign addend[AccManBits-11:0] = '0;
      end
      always_comb begin
        addend[SumBits-1-:19] = {term[16] ^ negated, field, term[9:0]};
        if (term[15:10] == 6'd0) addend[SumBits-2-:8] = '0;
        if (&term[15:10]) addend[SumBits-2-:8] = '1;
      end
    end
    fp_add #(.ExpBits(8), .ManBits(AccManBits)) u_add (.a_i(base), .b_i(addend), .y_o(sum));
  end else begin : gen_integer
    // The lowest bit of both summands only makes the carry into a subtraction.
    logic [SumBits-1:0] extended, moved;
    logic minus, unused_carry_in;
    if (Table == 1) begin : gen_rounded
      logic [4:0] places;
      assign places   = 5'(code) + 5'(plane);
      assign extended = SumBits'(term[6:0]);
      assign moved    = extended << places;
      assign minus    = term[7] ^ negated;
    end else begin : gen_exact
      if (SumBits == TermBits) begin : gen_same
        assign extended = term;
      end else begin : gen_extend
        assign extended = {{(SumBits - TermBits) {term[TermBits-1]}}, term};
      end
      assign moved = extended << plane;
      assign minus = negated;
    end
    assign {sum, unused_carry_in} = {base, minus} + {moved ^ {SumBits{minus}}, minus};
  end

  if (!(Table == 1)) begin : gen_no_scale
    logic unused_code;
    assign unused_code = ^code;
  end else if (!Float) begin : gen_small_scale
    logic unused_code;
    assign unused_code = code[5];
  end

  // -- result -------------------------------------------------------------------------------------

  logic [SumBits-1:0] result_q;
  always_ff @(posedge clk_i) begin
    if (copy_en_i) begin
      result_q <= sum_q;
    end else if (shift_en_i) begin
      result_q <= result_i;
    end
  end
  assign result_o = result_q;

endmodule
