// The largest exponent of the lanes with a term, and every lane's distance from it: no lane is
// above, one is there (or none has a term), and distances are right or 15 when they are longer.
//
// sources: rtl/bit_serial/bit_serial_match.sv
// method: sat
// prove: Lanes=1
// prove: Lanes=2
// prove: Lanes=4
// prove: Lanes=8
module bit_serial_match_proof #(
    parameter int unsigned Lanes = 4
) (
    input logic [Lanes*5-1:0] a_exp_i,
    input logic [Lanes*2-1:0] w_exp_i,
    input logic [Lanes-1:0]   w_man_i
);

  logic [5:0] largest;
  logic [Lanes*4-1:0] delta;
  bit_serial_match #(.Lanes(Lanes)) u_dut (
      .a_exp_i, .w_exp_i, .w_man_i, .largest_o(largest), .delta_o(delta)
  );

  logic [7:0] exponent, distance;
  logic met;
  always_comb begin
    met = 1'b0;
    for (int unsigned l = 0; l < Lanes; l++) begin
      exponent = w_man_i[l] ? 8'(a_exp_i[l*5+:5]) + 8'(w_exp_i[l*2+:2]) : 8'd0;
      distance = 8'(largest) - exponent;
      if (exponent == 8'(largest)) met = 1'b1;
      assert (exponent <= 8'(largest));
      assert (8'(delta[l*4+:4]) == ((distance > 8'd15) ? 8'd15 : distance));
    end
    assert (met);
  end

endmodule
