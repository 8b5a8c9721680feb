// The output of a delay line is the input of Depth enabled steps ago; with HasReset zeros come
// before the first input.
//
// sources: rtl/common/delay_line.sv
// method: induction 12
// prove: Width=1 Depth=1 HasReset=0
// prove: Width=2 Depth=1 HasReset=1
// prove: Width=2 Depth=2 HasReset=0
// prove: Width=1 Depth=3 HasReset=1
// prove: Width=2 Depth=5 HasReset=0
// prove: Width=2 Depth=8 HasReset=1
module delay_line_proof #(
    parameter int unsigned Width = 2,
    parameter int unsigned Depth = 3,
    parameter int unsigned HasReset = 1
) (
    input logic             clk_i,
    input logic             rst_ni,
    input logic             en_i,
    input logic [Width-1:0] data_i
);

  logic [Width-1:0] data;
  delay_line #(.Width(Width), .Depth(Depth), .HasReset(HasReset != 0)) u_dut (
      .clk_i, .rst_ni, .en_i, .data_i, .data_o(data)
  );

  // Any number of resets, but one at the start.
  logic started_q = 1'b0;
  always_ff @(posedge clk_i) started_q <= 1'b1;
  always_comb assume (started_q || !rst_ni);

  // The last Depth inputs in a ring: the place that is written next holds the oldest.
  localparam int unsigned PlaceBits = 4;
  logic [PlaceBits-1:0] place_q, steps_q;
  logic [Depth*Width-1:0] inputs_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      place_q  <= '0;
      steps_q  <= '0;  // since reset, up to Depth
      inputs_q <= '0;
    end else if (en_i) begin
      place_q                         <= (place_q == Depth - 1) ? '0 : place_q + 1'b1;
      steps_q                         <= (steps_q == Depth) ? steps_q : steps_q + 1'b1;
      inputs_q[place_q*Width+:Width]  <= data_i;
    end
  end

  always_comb begin
    assert (place_q < Depth);
    assert (steps_q <= Depth);
    if (HasReset != 0 || steps_q == Depth) assert (data == inputs_q[place_q*Width+:Width]);
  end

endmodule
