// Multiply-accumulate cell with a stationary operand: y_o = y_i + moving * stationary.
//
// A token {valid, release, pad, moving operand} arrives from the left and leaves one step later to
// the right; the sum of its column comes from above and leaves below. Stationary operands travel
// down: the first PE without one keeps it, so the rows fill from the top in the order of the beats.
// A token with `release` makes room for the next operand in the step it is here: with
// PreloadOverlapped the first token of a job, which moves the operand that waits to where the
// tokens use it; without, the last token, as there is only one register.
//
// Pipeline 1: multiply and add in one step. 2: a register between them. 3: the floating-point adder
// takes two steps, so that a token enters a row two steps after the row above.
module systolic_ws_pe #(
    parameter int unsigned MovBits = 8,         // moving operand
    parameter int unsigned StaBits = 8,         // stationary operand
    parameter int unsigned MovExpBits = 0,
    parameter int unsigned StaExpBits = 0,
    parameter int unsigned MovSpecials = 0,
    parameter int unsigned StaSpecials = 0,
    parameter int unsigned AccBits = 32,        // at least the bits of a product
    parameter int unsigned Overflow = 0,
    parameter int unsigned Pipeline = 1,
    parameter int unsigned PreloadOverlapped = 1,
    parameter int unsigned ClockGating = 0      // 0 none; 1 idle; 2 idle and pad
) (
    input  logic               clk_i,
    input  logic               rst_ni,
    input  logic               advance_i,       // one step of the whole array

    input  logic               mov_valid_i,
    input  logic               mov_release_i,
    input  logic               mov_pad_i,       // this row is padding
    input  logic [MovBits-1:0] mov_i,
    output logic               mov_valid_o,
    output logic               mov_release_o,
    output logic               mov_pad_o,
    output logic [MovBits-1:0] mov_o,

    input  logic               sta_valid_i,
    input  logic [StaBits-1:0] sta_i,
    output logic               sta_valid_o,
    output logic [StaBits-1:0] sta_o,

    input  logic               y_pad_i,         // this column is padding for the token that is here
    output logic               y_pad_o,
    input  logic [AccBits-1:0] y_i,
    output logic [AccBits-1:0] y_o
);

  localparam int unsigned FloatingPoint = (MovExpBits != 0) ? 1 : 0;
  localparam int unsigned ProductBits = (MovExpBits != 0) ? 32 : MovBits + StaBits;

  // -- the moving operand ------------------------------------------------------------------------

  logic is_pad, operand_en, multiply_en;
  assign is_pad      = mov_pad_i || y_pad_i;
  assign operand_en  = advance_i && ((ClockGating == 0) ||
                                     (mov_valid_i && !((ClockGating == 2) && is_pad)));
  assign multiply_en = advance_i && mov_valid_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      mov_valid_o   <= 1'b0;
      mov_release_o <= 1'b0;
    end else if (advance_i) begin
      mov_valid_o   <= mov_valid_i;
      mov_release_o <= mov_release_i;
    end
  end
  always_ff @(posedge clk_i) begin
    if (advance_i) begin
      mov_pad_o <= mov_pad_i;
    end
    if (operand_en) begin
      mov_o <= mov_i;
    end
  end

  // -- the stationary operand --------------------------------------------------------------------

  logic full_q, keep, make_room;  // full_q: sta_q holds an operand that no token has released
  logic [StaBits-1:0] sta_q, stationary;
  assign make_room = mov_valid_i && mov_release_i;
  assign keep      = sta_valid_i && (!full_q || make_room);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      full_q      <= 1'b0;
      sta_valid_o <= 1'b0;
    end else if (advance_i) begin
      full_q      <= keep || (full_q && !make_room);
      sta_valid_o <= sta_valid_i && !keep;
    end
  end
  always_ff @(posedge clk_i) begin
    if (advance_i && keep) begin
      sta_q <= sta_i;
    end
    if (advance_i && sta_valid_i && !keep) begin
      sta_o <= sta_i;
    end
  end

  if (PreloadOverlapped != 0) begin : gen_overlapped
    logic [StaBits-1:0] active_q;
    always_ff @(posedge clk_i) begin
      if (advance_i && make_room) begin
        active_q <= sta_q;
      end
    end
    assign stationary = mov_release_i ? sta_q : active_q;
  end else begin : gen_serial
    assign stationary = sta_q;
  end

  // -- product and sum ---------------------------------------------------------------------------

  logic [ProductBits-1:0] raw_product, product;
  systolic_product #(
      .ABits(MovBits), .WBits(StaBits), .AExpBits(MovExpBits), .WExpBits(StaExpBits),
      .ASpecials(MovSpecials), .WSpecials(StaSpecials)
  ) u_product (
      .a_i(mov_i), .w_i(stationary), .product_o(raw_product)
  );
  // Padded lanes are zero and multiply to zero, but for an infinity, which makes NaN of them, and
  // for registers that hold still in padding. There padding adds +0, which leaves a sum as it is,
  // in floating point too: one that began with +0 is never -0.
  localparam bit MasksPadding = (FloatingPoint != 0) || (ClockGating == 2);
  assign product = (MasksPadding && is_pad) ? '0 : raw_product;

  logic add_en;
  logic [ProductBits-1:0] addend;
  if (Pipeline == 1) begin : gen_unregistered_product
    assign addend = product;
    assign add_en = multiply_en;
  end else begin : gen_registered_product
    logic [ProductBits-1:0] product_q;
    always_ff @(posedge clk_i) begin
      if (multiply_en) begin
        product_q <= product;
      end
    end
    assign addend = product_q;
    assign add_en = advance_i && mov_valid_o;
  end

  if (Pipeline == 3) begin : gen_two_step_adder
    localparam int unsigned AlignedBits = 8 + 2 * 23 + 12 - (23 + 5) / 2;  // fp_add_align
    logic [AlignedBits-1:0] aligned, aligned_q;
    logic [AccBits-1:0] finished;
    logic aligned_valid_q, y_pad_q;
    fp_add_align #(.ExpBits(8), .ManBits(23)) u_align (
        .a_i(y_i), .b_i(addend), .aligned_o(aligned)
    );
    fp_add_finish #(.ExpBits(8), .ManBits(23)) u_finish (.aligned_i(aligned_q), .y_o(finished));
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        aligned_valid_q <= 1'b0;
      end else if (advance_i) begin
        aligned_valid_q <= mov_valid_o;
      end
    end
    always_ff @(posedge clk_i) begin
      if (add_en) begin
        aligned_q <= aligned;
      end
      if (advance_i && aligned_valid_q) begin
        y_o <= finished;
      end
      if (advance_i) begin
        y_pad_q <= y_pad_i;
        y_pad_o <= y_pad_q;
      end
    end
  end else begin : gen_one_step_adder
    logic [AccBits-1:0] sum;
    systolic_sum #(
        .ProductBits(ProductBits), .AccBits(AccBits), .Overflow(Overflow),
        .FloatingPoint(FloatingPoint)
    ) u_sum (
        .base_i(y_i), .product_i(addend), .sum_o(sum)
    );
    always_ff @(posedge clk_i) begin
      if (add_en) begin
        y_o <= sum;
      end
      if (advance_i) begin
        y_pad_o <= y_pad_i;
      end
    end
  end

endmodule
