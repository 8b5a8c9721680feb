// One sum or difference of the array's precompute and adder trees. Combinational.
//
// ExpBits 0: integers of Bits bits, wide enough for the result. 6: FP16, each number in the form of
// lut_tensor_core_operand; subnormal sums of FP16 are exact, so nothing but the overflow tells this
// from an adder of FP16 itself. 8: FP32.
module lut_tensor_core_add #(
    parameter int unsigned ExpBits = 0,
    parameter int unsigned Bits = 10,
    parameter bit Subtract = 1'b0
) (
    input  logic [Bits-1:0] a_i,
    input  logic [Bits-1:0] b_i,
    output logic [Bits-1:0] y_o
);

  if (ExpBits == 0) begin : gen_integer
    assign y_o = Subtract ? a_i - b_i : a_i + b_i;
  end else begin : gen_float
    logic [Bits-1:0] b, y;
    assign b = {b_i[Bits-1] ^ Subtract, b_i[Bits-2:0]};
    fp_add #(.ExpBits(ExpBits), .ManBits(Bits - 1 - ExpBits)) u_add (.a_i, .b_i(b), .y_o(y));
    if (ExpBits == 6) begin : gen_half
      // From 2^16 on, exponent 47, numbers are infinite; what is so already stays as it is.
      logic too_large;
      assign too_large = (y[15:10] >= 6'd47) && (y[15:10] != 6'd63);
      assign y_o = too_large ? {y[16], 6'd63, 10'd0} : y;
    end else begin : gen_single
      assign y_o = y;
    end
  end

endmodule
