// Memory with one read and one write port. A word read at an edge is at rdata_o after it and stays
// until the next read; reading and writing the same word at one edge reads what was there before.
module sram_1r1w #(
    parameter int unsigned Width = 32,
    parameter int unsigned Depth = 64,
    localparam int unsigned AddressBits = (Depth > 1) ? $clog2(Depth) : 1
) (
    input  logic                   clk_i,
    input  logic                   re_i,
    input  logic [AddressBits-1:0] raddr_i,
    output logic [Width-1:0]       rdata_o,
    input  logic                   we_i,
    input  logic [AddressBits-1:0] waddr_i,
    input  logic [Width-1:0]       wdata_i
);

  logic [Width-1:0] words[Depth];

  always_ff @(posedge clk_i) begin
    if (we_i) begin
      words[waddr_i] <= wdata_i;
    end
  end

  always_ff @(posedge clk_i) begin
    if (re_i) begin
      rdata_o <= words[raddr_i];
    end
  end

endmodule
