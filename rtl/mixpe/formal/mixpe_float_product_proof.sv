// An FP16 activation times a weight is the exact product, which FP32 holds: significand times
// weight, given by a plain product, at the activation's exponent; infinities and NaN as IEEE 754.
// Powers of two: the same, though the cell adds exponents.
//
// sources: rtl/common/lzc.sv rtl/common/increment.sv rtl/common/fp_unpack.sv
// sources: rtl/mixpe/mixpe_to_float.sv rtl/mixpe/mixpe_float_product.sv
// sources: rtl/mixpe/mixpe_float_shift.sv
// method: sat
// prove: WBits=2 WeightKind=0
// prove: WBits=4 WeightKind=0
// prove: WBits=4 WeightKind=1
// prove: WBits=8 WeightKind=1
// prove: WBits=3 WeightKind=2
// prove: WBits=4 WeightKind=2
module mixpe_float_product_proof #(
    parameter int unsigned WBits = 4,
    parameter int unsigned WeightKind = 0
) (
    input logic [15:0]      a_i,
    input logic [WBits-1:0] w_i
);

  localparam int unsigned ProductBits = 12 + WBits;
  localparam int unsigned ValueBits = 80;

  logic [8:0] weight, magnitude;  // two's complement, and without sign
  logic w_sign;
  always_comb begin
    weight = 9'(w_i);
    if ((WeightKind == 0) && w_i[WBits-1]) weight = 9'(w_i) - (9'd1 << WBits);
    if (WeightKind == 2) begin
      weight = '0;
      for (int unsigned e = 1; e < (1 << (WBits - 1)); e++) begin
        if (w_i[WBits-2:0] == (WBits - 1)'(e)) weight = 9'd1 << (e - 1);
      end
      if (w_i[WBits-1]) weight = 9'd0 - weight;
    end
    w_sign    = (WeightKind != 1) && weight[8];
    magnitude = w_sign ? 9'd0 - weight : weight;
  end

  logic [10:0] significand;
  logic [4:0] field;
  logic [19:0] absolute;
  logic [31:0] y;
  assign field       = (a_i[14:10] == 5'd0) ? 5'd1 : a_i[14:10];
  assign significand = {a_i[14:10] != 5'd0, a_i[9:0]};
  assign absolute    = 20'(significand) * 20'(magnitude);

  if (WeightKind == 2) begin : gen_shift
    mixpe_float_shift #(.WBits(WBits)) u_dut (.a_i, .w_i, .y_o(y));
  end else begin : gen_product
    logic [ProductBits-1:0] product;
    assign product = w_sign ? ProductBits'(0) - ProductBits'(absolute) : ProductBits'(absolute);
    mixpe_float_product #(.ProductBits(ProductBits)) u_dut (.a_i, .product_i(product), .y_o(y));
  end

  // Both in units of 2^-47, the last place of the smallest FP32 result there can be: the exponent
  // field 103 of 2^-24.
  logic [ValueBits-1:0] expected, value;
  logic sign, special;
  assign sign     = a_i[15] ^ w_sign;
  assign special  = &a_i[14:10];
  assign expected = ValueBits'({absolute, 23'd0}) << (field - 5'd1);
  assign value    = ValueBits'({1'b1, y[22:0]}) << (y[30:23] - 8'd103);

  always_comb begin
    if (special && ((a_i[9:0] != '0) || (weight == '0))) begin
      assert (y == 32'h7FC0_0000);
    end else if (special) begin
      assert (y == {sign, 8'hFF, 23'd0});
    end else if (absolute == '0) begin
      assert (y[30:0] == '0);  // its sign is never seen
    end else begin
      assert (y[31] == sign);
      assert ((y[30:23] >= 8'd103) && (y[30:23] < 8'd160));
      assert (value == expected);
    end
  end

endmodule
