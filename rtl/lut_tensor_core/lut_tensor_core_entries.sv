// The entries of a table from the sums of its upper and of its lower terms (lut_tensor_core_part of
// ceil(K/2) and floor(K/2) terms). Combinational.
module lut_tensor_core_entries #(
    parameter int unsigned K = 4,
    parameter bit HasSigns = 1'b1,  // the half table; else the full one, without F[0]
    parameter bit Float = 1'b0,
    parameter int unsigned InBits = 8,
    localparam int unsigned Lower = K / 2,
    localparam int unsigned Upper = K - Lower,
    localparam int unsigned LowerBits = Float ? 17 : InBits + $clog2(Lower),
    localparam int unsigned UpperBits = Float ? 17 : InBits + $clog2(Upper),
    localparam int unsigned LowerCount = HasSigns ? (1 << (Lower - 1)) : (1 << Lower) - 1,
    localparam int unsigned UpperCount = HasSigns ? (1 << (Upper - 1)) : (1 << Upper) - 1,
    localparam int unsigned Count = HasSigns ? (1 << (K - 1)) : (1 << K) - 1,
    localparam int unsigned Bits = Float ? 17 : InBits + $clog2(K)
) (
    input  logic [LowerCount*LowerBits-1:0] lower_i,
    input  logic [UpperCount*UpperBits-1:0] upper_i,
    output logic [Count*Bits-1:0]           entries_o
);

  localparam int unsigned ExpBits = Float ? 6 : 0;

  logic [LowerCount*Bits-1:0] lower;
  logic [UpperCount*Bits-1:0] upper;
  if (Float) begin : gen_float
    assign lower = lower_i;
    assign upper = upper_i;
  end else begin : gen_extend
    for (genvar i = 0; i < LowerCount; i++) begin : gen_lower
      assign lower[i*Bits+:Bits] = {{(Bits - LowerBits) {lower_i[i*LowerBits+LowerBits-1]}},
                                    lower_i[i*LowerBits+:LowerBits]};
    end
    for (genvar i = 0; i < UpperCount; i++) begin : gen_upper
      assign upper[i*Bits+:Bits] = {{(Bits - UpperBits) {upper_i[i*UpperBits+UpperBits-1]}},
                                    upper_i[i*UpperBits+:UpperBits]};
    end
  end

  for (genvar e = 0; e < Count; e++) begin : gen_entry
    localparam int unsigned Address = HasSigns ? e : e + 1;
    localparam int unsigned High = Address >> Lower;
    localparam int unsigned Low = Address % (1 << Lower);
    if (HasSigns) begin : gen_signed
      // Where the highest of the lower terms is subtracted, its sums are those of ~Low, negated.
      localparam bit Negated = (Low >> (Lower - 1)) == 0;
      localparam int unsigned Which = Negated ? LowerCount - 1 - Low : Low - LowerCount;
      lut_tensor_core_add #(.ExpBits(ExpBits), .Bits(Bits), .Subtract(Negated)) u_add (
          .a_i(upper[High*Bits+:Bits]), .b_i(lower[Which*Bits+:Bits]),
          .y_o(entries_o[e*Bits+:Bits])
      );
    end else if (High == 0) begin : gen_lower_only
      assign entries_o[e*Bits+:Bits] = lower[(Low-1)*Bits+:Bits];
    end else if (Low == 0) begin : gen_upper_only
      assign entries_o[e*Bits+:Bits] = upper[(High-1)*Bits+:Bits];
    end else begin : gen_both
      lut_tensor_core_add #(.ExpBits(ExpBits), .Bits(Bits)) u_add (
          .a_i(upper[(High-1)*Bits+:Bits]), .b_i(lower[(Low-1)*Bits+:Bits]),
          .y_o(entries_o[e*Bits+:Bits])
      );
    end
  end

endmodule
