// Output-stationary multiply-accumulate cell: acc += a * w for every valid token.
//
// A token {valid, clear, emit, pad, a} arrives from the left, {pad, w} from above, in the same
// step; both leave one step later to the right and below. `clear` starts a new sum, `emit` marks
// the last token of a sum that is to leave the array. Finished sums move up, one row per drain
// step: through registers of their own (DrainOverlapped), or through the accumulators themselves.
//
// Pipeline 1: multiply and add in one step. 2: a register between them. 3: the floating-point
// adder takes two steps; the sums of even and of odd tokens alternate in its two registers, and
// three steps after the last addition have added the two (sim/pe/systolic/README.md).
module systolic_os_pe #(
    parameter int unsigned ABits = 8,
    parameter int unsigned WBits = 8,
    parameter int unsigned AExpBits = 0,
    parameter int unsigned WExpBits = 0,
    parameter int unsigned ASpecials = 0,
    parameter int unsigned WSpecials = 0,
    parameter int unsigned AccBits = 32,       // at least the bits of a product
    parameter int unsigned Overflow = 0,
    parameter int unsigned Pipeline = 1,
    parameter int unsigned DrainOverlapped = 1,
    parameter int unsigned ClockGating = 0     // 0 none; 1 idle; 2 idle and pad
) (
    input  logic               clk_i,
    input  logic               rst_ni,
    input  logic               advance_i,      // one step of the whole array
    input  logic               drain_i,        // sums move up one row in this step

    input  logic               a_valid_i,
    input  logic               a_clear_i,
    input  logic               a_emit_i,
    input  logic               a_pad_i,
    input  logic [ABits-1:0]   a_i,
    output logic               a_valid_o,
    output logic               a_clear_o,
    output logic               a_emit_o,
    output logic               a_pad_o,
    output logic [ABits-1:0]   a_o,

    input  logic               w_pad_i,
    input  logic [WBits-1:0]   w_i,
    output logic               w_pad_o,
    output logic [WBits-1:0]   w_o,

    input  logic [AccBits-1:0] y_i,
    output logic [AccBits-1:0] y_o
);

  localparam int unsigned FloatingPoint = (AExpBits != 0) ? 1 : 0;
  localparam int unsigned ProductBits = (AExpBits != 0) ? 32 : ABits + WBits;
  // Steps that a finished sum is later than with Pipeline 1.
  localparam int unsigned Late = (Pipeline == 3) ? 4 : Pipeline - 1;

  // -- operands ----------------------------------------------------------------------------------

  // Which steps clock the operand and sum registers: the PE-cycle classes that are not gated off.
  logic is_pad, operand_en, multiply_en;
  assign is_pad      = a_pad_i || w_pad_i;
  assign operand_en  = advance_i && ((ClockGating == 0) ||
                                     (a_valid_i && !((ClockGating == 2) && is_pad)));
  assign multiply_en = advance_i && a_valid_i && !((ClockGating == 2) && is_pad);

  logic [ProductBits-1:0] product;
  systolic_product #(
      .ABits(ABits), .WBits(WBits), .AExpBits(AExpBits), .WExpBits(WExpBits),
      .ASpecials(ASpecials), .WSpecials(WSpecials)
  ) u_product (
      .a_i, .w_i, .product_o(product)
  );

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      a_valid_o <= 1'b0;
      a_emit_o  <= 1'b0;
    end else if (advance_i) begin
      a_valid_o <= a_valid_i;
      a_emit_o  <= a_emit_i;
    end
  end

  always_ff @(posedge clk_i) begin
    if (advance_i) begin
      a_clear_o <= a_clear_i;
      a_pad_o   <= a_pad_i;
      w_pad_o   <= w_pad_i;
    end
    if (operand_en) begin
      a_o <= a_i;
      w_o <= w_i;
    end
  end

  // -- the product, where the addition is, and the token it belongs to ---------------------------

  logic add_en, add_clear;
  logic [ProductBits-1:0] addend;
  if (Pipeline == 1) begin : gen_unregistered_product
    assign addend    = product;
    assign add_en    = multiply_en;
    assign add_clear = a_clear_i;
  end else begin : gen_registered_product
    logic [ProductBits-1:0] product_q;
    always_ff @(posedge clk_i) begin
      if (multiply_en) begin
        product_q <= product;
      end
    end
    // One step after the multiplication the token is in the output registers.
    assign addend    = product_q;
    assign add_en    = advance_i && a_valid_o && !((ClockGating == 2) && (a_pad_o || w_pad_o));
    assign add_clear = a_clear_o;
  end

  // emit_line[i]: the last token of a sum was multiplied i + 1 steps ago.
  logic [Late:0] emit_line;
  assign emit_line[0] = a_emit_o;
  if (Late > 0) begin : gen_emit_line
    logic [Late-1:0] emit_q;
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        emit_q <= '0;
      end else if (advance_i) begin
        emit_q <= emit_line[Late-1:0];
      end
    end
    assign emit_line[Late:1] = emit_q;
  end

  // -- sums --------------------------------------------------------------------------------------

  // With a serial drain finished sums leave through the accumulators.
  logic shift_en;
  assign shift_en = advance_i && drain_i && (DrainOverlapped == 0);

  logic [AccBits-1:0] acc_q;
  if (Pipeline == 3) begin : gen_two_sums
    localparam int unsigned AlignedBits = 8 + 2 * 23 + 12 - (23 + 5) / 2;  // fp_add_align
    // older_q: the sum without the last token. aligned_q: the last token's addition, half done.
    logic [AccBits-1:0] older_q, finished, operand_0, operand_1;
    logic [AlignedBits-1:0] aligned, aligned_q;
    // The three steps that add the two sums of a job that emits.
    logic keep_older, add_both, finish_both;
    assign keep_older  = advance_i && emit_line[1];
    assign add_both    = advance_i && emit_line[2];
    assign finish_both = advance_i && emit_line[3];

    assign operand_0 = add_both ? older_q : add_clear ? '0 : acc_q;
    assign operand_1 = add_both ? acc_q : addend;
    fp_add_align #(.ExpBits(8), .ManBits(23)) u_align (
        .a_i(operand_0), .b_i(operand_1), .aligned_o(aligned)
    );
    fp_add_finish #(.ExpBits(8), .ManBits(23)) u_finish (.aligned_i(aligned_q), .y_o(finished));

    always_ff @(posedge clk_i) begin
      if (add_en || add_both) begin
        aligned_q <= aligned;
      end
      if (keep_older) begin
        older_q <= acc_q;
      end
      if (add_en || keep_older || finish_both) begin
        acc_q <= (add_en && add_clear) ? '0 : finished;
      end else if (shift_en) begin
        acc_q <= y_i;
      end
    end
  end else begin : gen_one_sum
    logic [AccBits-1:0] base, sum;
    assign base = add_clear ? '0 : acc_q;
    systolic_sum #(
        .ProductBits(ProductBits), .AccBits(AccBits), .Overflow(Overflow),
        .FloatingPoint(FloatingPoint)
    ) u_sum (
        .base_i(base), .product_i(addend), .sum_o(sum)
    );
    always_ff @(posedge clk_i) begin
      if (add_en) begin
        acc_q <= sum;
      end else if (shift_en) begin
        acc_q <= y_i;
      end
    end
  end

  if (DrainOverlapped != 0) begin : gen_overlapped
    // A sum is copied one step after it is finished, when the accumulator may already take the
    // first token of the next one.
    logic [AccBits-1:0] drain_q;
    always_ff @(posedge clk_i) begin
      if (advance_i && emit_line[Late]) begin
        drain_q <= acc_q;
      end else if (advance_i && drain_i) begin
        drain_q <= y_i;
      end
    end
    assign y_o = drain_q;
  end else begin : gen_serial
    logic unused_emit;
    assign unused_emit = emit_line[Late];
    assign y_o = acc_q;
  end

endmodule
