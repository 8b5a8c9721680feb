// A delay line whose every stage can be seen: taps_o[d*Width +: Width] is data_i d enabled edges
// ago, d = 0 .. Depth.
module delay_taps #(
    parameter int unsigned Width = 1,
    parameter int unsigned Depth = 1,  // at least 1
    parameter bit HasReset = 1'b0      // reset to zero, for bits that steer control
) (
    input  logic                       clk_i,
    input  logic                       rst_ni,
    input  logic                       en_i,
    input  logic [Width-1:0]           data_i,
    output logic [(Depth+1)*Width-1:0] taps_o
);

  assign taps_o[Width-1:0] = data_i;
  for (genvar d = 0; d < Depth; d++) begin : gen_stage
    delay_line #(.Width(Width), .Depth(1), .HasReset(HasReset)) u_stage (
        .clk_i, .rst_ni, .en_i,
        .data_i(taps_o[d*Width+:Width]),
        .data_o(taps_o[(d+1)*Width+:Width])
    );
  end

endmodule
