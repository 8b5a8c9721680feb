// The group's sum of an integer PE is the sum of activation x digit x 2^place over all tokens since
// the first of the group, for any activations, digits and steps between them; that of the row sum
// beside it the sum of activations; and with whole weights the one minus a zero point times the
// other is the sum of activation x (weight - zero). Tokens leave as they came.
//
// The sums are seen through the result registers: here every token is marked as its group's last,
// which only copies the sum, one step later.
//
// sources: rtl/mixpe/mixpe_product.sv rtl/mixpe/mixpe_pe.sv rtl/mixpe/mixpe_row_sum.sv
// method: induction 8
// prove: WBits=2 WeightKind=1 Digit=2 Zero=1
// prove: WBits=2 WeightKind=1 Digit=2 Zero=3
// prove: WBits=2 WeightKind=1 Digit=1 Pipeline=2
// prove: WBits=3 WeightKind=0 Digit=2
// prove: WBits=3 WeightKind=0 Digit=1 Pipeline=2
// prove: WBits=3 WeightKind=2 Digit=3 Lanes=2
module mixpe_pe_proof #(
    parameter int unsigned Lanes = 1,
    parameter int unsigned WBits = 2,
    parameter int unsigned WeightKind = 1,
    parameter int unsigned Digit = 2,
    parameter int unsigned Pipeline = 1,
    parameter int unsigned Zero = 3,  // zero point
    localparam int unsigned Digits = (WBits + Digit - 1) / Digit,
    localparam int unsigned NumberBits = (Digits > 1) ? $clog2(Digits) : 1
) (
    input logic                   clk_i,
    input logic                   rst_ni,
    input logic                   advance_i,
    input logic                   valid_i,
    input logic                   first_i,
    input logic [NumberBits-1:0]  digit_i,
    input logic [Lanes*8-1:0]     a_i,
    input logic [Lanes*Digit-1:0] w_i,
    input logic [WBits-1:0]       zero_i
);

  localparam int unsigned Group = 16;
  localparam int unsigned GrowBits = (WeightKind == 2) ? (1 << (WBits - 1)) - 1 : WBits;
  localparam int unsigned SumBits = 8 + GrowBits + $clog2(Group);
  // Both sums wrap together: here groups never end.
  localparam int unsigned RowSumBits = SumBits;

  logic valid, first, last;
  logic [NumberBits-1:0] number;
  logic [Lanes*8-1:0] a;
  logic [Lanes*Digit-1:0] w;
  logic [SumBits-1:0] result;
  logic [RowSumBits-1:0] row_result;
  mixpe_pe #(
      .Lanes(Lanes), .Activation(0), .WBits(WBits), .WeightKind(WeightKind), .Digit(Digit),
      .Pipeline(Pipeline), .Group(Group)
  ) u_pe (
      .clk_i, .rst_ni, .advance_i,
      .a_valid_i(valid_i), .a_first_i(first_i), .a_last_i(1'b1), .a_digit_i(digit_i), .a_i,
      .a_valid_o(valid), .a_first_o(first), .a_last_o(last), .a_digit_o(number), .a_o(a),
      .w_i, .w_o(w),
      .result_i({SumBits{1'b0}}), .result_o(result)
  );
  // It takes the last digit of a beat only.
  logic top;
  assign top = (Digits == 1) || (digit_i == NumberBits'(Digits - 1));
  mixpe_row_sum #(
      .Lanes(Lanes), .Activation(0), .Pipeline(Pipeline), .Group(Group << GrowBits)
  ) u_row_sum (
      .clk_i, .rst_ni, .advance_i,
      .valid_i(valid_i && top), .first_i, .last_i(1'b1), .a_i,
      .result_i({RowSumBits{1'b0}}), .result_o(row_result)
  );

  // What a token adds, by loops of shifted additions; token_less: with the weight less the zero
  // point.
  logic [SumBits-1:0] token, token_less, activation;
  logic [RowSumBits-1:0] activations;
  logic [WBits:0] less;
  always_comb begin
    token       = '0;
    token_less  = '0;
    activations = '0;
    activation  = '0;
    less        = '0;
    for (int unsigned l = 0; l < Lanes; l++) begin
      activation = SumBits'($signed(a_i[l*8+:8]));
      if (WeightKind == 2) begin
        for (int unsigned e = 1; e < (1 << (WBits - 1)); e++) begin
          if (w_i[l*Digit+:WBits-1] == (WBits - 1)'(e)) begin
            if (w_i[l*Digit+Digit-1]) token = token - (activation << (e - 1));
            else                      token = token + (activation << (e - 1));
          end
        end
      end else begin
        for (int unsigned i = 0; i < Digit; i++) begin
          if (w_i[l*Digit+i]) begin
            if ((WeightKind == 0) && top && (i == Digit - 1)) begin
              token = token - ((activation << i) << (32'(digit_i) * Digit));
            end else begin
              token = token + ((activation << i) << (32'(digit_i) * Digit));
            end
          end
        end
      end
      less = (WBits + 1)'(w_i[l*Digit+:Digit]) - (WBits + 1)'(zero_i);
      for (int unsigned i = 0; i <= WBits; i++) begin
        if (less[i]) begin
          if (i == WBits) token_less = token_less - (activation << i);
          else            token_less = token_less + (activation << i);
        end
      end
      activations = activations + RowSumBits'($signed(a_i[l*8+:8]));
    end
  end

  // The sums after the tokens that the DUT has added so far, and what its result registers show.
  logic started_q = 1'b0;
  logic known_q, row_known_q, seen_known_q, row_seen_known_q;
  logic [SumBits-1:0] sum_q, less_q, seen_q, seen_less_q;
  logic [RowSumBits-1:0] row_q, row_seen_q;
  logic late_known_q, row_late_known_q;
  logic [SumBits-1:0] late_q, late_less_q;
  logic [RowSumBits-1:0] row_late_q;
  logic restart, advanced_q, last_valid_q;
  logic [Lanes*8-1:0] last_a_q;
  logic [Lanes*Digit-1:0] last_w_q;
  assign restart = valid_i && first_i && ((Digits == 1) || (digit_i == '0));

  always_ff @(posedge clk_i) started_q <= 1'b1;
  always_comb begin
    assume (started_q || !rst_ni);
    assume (!started_q || rst_ni);
    assume (advance_i || advanced_q);  // pauses of one cycle, so that sums are seen soon
    if (Digits == 1) assume (digit_i == '0);
    if (Digits > 1) assume (32'(digit_i) < Digits);
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      known_q          <= 1'b0;
      late_known_q     <= 1'b0;
      seen_known_q     <= 1'b0;
      row_known_q      <= 1'b0;
      row_late_known_q <= 1'b0;
      row_seen_known_q <= 1'b0;
      advanced_q       <= 1'b1;
      last_valid_q     <= 1'b0;
    end else begin
      advanced_q <= advance_i;
      if (advance_i) begin
        known_q          <= known_q || restart;
        late_known_q     <= known_q;
        seen_known_q     <= (Pipeline == 1) ? known_q : late_known_q;
        row_known_q      <= row_known_q || (valid_i && top && first_i);
        row_late_known_q <= row_known_q;
        row_seen_known_q <= (Pipeline == 1) ? row_known_q : row_late_known_q;
        last_valid_q     <= valid_i;
      end
    end
  end
  always_ff @(posedge clk_i) begin
    if (advance_i) begin
      if (valid_i) begin
        sum_q  <= (restart ? '0 : sum_q) + token;
        less_q <= (restart ? '0 : less_q) + token_less;
        if (top) row_q <= (first_i ? '0 : row_q) + activations;
      end
      late_q      <= sum_q;
      late_less_q <= less_q;
      row_late_q  <= row_q;
      seen_q      <= (Pipeline == 1) ? sum_q : late_q;
      seen_less_q <= (Pipeline == 1) ? less_q : late_less_q;
      row_seen_q  <= (Pipeline == 1) ? row_q : row_late_q;
      last_a_q    <= a_i;
      last_w_q    <= w_i;
    end
  end

  always_comb begin
    assert (valid == last_valid_q);
    if (last_valid_q) assert ((a == last_a_q) && (w == last_w_q));
    if (seen_known_q) assert (result == seen_q);
    if (row_seen_known_q) assert (row_result == row_seen_q);
  end

  if ((WeightKind == 1) && (Digits == 1)) begin : gen_identity
    logic [SumBits-1:0] row, correction;
    assign row = SumBits'($signed(row_result));
    always_comb begin
      assume (zero_i == WBits'(Zero));
      // Or no answer comes soon.
      assume (advance_i && ($signed(a_i) >= -4) && ($signed(a_i) < 4));
      correction = '0;
      for (int unsigned i = 0; i < WBits; i++) begin
        if (zero_i[i]) correction = correction + (row << i);
      end
      if (seen_known_q && row_seen_known_q) assert (result - correction == seen_less_q);
    end
  end

  logic unused;
  assign unused = ^{first, last, number};

endmodule
