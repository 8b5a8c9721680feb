// What the lanes of a column share: the bits of its weights, which wait for the tables, and above
// the lanes the zero point and scale of a group and the open sums of the rows, one row per step.
module lut_tensor_core_column #(
    parameter int unsigned Rows = 2,
    parameter int unsigned K = 4,
    parameter int unsigned Engine = 0,
    parameter int unsigned Activation = 0,
    parameter int unsigned WBits = 2,
    parameter int unsigned WeightKind = 0,
    parameter int unsigned Table = 0,
    parameter int unsigned Precompute = 1,
    parameter int unsigned AccManBits = 23,
    parameter int unsigned Group = 128,
    localparam bit Float = Activation >= 2,
    localparam int unsigned ActBits = ((Activation == 1) || (Activation == 2)) ? 16 : 8,
    localparam int unsigned Planes = (WeightKind == 2) ? 1 : (WeightKind == 3) ? 2 : WBits,
    localparam bit HasTable = Engine <= 2,
    localparam bit HasSigns = Engine <= 1,
    localparam int unsigned Wait =
        (!HasTable || (Precompute == 0)) ? 0 : (Table == 1) ? 2 : 1,
    localparam int unsigned WWidth = (Engine == 4) ? K * Planes : K,
    localparam int unsigned SBits = (WeightKind == 1) ? 8 + Planes : 8,
    localparam int unsigned CodeManBits = (WeightKind == 1) ? Planes - 1 : Planes - 2,
    localparam int unsigned CodeBits = (Engine != 4) ? 1 : Float ? CodeManBits + 5 : Planes,
    localparam int unsigned SumWBits =
        Float ? AccManBits + 9 : ActBits + Planes + $clog2(Group),
    localparam int unsigned SumABits = Float ? AccManBits + 9 : ActBits + $clog2(Group),
    localparam int unsigned SumBits = Float ? 32 : 48,
    localparam int unsigned RowBits = (Rows > 1) ? $clog2(Rows) : 1
) (
    input  logic                  clk_i,

    input  logic [WWidth-1:0]     w_i,
    input  logic [Wait:0]         w_en_i,       // by stage; the first: a token enters
    output logic [K*CodeBits-1:0] w_o,

    input  logic [SBits-1:0]      s_i,
    input  logic                  s_en_i,       // the group's last token enters
    input  logic                  copy_en_i,

    input  logic [SumWBits-1:0]   sum_w_i,      // of the lane at the top
    input  logic [SumABits-1:0]   sum_a_i,
    input  logic                  correct_en_i, // zero point times the sum of A
    input  logic                  subtract_en_i,
    input  logic                  scale_en_i,
    input  logic                  add_en_i,
    input  logic                  add_clear_i,
    input  logic [RowBits-1:0]    add_row_i,
    output logic [SumBits-1:0]    sum_o
);

  // -- weights ------------------------------------------------------------------------------------

  logic [WWidth-1:0] w;
  if (Engine == 1) begin : gen_negate
    // The half table has no entry that subtracts the highest activation: address and result are
    // negated.
    assign w = {w_i[K-1], w_i[K-2:0] ~^ {(K - 1) {w_i[K-1]}}};
  end else begin : gen_as_sent
    assign w = w_i;
  end

  for (genvar i = 0; i <= Wait; i++) begin : gen_wait
    logic [WWidth-1:0] stage_q;
    if (i == 0) begin : gen_first
      always_ff @(posedge clk_i) if (w_en_i[0]) stage_q <= w;
    end else begin : gen_next
      always_ff @(posedge clk_i) if (w_en_i[i]) stage_q <= gen_wait[i-1].stage_q;
    end
  end

  if ((Engine == 4) && Float) begin : gen_float_codes
    for (genvar j = 0; j < K; j++) begin : gen_code
      localparam int unsigned ValueBits = CodeManBits + 2;
      logic [ValueBits-1:0] value;
      if (WeightKind == 1) begin : gen_unsigned
        assign value = {1'b0, gen_wait[Wait].stage_q[j*Planes+:Planes]};
      end else begin : gen_signed
        assign value = gen_wait[Wait].stage_q[j*Planes+:Planes];
      end
      lut_tensor_core_float #(.Bits(ValueBits)) u_float (
          .value_i(value), .float_o(w_o[j*CodeBits+:CodeBits])
      );
    end
  end else begin : gen_codes
    assign w_o = gen_wait[Wait].stage_q;
  end

  // -- zero point and scale -----------------------------------------------------------------------

  // With bits -1 and +1 a sum is that of odd numbers, 2^Half times too large.
  localparam bit Half = HasSigns && (WeightKind != 2);
  localparam bit HasZero = WeightKind == 1;
  localparam bit HasSumA = HasZero || ((WeightKind == 0) && HasSigns);
  localparam int unsigned ScaleBits = Float ? 11 : 8;
  localparam int unsigned ZeroBits = Float ? Planes + 4 : Planes + 1;

  logic [SBits-1:0] s_q;
  always_ff @(posedge clk_i) begin
    if (s_en_i) begin
      s_q <= s_i;
    end
  end

  logic [ScaleBits-1:0] scale, scale_q;
  if (Float) begin : gen_float_scale
    lut_tensor_core_float #(.Bits(8), .Halve(Half)) u_float (
        .value_i(s_q[7:0]), .float_o(scale)
    );
  end else begin : gen_scale
    assign scale = s_q[7:0];
  end
  always_ff @(posedge clk_i) begin
    if (copy_en_i) begin
      scale_q <= scale;
    end
  end

  // -- the zero point's part: C -------------------------------------------------------------------

  localparam int unsigned PartBits =
      Float ? (HasZero ? 32 : SumABits) : HasZero ? SumWBits + 1 : SumABits;

  logic [SumWBits-1:0] sum_w_q;
  always_ff @(posedge clk_i) begin
    if (correct_en_i) begin
      sum_w_q <= sum_w_i;
    end
  end

  if (HasSumA) begin : gen_part
    logic [PartBits-1:0] part, part_q;
    if (HasZero) begin : gen_zero
      logic [Planes:0] value;  // two's complement
      logic [ZeroBits-1:0] zero, zero_q;
      if (HasSigns) begin : gen_signs
        // 2 zero + 1 - 2^Planes
        always_comb begin
          value         = {s_q[8+:Planes], 1'b1};
          value[Planes] = !s_q[SBits-1];
        end
      end else begin : gen_bits
        assign value = {1'b0, s_q[8+:Planes]};
      end
      if (Float) begin : gen_float
        lut_tensor_core_float #(.Bits(Planes + 1)) u_float (.value_i(value), .float_o(zero));
        fp_mul #(
            .AExpBits(8), .AManBits(AccManBits), .ASpecials(2),
            .BExpBits(4), .BManBits(Planes - 1), .BSpecials(0), .OutExpBits(8), .OutManBits(23)
        ) u_mul (
            .a_i(sum_a_i), .b_i(zero_q), .y_o(part)
        );
      end else begin : gen_integer
        logic signed [PartBits-1:0] product;
        assign zero    = value;
        assign product = $signed(sum_a_i) * $signed(zero_q);
        assign part    = product;
      end
      always_ff @(posedge clk_i) begin
        if (copy_en_i) begin
          zero_q <= zero;
        end
      end
    end else begin : gen_one
      assign part = sum_a_i;
    end
    always_ff @(posedge clk_i) begin
      if (correct_en_i) begin
        part_q <= part;
      end
    end
  end else begin : gen_no_part
    logic unused_sum_a;
    assign unused_sum_a = ^sum_a_i;
  end

  // -- the group's sum of products: D; times its scale: X; added to the sum of the row: Y ---------

  localparam int unsigned SumDBits = Float ? 32 : SumWBits;
  localparam int unsigned SumXBits = Float ? 32 : SumWBits + 8;

  logic [SumDBits-1:0] sum_d, sum_d_q;
  logic [SumXBits-1:0] sum_x, sum_x_q;
  always_ff @(posedge clk_i) begin
    if (subtract_en_i) begin
      sum_d_q <= sum_d;
    end
    if (scale_en_i) begin
      sum_x_q <= sum_x;
    end
  end

  logic [Rows*SumBits-1:0] sums_q;
  logic [SumBits-1:0] open_sum, base;
  logic [(1<<RowBits)*SumBits-1:0] padded_sums;
  always_comb begin
    padded_sums = '0;
    padded_sums[0+:Rows*SumBits] = sums_q;
  end
  lut_tensor_core_mux #(.AddressBits(RowBits), .Bits(SumBits)) u_open_sum (
      .entries_i(padded_sums), .address_i(add_row_i), .entry_o(open_sum)
  );
  assign base     = add_clear_i ? {SumBits{1'b0}} : open_sum;
  for (genvar r = 0; r < Rows; r++) begin : gen_row
    always_ff @(posedge clk_i) begin
      if (add_en_i && (32'(add_row_i) == r)) begin
        sums_q[r*SumBits+:SumBits] <= sum_o;
      end
    end
  end

  if (Float) begin : gen_float
    logic [31:0] sum_w;
    if (AccManBits == 23) begin : gen_single
      assign sum_w = sum_w_q;
    end else begin : gen_pad
      assign sum_w = {sum_w_q, {(23 - AccManBits) {1'b0}}};
    end
    if (HasSumA) begin : gen_subtract
      logic [31:0] minus_part;
      if (PartBits == 32) begin : gen_single
        assign minus_part = {!gen_part.part_q[31], gen_part.part_q[30:0]};
      end else begin : gen_pad
        assign minus_part = {!gen_part.part_q[PartBits-1], gen_part.part_q[PartBits-2:0],
                             {(32 - PartBits) {1'b0}}};
      end
      fp_add #(.ExpBits(8), .ManBits(23)) u_subtract (
          .a_i(sum_w), .b_i(minus_part), .y_o(sum_d)
      );
    end else begin : gen_same
      assign sum_d = sum_w;
    end
    fp_mul #(
        .AExpBits(8), .AManBits(23), .ASpecials(2),
        .BExpBits(4), .BManBits(6), .BSpecials(0), .OutExpBits(8), .OutManBits(23)
    ) u_mul (
        .a_i(sum_d_q), .b_i(scale_q), .y_o(sum_x)
    );
    fp_add #(.ExpBits(8), .ManBits(23)) u_add (.a_i(base), .b_i(sum_x_q), .y_o(sum_o));
  end else begin : gen_integer
    logic [SumWBits:0] difference;
    if (HasSumA) begin : gen_subtract
      logic [SumWBits:0] part;
      if (PartBits == SumWBits + 1) begin : gen_full
        assign part = gen_part.part_q;
      end else begin : gen_extend
        assign part = {{(SumWBits + 1 - PartBits) {gen_part.part_q[PartBits-1]}},
                       gen_part.part_q};
      end
      assign difference = {sum_w_q[SumWBits-1], sum_w_q} - part;
    end else begin : gen_same
      assign difference = {sum_w_q[SumWBits-1], sum_w_q};
    end
    logic unused_bit;
    if (Half) begin : gen_halve
      assign sum_d      = difference[SumWBits:1];
      assign unused_bit = difference[0];
    end else begin : gen_keep
      assign sum_d      = difference[SumWBits-1:0];
      assign unused_bit = difference[SumWBits];
    end
    logic signed [SumXBits-1:0] product;
    assign product = $signed(sum_d_q) * $signed(scale_q);
    assign sum_x   = product;
    assign sum_o   = base + {{(SumBits - SumXBits) {sum_x_q[SumXBits-1]}}, sum_x_q};
  end

endmodule
