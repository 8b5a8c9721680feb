// A table rounded to 8 bits: every entry becomes {sign, magnitude} in units of 2^t, one t for all
// of them, as small as seven bits for the largest entry allow. Combinational.
//
// Integers: code_o is t. Floating point (numbers as in lut_tensor_core_operand): t + 30, or 63 if
// an entry is infinite or NaN; what the entries hold means nothing then.
module lut_tensor_core_round #(
    parameter int unsigned Entries = 8,
    parameter bit Float = 1'b0,
    parameter int unsigned Bits = 10,  // of an entry: 17 in floating point, else at least 9
    localparam int unsigned FieldBits = 6
) (
    input  logic [Entries*Bits-1:0] entries_i,
    output logic [Entries*8-1:0]    entries_o,
    output logic [5:0]              code_o
);

  // Seven bits of each magnitude, and the next one below, which rounds.
  logic [Entries*8-1:0] cut;
  for (genvar e = 0; e < Entries; e++) begin : gen_round
    logic round_up;
    assign round_up = cut[e*8] && !(&cut[e*8+1+:7]);
    assign entries_o[e*8+:8] = {entries_i[e*Bits+Bits-1], cut[e*8+1+:7] + 7'(round_up)};
  end

  if (Float) begin : gen_float
    // Zeros have the smallest exponent, so the largest one of a table is the largest number's.
    logic [FieldBits-1:0] largest;
    always_comb begin
      largest = '0;
      for (int unsigned e = 0; e < Entries; e++) begin
        if (entries_i[e*Bits+10+:FieldBits] > largest) begin
          largest = entries_i[e*Bits+10+:FieldBits];
        end
      end
    end
    for (genvar e = 0; e < Entries; e++) begin : gen_entry
      logic [FieldBits-1:0] field, below;
      logic [7:0] highest;  // of the significand's places
      logic unused_places;
      assign field   = entries_i[e*Bits+10+:FieldBits];
      assign below   = largest - field;
      assign highest = {field != '0, entries_i[e*Bits+3+:7]};
      assign cut[e*8+:8] = (below[FieldBits-1:3] != '0) ? '0 : highest >> below[2:0];
      assign unused_places = ^entries_i[e*Bits+:3];
    end
    always_comb begin
      code_o = largest - 6'd7;
      if (largest == '0) code_o = '0;
      if (&largest) code_o = '1;
    end
  end else begin : gen_integer
    localparam int unsigned CountBits = $clog2(Bits - 6);
    logic [Entries*Bits-1:0] magnitudes;
    logic [Bits-1:0] any;
    logic [CountBits-1:0] zeros;
    logic unused_low;
    always_comb begin
      any = '0;
      for (int unsigned e = 0; e < Entries; e++) begin
        any = any | magnitudes[e*Bits+:Bits];
      end
    end
    // The one below stops the count where t is 0.
    lzc #(.Width(Bits - 6)) u_lzc (.data_i({any[Bits-1:7], 1'b1}), .count_o(zeros));
    assign unused_low = ^any[6:0];
    assign code_o     = 6'(Bits - 7) - 6'(zeros);
    for (genvar e = 0; e < Entries; e++) begin : gen_entry
      logic [Bits-1:0] entry;
      logic [Bits:0] shifted;
      logic unused_high;
      assign entry = entries_i[e*Bits+:Bits];
      assign magnitudes[e*Bits+:Bits] = entry[Bits-1] ? {Bits{1'b0}} - entry : entry;
      assign shifted = {magnitudes[e*Bits+:Bits], 1'b0} >> code_o;
      assign cut[e*8+:8] = shifted[7:0];
      assign unused_high = ^shifted[Bits:8];
    end
  end

endmodule
