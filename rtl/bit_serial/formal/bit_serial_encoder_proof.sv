// The terms of a weight add up to its value, for every code and every special value: the two's
// complement number, the entry of the table of fp4 or fp3 in halves, or -1, 0, 1. Canonical digits
// are canonical.
//
// sources: rtl/bit_serial/bit_serial_encoder.sv
// method: sat
// prove: WBits=8 WeightKind=0
// prove: WBits=6 WeightKind=0
// prove: WBits=5 WeightKind=0
// prove: WBits=4 WeightKind=0
// prove: WBits=8 WeightKind=4
// prove: WBits=6 WeightKind=4
// prove: WBits=5 WeightKind=4
// prove: WBits=4 WeightKind=4
// prove: WBits=4 WeightKind=1
// prove: WBits=3 WeightKind=2
// prove: WBits=2 WeightKind=3
module bit_serial_encoder_proof #(
    parameter int unsigned WBits = 8,
    parameter int unsigned WeightKind = 0
) (
    input logic [WBits-1:0] w_i,
    input logic [1:0]       select_i
);

  localparam bit Integer = (WeightKind == 0) || (WeightKind == 4);
  localparam int unsigned Terms = Integer ? (WBits + 1) / 2 : (WeightKind == 3) ? 1 : 2;

  logic [Terms-1:0] man, sign;
  logic [Terms*2-1:0] exponent;
  for (genvar i = 0; i < Terms; i++) begin : gen_term
    bit_serial_encoder #(.WBits(WBits), .WeightKind(WeightKind)) u_dut (
        .w_i, .select_i, .term_i(2'(i)),
        .man_o(man[i]), .sign_o(sign[i]), .exp_o(exponent[i*2+:2])
    );
  end

  logic signed [11:0] value, sum, term;
  logic [3:0] significance;
  logic [7:0] code;

  always_comb begin
    sum = '0;
    for (int unsigned i = 0; i < Terms; i++) begin
      significance = 4'd0;
      if (Integer) significance = 4'(2 * i);
      if (((WeightKind == 1) || (WeightKind == 2)) && (i == 0)) significance = 4'd1;
      term = 12'sd1 <<< (significance + 4'(exponent[i*2+:2]));
      if (man[i] && sign[i]) sum = sum - term;
      if (man[i] && !sign[i]) sum = sum + term;
    end

    code  = 8'(w_i);
    value = '0;
    if (Integer) begin
      for (int unsigned b = 0; b < WBits; b++) begin
        if (w_i[b]) begin
          if (b == WBits - 1) value = value - (12'sd1 <<< b);
          else                value = value + (12'sd1 <<< b);
        end
      end
    end else if (WeightKind == 1) begin
      case (code)
        8'd1:    value = 12'sd1;
        8'd2:    value = 12'sd2;
        8'd3:    value = 12'sd3;
        8'd4:    value = 12'sd4;
        8'd5:    value = 12'sd6;
        8'd6:    value = 12'sd8;
        8'd7:    value = 12'sd12;
        8'd8: begin
          case (select_i)
            2'd0:    value = -12'sd10;
            2'd1:    value = 12'sd10;
            2'd2:    value = -12'sd16;
            default: value = 12'sd16;
          endcase
        end
        8'd9:    value = -12'sd1;
        8'd10:   value = -12'sd2;
        8'd11:   value = -12'sd3;
        8'd12:   value = -12'sd4;
        8'd13:   value = -12'sd6;
        8'd14:   value = -12'sd8;
        8'd15:   value = -12'sd12;
        default: value = '0;
      endcase
    end else if (WeightKind == 2) begin
      case (code)
        8'd1:    value = 12'sd2;
        8'd2:    value = 12'sd4;
        8'd3:    value = 12'sd8;
        8'd4: begin
          case (select_i)
            2'd0:    value = -12'sd6;
            2'd1:    value = 12'sd6;
            2'd2:    value = -12'sd12;
            default: value = 12'sd12;
          endcase
        end
        8'd5:    value = -12'sd2;
        8'd6:    value = -12'sd4;
        8'd7:    value = -12'sd8;
        default: value = '0;
      endcase
    end else begin
      if (code == 8'd1) value = 12'sd1;
      if (code == 8'd3) value = -12'sd1;
    end
    assert (sum == value);

    // No two canonical digits in a row are not zero: terms with a digit each in places next to
    // each other.
    if (WeightKind == 4) begin
      for (int unsigned i = 1; i < Terms; i++) begin
        assert (!(man[i] && man[i-1] && !exponent[i*2] && exponent[(i-1)*2]));
      end
    end
  end

endmodule
