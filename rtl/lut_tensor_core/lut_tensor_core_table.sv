// One row of a unit: K activations per table token, and what its lanes read of them, a table of
// their sums or, for adders and multipliers, the activations themselves.
//
// Precompute 1: half of the adder tree before a register and half behind it; 8-bit tables have a
// register more before they are rounded. Floating-point numbers are held as
// lut_tensor_core_operand makes them, which saves every lane the normalisation.
module lut_tensor_core_table #(
    parameter int unsigned K = 4,
    parameter int unsigned Engine = 0,
    parameter int unsigned Activation = 0,
    parameter int unsigned Table = 0,
    parameter int unsigned Precompute = 1,
    localparam bit Float = Activation >= 2,
    localparam int unsigned ActBits = ((Activation == 1) || (Activation == 2)) ? 16 : 8,
    localparam int unsigned ManBits = (Activation == 2) ? 10 : (Activation == 3) ? 3 : 2,
    localparam bit HasTable = Engine <= 2,
    localparam bit HasSigns = Engine <= 1,
    localparam bit Fused = HasTable && (Precompute == 0),
    localparam int unsigned Wait = (!HasTable || Fused) ? 0 : (Table == 1) ? 2 : 1,
    localparam int unsigned Entries = HasSigns ? (1 << (K - 1)) : HasTable ? (1 << K) - 1 : K,
    // An entry as it is sent, computed and held.
    localparam int unsigned ExactBits = Float ? 17 : ActBits + $clog2(K),
    localparam int unsigned SentBits =
        (Table == 1) ? 8 : !HasTable ? ActBits : Float ? 16 : ExactBits,
    localparam int unsigned HeldBits =
        (Table == 1) ? 8 : HasTable ? ExactBits : Float ? ManBits + 7 : ActBits,
    localparam int unsigned InWidth =
        !Fused ? K * ActBits : (Table == 1) ? Entries * 8 + 6 : Entries * SentBits
) (
    input  logic                        clk_i,

    input  logic [InWidth-1:0]          a_i,
    input  logic [Wait:0]               en_i,       // by stage; the first: a token enters
    output logic [Entries*HeldBits-1:0] entries_o,
    output logic [5:0]                  code_o      // of the scale of an 8-bit table
);

  logic [Entries*HeldBits-1:0] entries, entries_q;
  always_ff @(posedge clk_i) begin
    if (en_i[Wait]) begin
      entries_q <= entries;
    end
  end
  assign entries_o = entries_q;

  logic [5:0] code;
  if (Table == 1) begin : gen_code
    logic [5:0] code_q;
    always_ff @(posedge clk_i) begin
      if (en_i[Wait]) begin
        code_q <= code;
      end
    end
    assign code_o = code_q;
  end else begin : gen_no_code
    logic unused_code;
    assign code_o      = 6'd0;
    assign unused_code = ^code;
  end

  if (Wait == 0) begin : gen_load
    if (Float && (Table == 0)) begin : gen_float
      // A table's entries are FP16.
      localparam int unsigned InMan = HasTable ? 10 : ManBits;
      localparam int unsigned InExp = SentBits - 1 - InMan;
      localparam int unsigned Specials = (InExp == 4) ? 1 : 2;
      for (genvar e = 0; e < Entries; e++) begin : gen_entry
        lut_tensor_core_operand #(
            .ExpBits(InExp), .ManBits(InMan), .Specials(Specials)
        ) u_operand (
            .a_i(a_i[e*SentBits+:SentBits]), .y_o(entries[e*HeldBits+:HeldBits])
        );
      end
      assign code = 6'd0;
    end else begin : gen_as_sent
      assign entries = a_i[Entries*HeldBits-1:0];
      if (Table == 1) begin : gen_code
        assign code = a_i[Entries*8+:6];
      end else begin : gen_no_code
        assign code = 6'd0;
      end
    end
  end else begin : gen_precompute
    // -- terms: FP16 or integers -----------------------------------------------------------------

    localparam int unsigned TermBits = Float ? 17 : ActBits;
    logic [K*TermBits-1:0] terms;
    if (Float) begin : gen_float
      localparam int unsigned ExpBits = ActBits - 1 - ManBits;
      for (genvar j = 0; j < K; j++) begin : gen_term
        logic [ManBits+6:0] term;
        lut_tensor_core_operand #(
            .ExpBits(ExpBits), .ManBits(ManBits), .Specials((ExpBits == 4) ? 1 : 2)
        ) u_operand (
            .a_i(a_i[j*ActBits+:ActBits]), .y_o(term)
        );
        if (ManBits < 10) begin : gen_pad
          assign terms[j*17+:17] = {term, {(10 - ManBits) {1'b0}}};
        end else begin : gen_full
          assign terms[j*17+:17] = term;
        end
      end
    end else begin : gen_integer
      assign terms = a_i;
    end

    // -- sums of the upper and of the lower terms ------------------------------------------------

    localparam int unsigned Lower = K / 2;
    localparam int unsigned Upper = K - Lower;
    localparam int unsigned LowerBits = Float ? 17 : ActBits + $clog2(Lower);
    localparam int unsigned UpperBits = Float ? 17 : ActBits + $clog2(Upper);
    localparam int unsigned LowerCount = HasSigns ? (1 << (Lower - 1)) : (1 << Lower) - 1;
    localparam int unsigned UpperCount = HasSigns ? (1 << (Upper - 1)) : (1 << Upper) - 1;

    logic [LowerCount*LowerBits-1:0] lower, lower_q;
    logic [UpperCount*UpperBits-1:0] upper, upper_q;
    lut_tensor_core_part #(
        .Terms(Lower), .HasSigns(HasSigns), .Float(Float), .InBits(TermBits)
    ) u_lower (
        .terms_i(terms[0+:Lower*TermBits]), .sums_o(lower)
    );
    lut_tensor_core_part #(
        .Terms(Upper), .HasSigns(HasSigns), .Float(Float), .InBits(TermBits)
    ) u_upper (
        .terms_i(terms[Lower*TermBits+:Upper*TermBits]), .sums_o(upper)
    );
    always_ff @(posedge clk_i) begin
      if (en_i[0]) begin
        lower_q <= lower;
        upper_q <= upper;
      end
    end

    // -- entries ---------------------------------------------------------------------------------

    logic [Entries*ExactBits-1:0] exact;
    lut_tensor_core_entries #(
        .K(K), .HasSigns(HasSigns), .Float(Float), .InBits(TermBits)
    ) u_entries (
        .lower_i(lower_q), .upper_i(upper_q), .entries_o(exact)
    );
    if (Table == 1) begin : gen_round
      logic [Entries*ExactBits-1:0] exact_q;
      always_ff @(posedge clk_i) begin
        if (en_i[1]) begin
          exact_q <= exact;
        end
      end
      lut_tensor_core_round #(.Entries(Entries), .Float(Float), .Bits(ExactBits)) u_round (
          .entries_i(exact_q), .entries_o(entries), .code_o(code)
      );
    end else begin : gen_exact
      assign entries = exact;
      assign code    = 6'd0;
    end
  end

endmodule
