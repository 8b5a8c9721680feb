// A table's two levels of adders make what the room card says of K activations: H[x] adds the
// highest one, and every other one j if bit j of x is set, else it subtracts it; F[x + 1] adds
// those whose bits are set. All 2^K addresses are read as lanes read them, those without a half
// table's entry by the negated one: one formula holds for all. Integers, all inputs.
//
// sources: rtl/lut_tensor_core/lut_tensor_core_add.sv rtl/lut_tensor_core/lut_tensor_core_part.sv
// sources: rtl/lut_tensor_core/lut_tensor_core_entries.sv
// sources: rtl/common/lzc.sv rtl/common/increment.sv rtl/common/shift_right_sticky.sv
// sources: rtl/common/fp_add_align.sv rtl/common/fp_add_finish.sv rtl/common/fp_add.sv
// method: sat
// prove: K=2 HasSigns=1 ActBits=8
// prove: K=3 HasSigns=1 ActBits=4
// prove: K=4 HasSigns=1 ActBits=3
// prove: K=5 HasSigns=1 ActBits=2
// prove: K=6 HasSigns=1 ActBits=2
// prove: K=2 HasSigns=0 ActBits=8
// prove: K=3 HasSigns=0 ActBits=8
// prove: K=4 HasSigns=0 ActBits=8
// prove: K=5 HasSigns=0 ActBits=4
// prove: K=6 HasSigns=0 ActBits=2
module lut_tensor_core_entries_proof #(
    parameter int unsigned K = 4,
    parameter int unsigned HasSigns = 1,
    parameter int unsigned ActBits = 8
) (
    input logic [K*ActBits-1:0] a_i
);

  localparam int unsigned Lower = K / 2;
  localparam int unsigned Upper = K - Lower;
  localparam int unsigned LowerCount = (HasSigns != 0) ? (1 << (Lower - 1)) : (1 << Lower) - 1;
  localparam int unsigned UpperCount = (HasSigns != 0) ? (1 << (Upper - 1)) : (1 << Upper) - 1;
  localparam int unsigned LowerBits = ActBits + $clog2(Lower);
  localparam int unsigned UpperBits = ActBits + $clog2(Upper);
  localparam int unsigned Bits = ActBits + $clog2(K);
  localparam int unsigned Entries = (HasSigns != 0) ? (1 << (K - 1)) : (1 << K) - 1;

  logic [LowerCount*LowerBits-1:0] lower;
  logic [UpperCount*UpperBits-1:0] upper;
  logic [Entries*Bits-1:0] entries;
  lut_tensor_core_part #(.Terms(Lower), .HasSigns(HasSigns), .InBits(ActBits)) u_lower (
      .terms_i(a_i[0+:Lower*ActBits]), .sums_o(lower)
  );
  lut_tensor_core_part #(.Terms(Upper), .HasSigns(HasSigns), .InBits(ActBits)) u_upper (
      .terms_i(a_i[Lower*ActBits+:Upper*ActBits]), .sums_o(upper)
  );
  lut_tensor_core_entries #(.K(K), .HasSigns(HasSigns), .InBits(ActBits)) u_entries (
      .lower_i(lower), .upper_i(upper), .entries_o(entries)
  );

  // One bit more than an entry: a negated one can need it.
  logic [Bits:0] upper_sum, lower_sum, sum, entry, term;
  always_comb begin
    for (int unsigned w = 0; w < (1 << K); w++) begin
      // S: the upper terms, the lower terms, both sums; each from the highest term on.
      upper_sum = '0;
      lower_sum = '0;
      for (int unsigned i = 0; i < K; i++) begin
        term = {{(Bits + 1 - ActBits) {a_i[(K-1-i)*ActBits+ActBits-1]}},
                a_i[(K-1-i)*ActBits+:ActBits]};
        if (((w >> (K - 1 - i)) & 1) == 0) begin
          term = (HasSigns != 0) ? {(Bits + 1) {1'b0}} - term : '0;
        end
        if (i < Upper) upper_sum = upper_sum + term;
        else           lower_sum = lower_sum + term;
      end
      sum   = upper_sum + lower_sum;
      entry = '0;
      if (HasSigns == 0) begin
        if (w != 0) entry = {entries[(w-1)*Bits+Bits-1], entries[(w-1)*Bits+:Bits]};
      end else if (w >= Entries) begin
        entry = {entries[(w-Entries)*Bits+Bits-1], entries[(w-Entries)*Bits+:Bits]};
      end else begin
        entry = {entries[(Entries-1-w)*Bits+Bits-1], entries[(Entries-1-w)*Bits+:Bits]};
        entry = {(Bits + 1) {1'b0}} - entry;
      end
      assert (entry == sum);
    end
  end

endmodule
