// Output-stationary multiply-accumulate cell: acc += a * w for every valid token.
//
// A token {valid, clear, emit, pad, a} arrives from the left, {pad, w} from above, in the same
// step; both leave one step later to the right and below. `clear` starts a new sum, `emit` marks
// the last token of a sum that is to leave the array. Finished sums move up, one row per drain
// step: through registers of their own (DrainOverlapped), or through the accumulators themselves.
module systolic_pe #(
    parameter int unsigned ABits = 8,
    parameter int unsigned WBits = 8,
    parameter int unsigned AccBits = 32,       // at least ABits + WBits
    parameter int unsigned Overflow = 0,       // 0, 1: two's complement wraps; 2: saturates
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

  localparam int unsigned ProductBits = ABits + WBits;

  // Which steps clock the operand and sum registers: the PE-cycle classes that are not gated off.
  logic is_pad, operand_en, sum_en;
  assign is_pad     = a_pad_i || w_pad_i;
  assign operand_en = advance_i && ((ClockGating == 0) ||
                                    (a_valid_i && !((ClockGating == 2) && is_pad)));
  assign sum_en     = advance_i && a_valid_i && !((ClockGating == 2) && is_pad);

  logic signed [ProductBits-1:0] product;
  assign product = $signed(a_i) * $signed(w_i);

  logic signed [AccBits-1:0] acc_q, base, sum;
  assign base = a_clear_i ? '0 : acc_q;

  if (Overflow == 2) begin : gen_saturate
    logic signed [AccBits:0] wide;
    assign wide = (AccBits + 1)'(base) + (AccBits + 1)'(product);
    assign sum  = (wide[AccBits] == wide[AccBits-1]) ? wide[AccBits-1:0] :
                  wide[AccBits] ? {1'b1, {(AccBits - 1) {1'b0}}} :
                                  {1'b0, {(AccBits - 1) {1'b1}}};
  end else begin : gen_wrap
    assign sum = base + AccBits'(product);
  end

  if (DrainOverlapped != 0) begin : gen_overlapped
    // A sum is copied one step after its last token, when the accumulator may already take the
    // first token of the next one.
    logic [AccBits-1:0] drain_q;
    always_ff @(posedge clk_i) begin
      if (sum_en) begin
        acc_q <= sum;
      end
      if (advance_i && a_emit_o) begin
        drain_q <= acc_q;
      end else if (advance_i && drain_i) begin
        drain_q <= y_i;
      end
    end
    assign y_o = drain_q;
  end else begin : gen_serial
    always_ff @(posedge clk_i) begin
      if (sum_en) begin
        acc_q <= sum;
      end else if (advance_i && drain_i) begin
        acc_q <= y_i;
      end
    end
    assign y_o = acc_q;
  end

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

endmodule
