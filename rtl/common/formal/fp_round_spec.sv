// What rounding to an IEEE 754 format means, in the plainest terms: the nearest code to
// value_i * 2^UnitExponent, ties to even, too large is infinity. The specification that the
// floating-point cells are proven against; not for synthesis.
module fp_round_spec #(
    parameter int unsigned ExpBits = 8,
    parameter int unsigned ManBits = 23,
    parameter int unsigned ValueBits = 8,
    parameter int UnitExponent = 0
) (
    input  logic                       sign_i,
    input  logic [ValueBits-1:0]       value_i,
    output logic [ExpBits+ManBits:0]   code_o
);

  // The last place of a result with field f is 2^(f - bias - ManBits); that of subnormal numbers is
  // the one of field 1. Unit is the exponent of value_i's unit above field 1's last place. The
  // smallest value but zero has FirstField, or is subnormal: value_i gets Up places below so that
  // its last place is not above FirstField's, and has Down places more than that.
  localparam int Man = 32'(ManBits);  // signed: Unit can be negative
  localparam int Bias = (1 << (ExpBits - 1)) - 1;
  localparam int Unit = UnitExponent - (1 - Bias - Man);
  localparam int Up = (Unit < 0) ? 0 : (Unit < Man) ? Unit : Man;
  localparam int Down = (Unit < 0) ? -Unit : 0;
  localparam int FirstField = (Unit > Man) ? Unit - Man + 1 : 1;
  localparam int InfField = (1 << ExpBits) - 1;
  localparam int WideBits = 32'(ValueBits) + Up;
  // Where no value is cut any more.
  localparam int LargestField = (FirstField + WideBits < InfField) ? FirstField + WideBits
                                                                   : InfField - 1;

  logic [WideBits-1:0] wide, kept, rest;
  logic [WideBits:0] last_place;
  logic found, up;
  logic [ExpBits+ManBits-1:0] magnitude;

  always_comb begin
    wide       = WideBits'(value_i) << Up;
    found      = 1'b0;
    up         = 1'b0;
    kept       = '0;
    rest       = '0;
    last_place = '0;
    magnitude  = {{ExpBits{1'b1}}, {ManBits{1'b0}}};
    for (int f = FirstField; f <= LargestField; f = f + 1) begin
      // The value in last places of field f, and what is left of it.
      last_place = (WideBits + 1)'(1) << (Down + f - FirstField);
      kept       = wide >> (Down + f - FirstField);
      rest       = wide - (kept << (Down + f - FirstField));
      up         = ({rest, 1'b0} > last_place) || (({rest, 1'b0} == last_place) && kept[0]);
      if (!found && ((kept >> (ManBits + 1)) == '0)) begin
        found = 1'b1;
        // The hidden bit adds 1 to the field; a rounding up may do it once more.
        magnitude = ((ExpBits + ManBits)'(f - 1) << ManBits) + (ExpBits + ManBits)'(kept) +
                    (ExpBits + ManBits)'(up);
      end
    end
    if (value_i == '0) begin
      magnitude = '0;
    end
    code_o = {sign_i, magnitude};
  end

endmodule
