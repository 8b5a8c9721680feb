// An integer becomes the nearest FP32 number, ties to even, zero +0, at the place that its field
// says: place 0 is 2^0, and every other one adds to the exponent field alone.
//
// sources: rtl/common/lzc.sv rtl/common/increment.sv rtl/mixpe/mixpe_to_float.sv
// sources: rtl/common/formal/fp_round_spec.sv
// method: sat
// prove: Width=14
// prove: Width=19
// prove: Width=24
// prove: Width=25
// prove: Width=32
// prove: Width=48
module mixpe_to_float_proof #(
    parameter int unsigned Width = 19
) (
    input logic [Width-1:0] value_i,
    input logic [7:0]       field_i
);

  logic [31:0] at_one, placed;
  mixpe_to_float #(.Width(Width)) u_one (.value_i, .field_i(8'd127), .float_o(at_one));
  mixpe_to_float #(.Width(Width)) u_dut (.value_i, .field_i, .float_o(placed));

  // The magnitude by what it is: its negative is the value.
  logic [Width-1:0] magnitude;
  logic [31:0] expected;
  assign magnitude = value_i[Width-1] ? Width'(0) - value_i : value_i;
  fp_round_spec #(
      .ExpBits(8), .ManBits(23), .ValueBits(Width), .UnitExponent(0)
  ) u_round (
      .sign_i(value_i[Width-1]), .value_i(magnitude), .code_o(expected)
  );

  logic [7:0] field;
  assign field = expected[30:23] + field_i - 8'd127;
  always_comb begin
    assert (at_one == expected);
    if (value_i == '0) assert (placed == 32'd0);
    else assert (placed == {expected[31], field, expected[22:0]});
  end

endmodule
