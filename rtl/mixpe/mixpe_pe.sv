// Processing element of shift and add: L products per token, their sum, the group's sum, and a
// register that carries finished sums up the column.
//
// A token {valid, first, last, digit, L activations} arrives from the left, the digits of L weights
// from above, in the same step; both leave one step later to the right and below. Where a row of
// results comes in every step weights come from below and leave above, which only the array knows.
// `first`: of its group's first beat, `last`: its group's last token. In FP16 a product is whole
// before it is rounded or added, so with digits only the last one of a beat changes the sum.
module mixpe_pe #(
    parameter int unsigned Lanes = 1,
    parameter int unsigned Activation = 0,  // 0 INT8, 1 INT16, 2 FP16
    parameter int unsigned WBits = 4,
    parameter int unsigned WeightKind = 1,  // 0 int, 1 uint, 2 power of two
    parameter int unsigned Digit = 4,       // bits per step; WBits: all
    parameter int unsigned Pipeline = 1,
    parameter int unsigned RowInterval = 2,  // steps from one row of results to the next
    parameter int unsigned Group = 128,
    localparam int unsigned ABits = (Activation == 0) ? 8 : 16,
    localparam int unsigned Digits = (WBits + Digit - 1) / Digit,
    localparam int unsigned NumberBits = (Digits > 1) ? $clog2(Digits) : 1,
    localparam int unsigned GrowBits = (WeightKind == 2) ? (1 << (WBits - 1)) - 1 : WBits,
    localparam int unsigned ResultBits =
        (Activation == 2) ? 32 : ABits + GrowBits + $clog2(Group)
) (
    input  logic                   clk_i,
    input  logic                   rst_ni,
    input  logic                   advance_i,  // one step of the whole array

    input  logic                   a_valid_i,
    input  logic                   a_first_i,
    input  logic                   a_last_i,
    input  logic [NumberBits-1:0]  a_digit_i,  // its number
    input  logic [Lanes*ABits-1:0] a_i,
    output logic                   a_valid_o,
    output logic                   a_first_o,
    output logic                   a_last_o,
    output logic [NumberBits-1:0]  a_digit_o,
    output logic [Lanes*ABits-1:0] a_o,

    input  logic [Lanes*Digit-1:0] w_i,
    output logic [Lanes*Digit-1:0] w_o,

    input  logic [ResultBits-1:0]  result_i,
    output logic [ResultBits-1:0]  result_o
);

  // -- operands -----------------------------------------------------------------------------------

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      a_valid_o <= 1'b0;
      a_last_o  <= 1'b0;
    end else if (advance_i) begin
      a_valid_o <= a_valid_i;
      a_last_o  <= a_last_i;
    end
  end
  always_ff @(posedge clk_i) begin
    if (advance_i) begin
      a_first_o <= a_first_i;
      a_o       <= a_i;
      w_o       <= w_i;
    end
  end

  logic top_digit;  // the last of the beat
  if (Digits > 1) begin : gen_number
    logic [NumberBits-1:0] number_q;
    always_ff @(posedge clk_i) begin
      if (advance_i) begin
        number_q <= a_digit_i;
      end
    end
    assign a_digit_o = number_q;
    assign top_digit = a_digit_i == NumberBits'(Digits - 1);
  end else begin : gen_no_number
    logic unused_number;
    assign a_digit_o     = '0;
    assign top_digit     = 1'b1;
    assign unused_number = a_digit_i[0];
  end

  // -- products, the sum of the lanes, the group's sum --------------------------------------------

  // The token that the group's sum takes in this step: with a register between the two sums it is
  // the one that leaves.
  logic add_valid, add_first;
  logic [NumberBits-1:0] add_digit;
  if (Pipeline == 1) begin : gen_add_now
    assign add_valid = a_valid_i;
    assign add_first = a_first_i;
    assign add_digit = a_digit_i;
  end else begin : gen_add_late
    assign add_valid = a_valid_o;
    assign add_first = a_first_o;
    assign add_digit = a_digit_o;
  end

  logic [ResultBits-1:0] sum_q;
  if (Activation == 2) begin : gen_float
    // Level v holds the sums of every 2^v lanes.
    localparam int unsigned Levels = $clog2(Lanes);
    logic [Lanes*32-1:0] products;
    for (genvar v = 0; v <= Levels; v++) begin : gen_level
      localparam int unsigned Nodes = Lanes >> v;
      logic [Nodes*32-1:0] sums;
      if (v == 0) begin : gen_leaves
        assign sums = products;
      end else begin : gen_inner
        for (genvar i = 0; i < Nodes; i++) begin : gen_node
          fp_add #(.ExpBits(8), .ManBits(23)) u_add (
              .a_i(gen_level[v-1].sums[(2*i)*32+:32]),
              .b_i(gen_level[v-1].sums[(2*i+1)*32+:32]),
              .y_o(sums[i*32+:32])
          );
        end
      end
    end

    for (genvar l = 0; l < Lanes; l++) begin : gen_lane
      logic [15:0] a;
      assign a = a_i[l*16+:16];
      if (WeightKind == 2) begin : gen_shift
        mixpe_float_shift #(.WBits(WBits)) u_product (
            .a_i(a), .w_i(w_i[l*WBits+:WBits]), .y_o(products[l*32+:32])
        );
        logic unused_top;
        assign unused_top = top_digit;
      end else begin : gen_integer_weight
        localparam int unsigned PartBits = 12 + Digit;
        logic [11:0] significand;
        logic [PartBits-1:0] part;  // significand times the digit
        assign significand = {1'b0, a[14:10] != '0, a[9:0]};
        mixpe_product #(
            .ABits(12), .WBits(WBits), .WeightKind(WeightKind), .Digit(Digit)
        ) u_product (
            .a_i(significand), .digit_i(w_i[l*Digit+:Digit]), .top_i(top_digit), .product_o(part)
        );

        localparam int unsigned ProductBits = 12 + Digits * Digit;
        logic [ProductBits-1:0] product;
        if (Digits == 1) begin : gen_parallel
          assign product = part;
        end else begin : gen_serial
          // The sum of the digits' products so far moves down a digit per step. What lies below the
          // next digit is final; what lies above is never negative before the top digit.
          localparam int unsigned LowBits = (Digits - 1) * Digit;
          logic [10:0] high_q;
          logic [LowBits-1:0] low_q, low_d;
          logic [PartBits-1:0] high;
          assign high    = part + ((a_digit_i == '0) ? '0 : PartBits'(high_q));
          assign product = {high, low_q};
          if (Digits == 2) begin : gen_two
            assign low_d = high[Digit-1:0];
          end else begin : gen_more
            assign low_d = {high[Digit-1:0], low_q[LowBits-1:Digit]};
          end
          always_ff @(posedge clk_i) begin
            if (advance_i && a_valid_i && !top_digit) begin
              high_q <= high[Digit+:11];
              low_q  <= low_d;
            end
          end
        end
        mixpe_float_product #(.ProductBits(ProductBits)) u_float (
            .a_i(a), .product_i(product), .y_o(products[l*32+:32])
        );
      end
    end

    logic add_top;  // the beat is complete
    if (Digits == 1) begin : gen_always
      logic unused_digit;
      assign add_top      = 1'b1;
      assign unused_digit = add_digit[0];
    end else begin : gen_last_digit
      assign add_top = add_digit == NumberBits'(Digits - 1);
    end
    logic [31:0] addend, base, sum;
    if (Pipeline == 1) begin : gen_unregistered
      assign addend = gen_level[Levels].sums;
    end else begin : gen_registered
      logic [31:0] addend_q;
      always_ff @(posedge clk_i) begin
        if (advance_i && a_valid_i && top_digit) begin
          addend_q <= gen_level[Levels].sums;
        end
      end
      assign addend = addend_q;
    end
    assign base = add_first ? '0 : sum_q;
    fp_add #(.ExpBits(8), .ManBits(23)) u_add (.a_i(base), .b_i(addend), .y_o(sum));
    always_ff @(posedge clk_i) begin
      if (advance_i && add_valid && add_top) begin
        sum_q <= sum;
      end
    end
  end else begin : gen_integer
    localparam int unsigned ProductBits = ABits + ((WeightKind == 2) ? GrowBits : Digit);
    localparam int unsigned LanesBits = ProductBits + $clog2(Lanes);

    logic [Lanes*ProductBits-1:0] products;
    for (genvar l = 0; l < Lanes; l++) begin : gen_lane
      mixpe_product #(
          .ABits(ABits), .WBits(WBits), .WeightKind(WeightKind), .Digit(Digit)
      ) u_product (
          .a_i(a_i[l*ABits+:ABits]), .digit_i(w_i[l*Digit+:Digit]), .top_i(top_digit),
          .product_o(products[l*ProductBits+:ProductBits])
      );
    end
    logic [LanesBits-1:0] lanes, addend;
    always_comb begin
      lanes = '0;
      for (int unsigned l = 0; l < Lanes; l++) begin
        lanes = lanes + LanesBits'($signed(products[l*ProductBits+:ProductBits]));
      end
    end
    if (Pipeline == 1) begin : gen_unregistered
      assign addend = lanes;
    end else begin : gen_registered
      logic [LanesBits-1:0] addend_q;
      always_ff @(posedge clk_i) begin
        if (advance_i && a_valid_i) begin
          addend_q <= lanes;
        end
      end
      assign addend = addend_q;
    end

    // A digit counts 2^(number * Digit).
    logic [ResultBits-1:0] extended, moved, base;
    assign extended = ResultBits'($signed(addend));
    assign base     = (add_first && (add_digit == '0)) ? '0 : sum_q;
    if (Digits == 1) begin : gen_parallel
      assign moved = extended;
    end else begin : gen_serial
      always_comb begin
        moved = extended;
        for (int unsigned i = 1; i < Digits; i++) begin
          if (add_digit == NumberBits'(i)) moved = extended << (i * Digit);
        end
      end
    end
    always_ff @(posedge clk_i) begin
      if (advance_i && add_valid) begin
        sum_q <= base + moved;
      end
    end
  end

  // -- results ------------------------------------------------------------------------------------

  // A sum is copied one step after it is finished, when it may already begin anew.
  logic copy;
  if (Pipeline == 1) begin : gen_copy
    assign copy = a_last_o;
  end else begin : gen_copy_late
    logic last_q;
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        last_q <= 1'b0;
      end else if (advance_i) begin
        last_q <= a_last_o;
      end
    end
    assign copy = last_q;
  end
  // Results that move with the weights take twice the steps, so that no two meet.
  logic [ResultBits-1:0] below;
  if (RowInterval == 1) begin : gen_wait
    logic [ResultBits-1:0] below_q;
    always_ff @(posedge clk_i) begin
      if (advance_i) begin
        below_q <= result_i;
      end
    end
    assign below = below_q;
  end else begin : gen_no_wait
    assign below = result_i;
  end
  always_ff @(posedge clk_i) begin
    if (advance_i) begin
      result_o <= copy ? sum_q : below;
    end
  end

endmodule
