// Depth registers in a row that move while en_i is high; the skew of a systolic array.
module delay_line #(
    parameter int unsigned Width = 8,
    parameter int unsigned Depth = 1,  // at least 1
    parameter bit HasReset = 1'b0      // reset to zero, for bits that steer control
) (
    input  logic             clk_i,
    input  logic             rst_ni,
    input  logic             en_i,
    input  logic [Width-1:0] data_i,
    output logic [Width-1:0] data_o
);

  logic [Depth*Width-1:0] stages_q, stages_d;

  if (Depth == 1) begin : gen_single
    assign stages_d = data_i;
  end else begin : gen_several
    assign stages_d = {stages_q[(Depth-1)*Width-1:0], data_i};
  end
  assign data_o = stages_q[(Depth-1)*Width+:Width];

  if (HasReset) begin : gen_reset
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        stages_q <= '0;
      end else if (en_i) begin
        stages_q <= stages_d;
      end
    end
  end else begin : gen_no_reset
    logic unused_rst_n;
    assign unused_rst_n = rst_ni;
    always_ff @(posedge clk_i) begin
      if (en_i) begin
        stages_q <= stages_d;
      end
    end
  end

endmodule
