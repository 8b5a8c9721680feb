// Shifts right and tells whether a one was lost.
//
// The large steps come first: the low bits of shift_i may arrive late.
module shift_right_sticky #(
    parameter int unsigned Width = 8,
    parameter int unsigned ShiftBits = 3
) (
    input  logic [Width-1:0]     data_i,
    input  logic [ShiftBits-1:0] shift_i,
    output logic [Width-1:0]     data_o,
    output logic                 sticky_o
);

  // In every step the bits below Width are what it loses.
  localparam int unsigned LargestStep = 1 << (ShiftBits - 1);

  logic [Width+LargestStep-1:0] wide;

  always_comb begin
    sticky_o = 1'b0;
    data_o   = data_i;
    wide     = '0;
    for (int unsigned i = 0; i < ShiftBits; i++) begin
      if (shift_i[ShiftBits-1-i]) begin
        wide     = {data_o, {LargestStep{1'b0}}} >> (LargestStep >> i);
        sticky_o = sticky_o || (wide[LargestStep-1:0] != '0);
        data_o   = wide[LargestStep+:Width];
      end
    end
  end

endmodule
