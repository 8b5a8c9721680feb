// A table in 8 bits, for all tables: the smallest scale that leaves the largest entry below 128
// units, found by trying all of them, and every magnitude rounded to the nearest unit by plain
// arithmetic (a half upwards, 127 at the most). No entry moves by more than half a unit, but for
// the limit, which takes less than one.
//
// sources: rtl/common/lzc.sv rtl/lut_tensor_core/lut_tensor_core_round.sv
// method: sat
// prove: Entries=2 Bits=9
// prove: Entries=4 Bits=10
// prove: Entries=8 Bits=10
// prove: Entries=4 Bits=18
// prove: Entries=2 Bits=19
// prove: Entries=2 Float=1 Bits=17
// prove: Entries=4 Float=1 Bits=17
module lut_tensor_core_round_proof #(
    parameter int unsigned Entries = 8,
    parameter int unsigned Float = 0,
    parameter int unsigned Bits = 10
) (
    input logic [Entries*Bits-1:0] entries_i
);

  logic [Entries*8-1:0] entries;
  logic [5:0] code;
  lut_tensor_core_round #(.Entries(Entries), .Float(Float), .Bits(Bits)) u_dut (
      .entries_i, .entries_o(entries), .code_o(code)
  );

  // Magnitudes in units of the smallest number: 1, or 2^-24.
  localparam int unsigned ValueBits = (Float != 0) ? 41 : Bits + 1;
  localparam int unsigned Codes = ValueBits - 7;
  logic [ValueBits-1:0] values, all, value, unit, error;
  logic [ValueBits+7:0] rounded;
  logic [5:0] field, expected;
  logic special;
  logic [Entries*ValueBits-1:0] magnitudes;

  always_comb begin
    all     = '0;
    special = 1'b0;
    for (int unsigned e = 0; e < Entries; e++) begin
      if (Float != 0) begin
        // Codes of FP16: exponents 7 to 46, no bits below 2^-24, zero has no mantissa.
        field = entries_i[e*Bits+10+:6];
        assume ((field == 6'd0) || (field == 6'd63) || ((field >= 6'd7) && (field <= 6'd46)));
        if (field == 6'd0) assume (entries_i[e*Bits+:10] == 10'd0);
        values = {{(ValueBits - 11) {1'b0}}, field != 6'd0, entries_i[e*Bits+:10]};
        if (field == 6'd63) special = 1'b1;
        if (field < 6'd17) begin
          assume ((values & ((ValueBits'(1) << (6'd17 - field)) - ValueBits'(1))) == '0 ||
                  field == 6'd0);
          values = values >> (6'd17 - field);
        end else begin
          values = values << (field - 6'd17);
        end
      end else begin
        values = {entries_i[e*Bits+Bits-1], entries_i[e*Bits+:Bits]};
        if (entries_i[e*Bits+Bits-1]) values = -values;
      end
      magnitudes[e*ValueBits+:ValueBits] = values;
      all = all | values;
    end

    // The leading one, by trying.
    expected = '0;
    for (int unsigned t = 0; t < Codes; t++) begin
      if ((all >> (t + 6)) != '0) expected = 6'(t);
    end
    if (Float != 0) begin
      if (special) begin
        assert (code == 6'd63);
      end else if (all == '0) begin
        assert (code == 6'd0);
      end
    end
  end

  // Codes of floating point count from 2^-30, those of integers from 1.
  always_comb begin
    if (Float == 0) begin
      assert (code == expected);
    end else if (!special && (all != '0)) begin
      assert (code <= 6'd39);
      assert ((all >> code) != '0);
      assert (((all >> code) >> 1) == '0);
    end
    for (int unsigned e = 0; e < Entries; e++) begin
      value   = magnitudes[e*ValueBits+:ValueBits];
      // In units of 2^t: floor(value / 2^t + 1/2). Floating point: 2^t is 2^(code - 6) here.
      if (Float == 0) begin
        rounded = (({8'd0, value} << 1) >> code) + (ValueBits + 8)'(1);
      end else begin
        rounded = (({8'd0, value} << 7) >> code) + (ValueBits + 8)'(1);
      end
      rounded = rounded >> 1;
      if (rounded > (ValueBits + 8)'(127)) rounded = (ValueBits + 8)'(127);
      if (!special) begin
        assert (entries[e*8+:7] == rounded[6:0]);
        assert (entries[e*8+7] == entries_i[e*Bits+Bits-1]);
      end
      // The error.
      if (Float == 0) begin
        unit  = ValueBits'(1) << code;
        error = ValueBits'(entries[e*8+:7]) << code;
        error = (error > value) ? error - value : value - error;
        assert ((error < unit) || (error == '0));
        if (entries[e*8+:7] != 7'd127) assert ((error << 1) <= unit);
      end
    end
  end

endmodule
