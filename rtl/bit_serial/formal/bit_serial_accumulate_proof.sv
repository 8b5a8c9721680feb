// One step of the group accumulator, by plain loops in a number of 40 bits: both summands at the
// larger exponent, halved (floor) place by place, added; the sum doubled until it fills the frame
// and one bit, Up + 1 times at most, and its top 15 bits taken. For all exponents that occur.
//
// sources: rtl/common/lzc.sv rtl/bit_serial/bit_serial_accumulate.sv
// method: sat
// prove: Lanes=1
// prove: Lanes=4
// prove: Lanes=8
module bit_serial_accumulate_proof #(
    parameter int unsigned Lanes = 4,
    localparam int unsigned DotBits = 15 + $clog2(Lanes)
) (
    input logic [DotBits-1:0] dot_i,
    input logic [5:0]         dot_exp_i,
    input logic [2:0]         significance_i,
    input logic [14:0]        mantissa_i,
    input logic [5:0]         exponent_i
);

  localparam int unsigned Up = 6 + $clog2(Lanes);

  logic [14:0] mantissa;
  logic [5:0] exponent;
  bit_serial_accumulate #(.Lanes(Lanes)) u_dut (
      .dot_i, .dot_exp_i, .significance_i, .mantissa_i, .exponent_i,
      .mantissa_o(mantissa), .exponent_o(exponent)
  );

  localparam logic signed [39:0] Half = 40'sd1 <<< (15 + Up);
  logic signed [39:0] dot, sum, total;
  logic [7:0] dot_place, place, places;

  always_comb begin
    assume (dot_exp_i <= 6'd34);
    assume (exponent_i <= 6'd55);
    assume (significance_i <= 3'd6);
    dot       = 40'($signed(dot_i));
    sum       = 40'($signed(mantissa_i)) <<< Up;
    dot_place = 8'(dot_exp_i) + 8'(Up);
    place     = (8'(exponent_i) > dot_place) ? 8'(exponent_i) : dot_place;
    for (int unsigned i = 0; i < 6; i++) begin
      if (i < 32'(significance_i)) dot = dot <<< 1;
    end
    for (int unsigned i = 0; i < 64; i++) begin
      if (i < 32'(place - dot_place)) dot = dot >>> 1;
      if (i < 32'(place - 8'(exponent_i))) sum = sum >>> 1;
    end
    total  = dot + sum;
    places = 8'd0;
    for (int unsigned i = 0; i < Up + 1; i++) begin
      if (((total <<< 1) < Half) && ((total <<< 1) >= -Half)) begin
        total  = total <<< 1;
        places = places + 8'd1;
      end
    end
    assert ((total < Half) && (total >= -Half));
    assert (40'($signed(mantissa)) == (total >>> (Up + 1)));
    assert (8'(exponent) == place + 8'd1 - places);
  end

endmodule
