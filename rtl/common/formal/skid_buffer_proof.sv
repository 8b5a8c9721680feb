// The two-entry buffer is a queue of two entries: order, nothing lost or doubled, ready and valid
// of registers only, payload held until taken, empty in reset.
//
// sources: rtl/common/skid_buffer.sv
// method: induction 8
// prove: Width=1
// prove: Width=2
// prove: Width=3
module skid_buffer_proof #(
    parameter int unsigned Width = 2
) (
    input logic             clk_i,
    input logic             rst_ni,
    input logic             valid_i,
    input logic [Width-1:0] data_i,
    input logic             ready_i
);

  logic ready, valid;
  logic [Width-1:0] data;
  skid_buffer #(.Width(Width)) u_dut (
      .clk_i, .rst_ni, .valid_i, .ready_o(ready), .data_i, .valid_o(valid), .ready_i,
      .data_o(data)
  );

  // Any number of resets, but one at the start.
  logic started_q = 1'b0;
  always_ff @(posedge clk_i) started_q <= 1'b1;
  always_comb assume (started_q || !rst_ni);

  // The queue: `count_q` entries, the oldest in `oldest_q`.
  logic [1:0] count_q, kept, count_d;
  logic [Width-1:0] oldest_q, oldest_d, newest_q, newest_d;
  logic push, pop;
  always_comb begin
    push     = valid_i && (count_q < 2);
    pop      = ready_i && (count_q > 0);
    // First the oldest leaves, then the new one joins behind what is kept.
    kept     = pop ? count_q - 2'd1 : count_q;
    oldest_d = pop ? newest_q : oldest_q;
    newest_d = newest_q;
    count_d  = kept;
    if (push) begin
      count_d = kept + 2'd1;
      if (kept == 0) oldest_d = data_i;
      else           newest_d = data_i;
    end
  end
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) count_q <= 2'd0;
    else         count_q <= count_d;
  end
  always_ff @(posedge clk_i) begin
    oldest_q <= oldest_d;
    newest_q <= newest_d;
  end

  // Last cycle's offer, if it was not taken.
  logic held_q;
  logic [Width-1:0] held_data_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) held_q <= 1'b0;
    else         held_q <= valid && !ready_i;
  end
  always_ff @(posedge clk_i) held_data_q <= data;

  always_comb begin
    assert (count_q <= 2);
    assert (valid == (count_q != 0));
    assert (ready == (count_q != 2));
    if (valid) assert (data == oldest_q);
    if (held_q) assert (valid && data == held_data_q);
    if (!rst_ni) assert (ready && !valid);
  end

endmodule
