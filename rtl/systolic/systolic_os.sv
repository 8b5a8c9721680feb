// Output-stationary dataflow: Rows x Cols PEs, each with the sum of one result, and their edge.
module systolic_os #(
    parameter int unsigned Rows = 4,
    parameter int unsigned Cols = 4,
    parameter int unsigned ABits = 8,
    parameter int unsigned WBits = 8,
    parameter int unsigned AExpBits = 0,
    parameter int unsigned WExpBits = 0,
    parameter int unsigned ASpecials = 0,
    parameter int unsigned WSpecials = 0,
    parameter int unsigned AccBits = 32,
    parameter int unsigned KBits = 16,
    parameter int unsigned Overflow = 0,
    parameter int unsigned Pipeline = 1,
    parameter int unsigned DrainOverlapped = 1,
    parameter int unsigned ClockGating = 0,
    localparam int unsigned JobBits = $clog2(Rows + 1) + $clog2(Cols + 1) + KBits + 2
) (
    input  logic                    clk_i,
    input  logic                    rst_ni,
    input  logic                    en_i,

    input  logic                    job_valid_i,
    output logic                    job_ready_o,
    input  logic [JobBits-1:0]      job_i,

    input  logic                    a_valid_i,
    output logic                    a_ready_o,
    input  logic [Rows*ABits-1:0]   a_i,

    input  logic                    w_valid_i,
    output logic                    w_ready_o,
    input  logic [Cols*WBits-1:0]   w_i,

    output logic                    y_valid_o,
    input  logic                    y_ready_i,
    output logic [Cols*AccBits-1:0] y_o
);

  logic advance, drain;

  // Wires between the PEs: entry [r][c] comes into PE (r, c); the extra column and row leave.
  logic [Rows*(Cols+1)-1:0] a_valid, a_clear, a_emit, a_pad;
  logic [Rows*(Cols+1)*ABits-1:0] a;
  logic [(Rows+1)*Cols-1:0] w_pad;
  logic [(Rows+1)*Cols*WBits-1:0] w;
  logic [(Rows+1)*Cols*AccBits-1:0] y;

  logic [Rows-1:0] edge_a_valid, edge_a_clear, edge_a_emit, edge_a_pad;
  logic [Rows*ABits-1:0] edge_a;

  systolic_os_edge #(
      .Rows(Rows), .Cols(Cols), .ABits(ABits), .WBits(WBits), .AccBits(AccBits), .KBits(KBits),
      .Pipeline(Pipeline), .DrainOverlapped(DrainOverlapped)
  ) u_edge (
      .clk_i, .rst_ni, .en_i,
      .job_valid_i, .job_ready_o, .job_i,
      .a_valid_i, .a_ready_o, .a_i,
      .w_valid_i, .w_ready_o, .w_i,
      .y_valid_o, .y_ready_i, .y_o,
      .advance_o(advance),
      .drain_o(drain),
      .pe_a_valid_o(edge_a_valid),
      .pe_a_clear_o(edge_a_clear),
      .pe_a_emit_o(edge_a_emit),
      .pe_a_pad_o(edge_a_pad),
      .pe_a_o(edge_a),
      .pe_w_pad_o(w_pad[Cols-1:0]),
      .pe_w_o(w[Cols*WBits-1:0]),
      .pe_y_i(y[Cols*AccBits-1:0])
  );

  assign y[Rows*Cols*AccBits+:Cols*AccBits] = '0;

  for (genvar r = 0; r < Rows; r++) begin : gen_row
    localparam int unsigned Left = r * (Cols + 1);
    assign a_valid[Left] = edge_a_valid[r];
    assign a_clear[Left] = edge_a_clear[r];
    assign a_emit[Left]  = edge_a_emit[r];
    assign a_pad[Left]   = edge_a_pad[r];
    assign a[Left*ABits+:ABits] = edge_a[r*ABits+:ABits];

    for (genvar c = 0; c < Cols; c++) begin : gen_col
      localparam int unsigned In = Left + c;
      localparam int unsigned Above = r * Cols + c;
      localparam int unsigned Below = Above + Cols;
      systolic_os_pe #(
          .ABits(ABits), .WBits(WBits), .AExpBits(AExpBits), .WExpBits(WExpBits),
          .ASpecials(ASpecials), .WSpecials(WSpecials), .AccBits(AccBits), .Overflow(Overflow),
          .Pipeline(Pipeline), .DrainOverlapped(DrainOverlapped), .ClockGating(ClockGating)
      ) u_pe (
          .clk_i, .rst_ni,
          .advance_i(advance),
          .drain_i(drain),
          .a_valid_i(a_valid[In]),
          .a_clear_i(a_clear[In]),
          .a_emit_i(a_emit[In]),
          .a_pad_i(a_pad[In]),
          .a_i(a[In*ABits+:ABits]),
          .a_valid_o(a_valid[In+1]),
          .a_clear_o(a_clear[In+1]),
          .a_emit_o(a_emit[In+1]),
          .a_pad_o(a_pad[In+1]),
          .a_o(a[(In+1)*ABits+:ABits]),
          .w_pad_i(w_pad[Above]),
          .w_i(w[Above*WBits+:WBits]),
          .w_pad_o(w_pad[Below]),
          .w_o(w[Below*WBits+:WBits]),
          .y_i(y[Below*AccBits+:AccBits]),
          .y_o(y[Above*AccBits+:AccBits])
      );
    end
  end

  // What leaves the last column and row goes nowhere.
  logic unused_right_and_bottom;
  assign unused_right_and_bottom =
      ^{a_valid, a_clear, a_emit, a_pad, a, w_pad[Rows*Cols+:Cols], w[Rows*Cols*WBits+:Cols*WBits]};

endmodule
