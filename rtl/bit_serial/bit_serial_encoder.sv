// One term of a weight: (-1)^sign_o * 2^exp_o, or nothing (man_o = 0), at a significance that only
// depends on the term's number (sim/pe/bit_serial/README.md). Combinational.
//
// Integers: digit term_i of the radix-4 Booth code, or that pair of digits of the canonical
// signed-digit code which one digit at most is not zero of. fp4, fp3: leading ones of the magnitude
// in halves, where the code of negative zero is one of four special values. Ternary: the weight.
module bit_serial_encoder #(
    parameter int unsigned WBits = 4,
    parameter int unsigned WeightKind = 1  // 0 Booth, 1 fp4, 2 fp3, 3 ternary, 4 canonical
) (
    input  logic [WBits-1:0] w_i,
    input  logic [1:0]       select_i,  // of the special value
    input  logic [1:0]       term_i,
    output logic             man_o,
    output logic             sign_o,
    output logic [1:0]       exp_o
);

  if (WeightKind == 0) begin : gen_booth
    // Every digit sees three bits; digits beyond the code are not asked for.
    logic [8:0] extended;
    logic [2:0] window;
    logic unused_select;
    assign extended      = {{(9 - WBits) {w_i[WBits-1]}}, w_i};
    assign window        = 3'({extended, 1'b0} >> {term_i, 1'b0});
    assign man_o         = (window != 3'b000) && (window != 3'b111);
    assign sign_o        = window[2];
    assign exp_o         = {1'b0, (window == 3'b011) || (window == 3'b100)};
    assign unused_select = ^select_i;
  end else if (WeightKind == 4) begin : gen_canonical
    // Digits of a number that are not zero are where it and three times it differ, one place lower;
    // negative ones where it is the number that has the bit.
    logic [WBits+1:0] value, triple;
    logic [WBits-1:0] digits;
    logic [7:0] places, signs;
    logic [1:0] pair;
    logic unused_select, unused_lowest;
    assign value         = {{2{w_i[WBits-1]}}, w_i};
    assign triple        = value + {value[WBits:0], 1'b0};
    assign digits        = value[WBits:1] ^ triple[WBits:1];
    assign places        = 8'(digits);
    assign signs         = 8'(value[WBits:1]);
    assign unused_lowest = ^{triple[WBits+1], triple[0]};
    assign pair          = 2'(places >> {term_i, 1'b0});
    assign man_o         = pair != 2'b00;
    assign sign_o        = |(pair & 2'(signs >> {term_i, 1'b0}));
    assign exp_o         = {1'b0, pair[1]};
    assign unused_select = ^select_i;
  end else if (WeightKind == 3) begin : gen_ternary
    logic unused_select;
    assign man_o         = w_i[0];
    assign sign_o        = w_i[1];
    assign exp_o         = 2'd0;
    assign unused_select = ^{select_i, term_i};
  end else begin : gen_leading_ones
    // Magnitudes in halves.
    logic [4:0] special, magnitude;
    logic sign, is_special;
    if (WeightKind == 1) begin : gen_fp4
      assign sign       = w_i[3];
      assign is_special = w_i == 4'b1000;
      assign special    = select_i[1] ? 5'd16 : 5'd10;
      always_comb begin
        case (w_i[2:0])
          3'd5:    magnitude = 5'd6;
          3'd6:    magnitude = 5'd8;
          3'd7:    magnitude = 5'd12;
          default: magnitude = {2'b00, w_i[2:0]};
        endcase
        if (is_special) magnitude = special;
      end
    end else begin : gen_fp3
      assign sign       = w_i[2];
      assign is_special = w_i == 3'b100;
      assign special    = select_i[1] ? 5'd12 : 5'd6;
      always_comb begin
        case (w_i[1:0])
          2'd0:    magnitude = 5'd0;
          2'd1:    magnitude = 5'd2;
          2'd2:    magnitude = 5'd4;
          default: magnitude = 5'd8;
        endcase
        if (is_special) magnitude = special;
      end
    end

    // Term 0: the leading one of bits 4..1, at 2^(exp + 1); term 1: that of the rest, at 2^exp.
    logic [3:0] high, rest, chosen;
    logic [2:0] leading;
    logic unused_term;
    assign high        = magnitude[4:1];
    assign leading[2]  = high[2] && !high[3];
    assign leading[1]  = high[1] && (high[3:2] == 2'd0);
    assign leading[0]  = high[0] && (high[3:1] == 3'd0);
    assign rest        = {high[2:0] & ~leading, magnitude[0]};
    assign chosen      = term_i[0] ? rest : high;
    assign unused_term = term_i[1];
    assign man_o       = chosen != 4'd0;
    assign sign_o      = is_special ? !select_i[0] : sign;
    assign exp_o       = chosen[3] ? 2'd3 : chosen[2] ? 2'd2 : {1'b0, chosen[1]};
  end

endmodule
