// base + product in the accumulator's format: two's complement that wraps or saturates, or FP32.
module systolic_sum #(
    parameter int unsigned ProductBits = 16,
    parameter int unsigned AccBits = 32,      // at least ProductBits
    parameter int unsigned Overflow = 0,      // 0, 1: two's complement wraps; 2: saturates
    parameter int unsigned FloatingPoint = 0  // then both widths are 32
) (
    input  logic [AccBits-1:0]     base_i,
    input  logic [ProductBits-1:0] product_i,
    output logic [AccBits-1:0]     sum_o
);

  if (FloatingPoint != 0) begin : gen_float
    fp_add #(.ExpBits(8), .ManBits(23)) u_add (.a_i(base_i), .b_i(product_i), .y_o(sum_o));
  end else if (Overflow == 2) begin : gen_saturate
    logic signed [AccBits:0] wide;
    assign wide  = (AccBits + 1)'($signed(base_i)) + (AccBits + 1)'($signed(product_i));
    assign sum_o = (wide[AccBits] == wide[AccBits-1]) ? wide[AccBits-1:0] :
                   wide[AccBits] ? {1'b1, {(AccBits - 1) {1'b0}}} :
                                   {1'b0, {(AccBits - 1) {1'b1}}};
  end else begin : gen_wrap
    assign sum_o = base_i + AccBits'($signed(product_i));
  end

endmodule
