// Weight-stationary dataflow (input stationary with the operands exchanged): Rows x Cols PEs, their
// edge and one accumulator bank per column.
module systolic_ws #(
    parameter int unsigned Rows = 4,
    parameter int unsigned Cols = 4,
    parameter int unsigned MovBits = 8,
    parameter int unsigned StaBits = 8,
    parameter int unsigned MovExpBits = 0,
    parameter int unsigned StaExpBits = 0,
    parameter int unsigned MovSpecials = 0,
    parameter int unsigned StaSpecials = 0,
    parameter int unsigned AccBits = 32,
    parameter int unsigned AccRows = 16,
    parameter int unsigned Overflow = 0,
    parameter int unsigned Pipeline = 1,
    parameter int unsigned PreloadOverlapped = 1,
    parameter int unsigned DrainOverlapped = 1,
    parameter int unsigned ClockGating = 0,
    localparam int unsigned JobBits =
        $clog2(Rows + 1) + $clog2(Cols + 1) + $clog2(AccRows + 1) + 2
) (
    input  logic                    clk_i,
    input  logic                    rst_ni,
    input  logic                    en_i,

    input  logic                    job_valid_i,
    output logic                    job_ready_o,
    input  logic [JobBits-1:0]      job_i,  // {emit, accumulate, k, lanes, tokens}

    input  logic                    mov_valid_i,
    output logic                    mov_ready_o,
    input  logic [Rows*MovBits-1:0] mov_i,

    input  logic                    sta_valid_i,
    output logic                    sta_ready_o,
    input  logic [Cols*StaBits-1:0] sta_i,

    output logic                    y_valid_o,
    input  logic                    y_ready_i,
    output logic [Cols*AccBits-1:0] y_o
);

  localparam int unsigned AddressBits = (AccRows > 1) ? $clog2(AccRows) : 1;

  logic advance;

  // Wires between the PEs: entry [r][c] comes into PE (r, c); the extra column and row leave.
  logic [Rows*(Cols+1)-1:0] mov_valid, mov_release, mov_pad;
  logic [Rows*(Cols+1)*MovBits-1:0] mov;
  logic [(Rows+1)*Cols-1:0] sta_valid, y_pad;
  logic [(Rows+1)*Cols*StaBits-1:0] sta;
  logic [(Rows+1)*Cols*AccBits-1:0] y;

  logic [Rows-1:0] edge_mov_valid, edge_mov_release, edge_mov_pad;
  logic [Rows*MovBits-1:0] edge_mov;

  logic [Cols-1:0] bank_re, bank_we;
  logic [Cols*AddressBits-1:0] bank_raddr, bank_waddr;
  logic [Cols*AccBits-1:0] bank_rdata;

  systolic_ws_edge #(
      .Rows(Rows), .Cols(Cols), .MovBits(MovBits), .StaBits(StaBits), .AccBits(AccBits),
      .AccRows(AccRows), .Pipeline(Pipeline), .PreloadOverlapped(PreloadOverlapped),
      .DrainOverlapped(DrainOverlapped)
  ) u_edge (
      .clk_i, .rst_ni, .en_i,
      .job_valid_i, .job_ready_o, .job_i,
      .mov_valid_i, .mov_ready_o, .mov_i,
      .sta_valid_i, .sta_ready_o, .sta_i,
      .y_valid_o, .y_ready_i, .y_o,
      .advance_o(advance),
      .pe_mov_valid_o(edge_mov_valid),
      .pe_mov_release_o(edge_mov_release),
      .pe_mov_pad_o(edge_mov_pad),
      .pe_mov_o(edge_mov),
      .pe_sta_valid_o(sta_valid[Cols-1:0]),
      .pe_sta_o(sta[Cols*StaBits-1:0]),
      .pe_y_pad_o(y_pad[Cols-1:0]),
      .pe_y_o(y[Cols*AccBits-1:0]),
      .pe_y_i(y[Rows*Cols*AccBits+:Cols*AccBits]),
      .bank_re_o(bank_re),
      .bank_raddr_o(bank_raddr),
      .bank_rdata_i(bank_rdata),
      .bank_we_o(bank_we),
      .bank_waddr_o(bank_waddr)
  );

  for (genvar r = 0; r < Rows; r++) begin : gen_row
    localparam int unsigned Left = r * (Cols + 1);
    assign mov_valid[Left]   = edge_mov_valid[r];
    assign mov_release[Left] = edge_mov_release[r];
    assign mov_pad[Left]     = edge_mov_pad[r];
    assign mov[Left*MovBits+:MovBits] = edge_mov[r*MovBits+:MovBits];

    for (genvar c = 0; c < Cols; c++) begin : gen_col
      localparam int unsigned In = Left + c;
      localparam int unsigned Above = r * Cols + c;
      localparam int unsigned Below = Above + Cols;
      systolic_ws_pe #(
          .MovBits(MovBits), .StaBits(StaBits), .MovExpBits(MovExpBits), .StaExpBits(StaExpBits),
          .MovSpecials(MovSpecials), .StaSpecials(StaSpecials), .AccBits(AccBits),
          .Overflow(Overflow), .Pipeline(Pipeline), .PreloadOverlapped(PreloadOverlapped),
          .ClockGating(ClockGating)
      ) u_pe (
          .clk_i, .rst_ni,
          .advance_i(advance),
          .mov_valid_i(mov_valid[In]),
          .mov_release_i(mov_release[In]),
          .mov_pad_i(mov_pad[In]),
          .mov_i(mov[In*MovBits+:MovBits]),
          .mov_valid_o(mov_valid[In+1]),
          .mov_release_o(mov_release[In+1]),
          .mov_pad_o(mov_pad[In+1]),
          .mov_o(mov[(In+1)*MovBits+:MovBits]),
          .sta_valid_i(sta_valid[Above]),
          .sta_i(sta[Above*StaBits+:StaBits]),
          .sta_valid_o(sta_valid[Below]),
          .sta_o(sta[Below*StaBits+:StaBits]),
          .y_pad_i(y_pad[Above]),
          .y_pad_o(y_pad[Below]),
          .y_i(y[Above*AccBits+:AccBits]),
          .y_o(y[Below*AccBits+:AccBits])
      );
    end
  end

  for (genvar c = 0; c < Cols; c++) begin : gen_bank
    sram_1r1w #(.Width(AccBits), .Depth(AccRows)) u_bank (
        .clk_i,
        .re_i(bank_re[c]),
        .raddr_i(bank_raddr[c*AddressBits+:AddressBits]),
        .rdata_o(bank_rdata[c*AccBits+:AccBits]),
        .we_i(bank_we[c]),
        .waddr_i(bank_waddr[c*AddressBits+:AddressBits]),
        .wdata_i(y[(Rows*Cols+c)*AccBits+:AccBits])
    );
  end

  // What leaves the last column and row goes nowhere, but for the sums.
  logic unused_right_and_bottom;
  assign unused_right_and_bottom =
      ^{mov_valid, mov_release, mov_pad, mov, sta_valid[Rows*Cols+:Cols],
        sta[Rows*Cols*StaBits+:Cols*StaBits], y_pad[Rows*Cols+:Cols]};

endmodule
