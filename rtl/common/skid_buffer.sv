// Two-entry buffer of one channel. ready_o and valid_o are functions of registers only, and a
// stream of one beat per cycle passes without bubbles.
//
// The data registers are not reset: data_o means something only while valid_o is high.
module skid_buffer #(
    parameter int unsigned Width = 8
) (
    input  logic             clk_i,
    input  logic             rst_ni,

    input  logic             valid_i,
    output logic             ready_o,
    input  logic [Width-1:0] data_i,

    output logic             valid_o,
    input  logic             ready_i,
    output logic [Width-1:0] data_o
);

  logic head_valid_q, spare_valid_q;
  logic [Width-1:0] head_q, spare_q;

  logic push, pop, head_free;
  assign push      = valid_i && ready_o;
  assign pop       = valid_o && ready_i;
  assign head_free = pop || !head_valid_q;

  assign ready_o = !spare_valid_q;
  assign valid_o = head_valid_q;
  assign data_o  = head_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      head_valid_q  <= 1'b0;
      spare_valid_q <= 1'b0;
    end else begin
      if (head_free) begin
        head_valid_q  <= spare_valid_q || push;
        spare_valid_q <= 1'b0;
      end else if (push) begin
        spare_valid_q <= 1'b1;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (head_free) begin
      head_q <= spare_valid_q ? spare_q : data_i;
    end
    if (push && !head_free) begin
      spare_q <= data_i;
    end
  end

endmodule
