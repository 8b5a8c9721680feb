// Multiply-accumulate cell with registered operands: sum += a * b for every valid pair, product and
// sum rounded to the sum's format. The bare arithmetic that papers compare their PEs with: operands
// go nowhere, sums leave through no chain.
//
// A pair with `clear` starts a new sum. Pipeline 2: a register between multiplier and adder. The
// sum is there Pipeline + 1 enabled edges after its last pair came.
module fp_mac #(
    parameter int unsigned ExpBits = 5,
    parameter int unsigned ManBits = 10,
    parameter int unsigned SumExpBits = 8,
    parameter int unsigned SumManBits = 23,
    parameter int unsigned Pipeline = 1,
    localparam int unsigned Bits = 1 + ExpBits + ManBits,
    localparam int unsigned SumBits = 1 + SumExpBits + SumManBits
) (
    input  logic               clk_i,
    input  logic               rst_ni,
    input  logic               en_i,
    input  logic               valid_i,
    input  logic               clear_i,
    input  logic [Bits-1:0]    a_i,
    input  logic [Bits-1:0]    b_i,
    output logic [SumBits-1:0] sum_o
);

  logic valid_q, clear_q;
  logic [Bits-1:0] a_q, b_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
    end else if (en_i) begin
      valid_q <= valid_i;
    end
  end
  always_ff @(posedge clk_i) begin
    if (en_i) begin
      clear_q <= clear_i;
      a_q     <= a_i;
      b_q     <= b_i;
    end
  end

  logic [SumBits-1:0] product;
  fp_mul #(
      .AExpBits(ExpBits), .AManBits(ManBits), .BExpBits(ExpBits), .BManBits(ManBits),
      .OutExpBits(SumExpBits), .OutManBits(SumManBits)
  ) u_mul (
      .a_i(a_q), .b_i(b_q), .y_o(product)
  );

  logic add_valid, add_clear;
  logic [SumBits-1:0] addend;
  if (Pipeline == 1) begin : gen_unregistered
    assign add_valid = valid_q;
    assign add_clear = clear_q;
    assign addend    = product;
  end else begin : gen_registered
    logic product_valid_q, product_clear_q;
    logic [SumBits-1:0] product_q;
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        product_valid_q <= 1'b0;
      end else if (en_i) begin
        product_valid_q <= valid_q;
      end
    end
    always_ff @(posedge clk_i) begin
      if (en_i) begin
        product_clear_q <= clear_q;
        product_q       <= product;
      end
    end
    assign add_valid = product_valid_q;
    assign add_clear = product_clear_q;
    assign addend    = product_q;
  end

  logic [SumBits-1:0] base, sum, sum_q;
  assign base = add_clear ? '0 : sum_q;
  fp_add #(.ExpBits(SumExpBits), .ManBits(SumManBits)) u_add (.a_i(base), .b_i(addend), .y_o(sum));
  always_ff @(posedge clk_i) begin
    if (en_i && add_valid) begin
      sum_q <= sum;
    end
  end
  assign sum_o = sum_q;

endmodule
