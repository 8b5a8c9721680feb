// S of K terms: the upper half's sum plus the lower half's, ((t5 + t4) + t3) + ((t2 + t1) + t0).
// Numbers as in lut_tensor_core_add; integers come as wide as the sum. Combinational.
module lut_tensor_core_sum #(
    parameter int unsigned K = 4,  // 2 to 6
    parameter int unsigned ExpBits = 0,
    parameter int unsigned Bits = 10
) (
    input  logic [K*Bits-1:0] terms_i,
    output logic [Bits-1:0]   sum_o
);

  localparam int unsigned Lower = K / 2;

  // Half 0 is the lower one.
  for (genvar h = 0; h < 2; h++) begin : gen_half
    localparam int unsigned First = (h == 0) ? 0 : Lower;
    localparam int unsigned Terms = (h == 0) ? Lower : K - Lower;
    logic [Bits-1:0] high, sum;
    if (Terms == 1) begin : gen_one
      assign high = terms_i[First*Bits+:Bits];
    end else begin : gen_two
      lut_tensor_core_add #(.ExpBits(ExpBits), .Bits(Bits)) u_add (
          .a_i(terms_i[(First+Terms-1)*Bits+:Bits]),
          .b_i(terms_i[(First+Terms-2)*Bits+:Bits]),
          .y_o(high)
      );
    end
    if (Terms == 3) begin : gen_three
      lut_tensor_core_add #(.ExpBits(ExpBits), .Bits(Bits)) u_add (
          .a_i(high), .b_i(terms_i[First*Bits+:Bits]), .y_o(sum)
      );
    end else begin : gen_high_only
      assign sum = high;
    end
  end

  lut_tensor_core_add #(.ExpBits(ExpBits), .Bits(Bits)) u_add (
      .a_i(gen_half[1].sum), .b_i(gen_half[0].sum), .y_o(sum_o)
  );

endmodule
