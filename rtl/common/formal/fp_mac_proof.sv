// fp_mac: since a pair cleared it, the sum holds all products of valid pairs and nothing else,
// whatever steps lie between. Multiplier and adder are those of the cell: fp_mul_proof and
// fp_add_proof say what they compute.
//
// sources: rtl/common/lzc.sv rtl/common/increment.sv rtl/common/shift_right_sticky.sv
// sources: rtl/common/fp_unpack.sv rtl/common/fp_mul.sv
// sources: rtl/common/fp_add_align.sv rtl/common/fp_add_finish.sv rtl/common/fp_add.sv
// sources: rtl/common/fp_mac.sv
// method: induction 8
// prove: Pipeline=1
// prove: Pipeline=2
module fp_mac_proof #(
    parameter int unsigned Pipeline = 1
) (
    input logic       clk_i,
    input logic       rst_ni,
    input logic       en_i,
    input logic       valid_i,
    input logic       clear_i,
    input logic [3:0] a_i,
    input logic [3:0] b_i
);

  logic [5:0] sum;
  fp_mac #(
      .ExpBits(2), .ManBits(1), .SumExpBits(3), .SumManBits(2), .Pipeline(Pipeline)
  ) u_dut (
      .clk_i, .rst_ni, .en_i, .valid_i, .clear_i, .a_i, .b_i, .sum_o(sum)
  );

  logic started_q = 1'b0;
  always_ff @(posedge clk_i) started_q <= 1'b1;
  always_comb assume (started_q || !rst_ni);

  // The sum as the pairs enter, then as late as the cell shows it.
  logic [5:0] product, base, next;
  fp_mul #(
      .AExpBits(2), .AManBits(1), .BExpBits(2), .BManBits(1), .OutExpBits(3), .OutManBits(2)
  ) u_mul (
      .a_i, .b_i, .y_o(product)
  );
  logic [5:0] sum_q;
  assign base = clear_i ? 6'd0 : sum_q;
  fp_add #(.ExpBits(3), .ManBits(2)) u_add (.a_i(base), .b_i(product), .y_o(next));

  logic known_q;
  logic [Pipeline-1:0] known_late_q;
  logic [6*Pipeline-1:0] late_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      known_q      <= 1'b0;
      known_late_q <= '0;
    end else if (en_i) begin
      known_q      <= known_q || (valid_i && clear_i);
      known_late_q <= Pipeline'({known_late_q, known_q});
    end
  end
  always_ff @(posedge clk_i) begin
    if (en_i) begin
      if (valid_i) sum_q <= next;
      late_q <= (6 * Pipeline)'({late_q, sum_q});
    end
  end

  always_comb begin
    if (known_late_q[Pipeline-1]) assert (sum == late_q[6*Pipeline-1-:6]);
  end

endmodule
