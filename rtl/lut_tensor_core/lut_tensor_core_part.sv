// All sums of one to three terms, half of a table's adder tree. Combinational.
//
// HasSigns: sum x adds the highest term, and every other term j if bit j of x is set, else it
// subtracts it; sums of the negated highest term are the negated sums of ~x. Otherwise sum x - 1
// adds the terms whose bits are set in x. Numbers as in lut_tensor_core_add.
module lut_tensor_core_part #(
    parameter int unsigned Terms = 2,
    parameter bit HasSigns = 1'b1,
    parameter bit Float = 1'b0,
    parameter int unsigned InBits = 8,
    localparam int unsigned Count = HasSigns ? (1 << (Terms - 1)) : (1 << Terms) - 1,
    localparam int unsigned Bits = Float ? 17 : InBits + $clog2(Terms)
) (
    input  logic [Terms*InBits-1:0] terms_i,
    output logic [Count*Bits-1:0]   sums_o
);

  localparam int unsigned ExpBits = Float ? 6 : 0;

  logic [Terms*Bits-1:0] terms;
  for (genvar t = 0; t < Terms; t++) begin : gen_term
    if (Bits == InBits) begin : gen_same
      assign terms[t*Bits+:Bits] = terms_i[t*InBits+:InBits];
    end else begin : gen_extend
      assign terms[t*Bits+:Bits] =
          {{(Bits - InBits) {terms_i[t*InBits+InBits-1]}}, terms_i[t*InBits+:InBits]};
    end
  end

  // Sums of all terms but the lowest, and with it.
  localparam int unsigned Highs = HasSigns ? (Count + 1) / 2 : Count / 2;
  if (Terms == 1) begin : gen_one
    assign sums_o = terms;
  end else begin : gen_several
    logic [Highs*Bits-1:0] high;
    if (Terms == 2) begin : gen_two
      assign high = terms[Bits+:Bits];
    end else if (HasSigns) begin : gen_three_signed
      for (genvar i = 0; i < 2; i++) begin : gen_high
        lut_tensor_core_add #(.ExpBits(ExpBits), .Bits(Bits), .Subtract(i == 0)) u_add (
            .a_i(terms[2*Bits+:Bits]), .b_i(terms[Bits+:Bits]), .y_o(high[i*Bits+:Bits])
        );
      end
    end else begin : gen_three
      assign high[0+:2*Bits] = terms[Bits+:2*Bits];
      lut_tensor_core_add #(.ExpBits(ExpBits), .Bits(Bits)) u_add (
          .a_i(terms[2*Bits+:Bits]), .b_i(terms[Bits+:Bits]), .y_o(high[2*Bits+:Bits])
      );
    end

    for (genvar n = 0; n < Count; n++) begin : gen_sum
      // Number of the sum of the higher terms; without signs one more, and 0 is none.
      localparam int unsigned High = HasSigns ? n / 2 : (n + 1) / 2;
      if (HasSigns) begin : gen_signed
        lut_tensor_core_add #(.ExpBits(ExpBits), .Bits(Bits), .Subtract((n % 2) == 0)) u_add (
            .a_i(high[High*Bits+:Bits]), .b_i(terms[0+:Bits]), .y_o(sums_o[n*Bits+:Bits])
        );
      end else if (High == 0) begin : gen_low_only
        assign sums_o[n*Bits+:Bits] = terms[0+:Bits];
      end else if ((n % 2) == 1) begin : gen_high_only
        assign sums_o[n*Bits+:Bits] = high[(High-1)*Bits+:Bits];
      end else begin : gen_both
        lut_tensor_core_add #(.ExpBits(ExpBits), .Bits(Bits)) u_add (
            .a_i(high[(High-1)*Bits+:Bits]), .b_i(terms[0+:Bits]), .y_o(sums_o[n*Bits+:Bits])
        );
      end
    end
  end

endmodule
