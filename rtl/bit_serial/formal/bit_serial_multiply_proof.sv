// The dot product of a step is the sum of 8 * significand, halved delta times with what falls out
// lost, under its sign: plain loops over lanes and places, for all inputs.
//
// sources: rtl/bit_serial/bit_serial_multiply.sv
// method: sat
// prove: Lanes=1
// prove: Lanes=2
// prove: Lanes=4
module bit_serial_multiply_proof #(
    parameter int unsigned Lanes = 2,
    localparam int unsigned DotBits = 15 + $clog2(Lanes)
) (
    input logic [Lanes*11-1:0] significand_i,
    input logic [Lanes*4-1:0]  delta_i,
    input logic [Lanes-1:0]    sign_i
);

  logic [DotBits-1:0] dot;
  bit_serial_multiply #(.Lanes(Lanes)) u_dut (
      .significand_i, .delta_i, .sign_i, .dot_o(dot)
  );

  logic signed [19:0] sum;
  logic [19:0] product;
  always_comb begin
    sum = '0;
    for (int unsigned l = 0; l < Lanes; l++) begin
      product = {6'd0, significand_i[l*11+:11], 3'd0};
      for (int unsigned i = 0; i < 15; i++) begin
        if (i < 32'(delta_i[l*4+:4])) product = {1'b0, product[19:1]};
      end
      if (sign_i[l]) sum = sum - $signed(product);
      else           sum = sum + $signed(product);
    end
    assert (20'($signed(dot)) == sum);
  end

endmodule
