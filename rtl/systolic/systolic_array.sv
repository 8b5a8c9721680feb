// Systolic array: Y[m,n] = sum over k of A[m,k] * W[k,n], one tile per job, in one of three
// dataflows. The channels are defined in rtl/README.md.
module systolic_array #(
    parameter int unsigned Rows = 4,
    parameter int unsigned Cols = 4,
    parameter int unsigned Dataflow = 0,   // 0 output, 1 weight, 2 input stationary
    parameter int unsigned ABits = 8,
    parameter int unsigned WBits = 8,
    parameter int unsigned AExpBits = 0,   // 0: integers; else floating point (systolic_product)
    parameter int unsigned WExpBits = 0,
    parameter int unsigned ASpecials = 0,
    parameter int unsigned WSpecials = 0,
    parameter int unsigned AccBits = 32,
    parameter int unsigned KBits = 16,     // output stationary: width of a job's k
    parameter int unsigned AccRows = 16,   // weight, input stationary: results with open sums
    parameter int unsigned Overflow = 0,
    parameter int unsigned Pipeline = 1,
    parameter int unsigned PreloadOverlapped = 1,  // weight, input stationary
    parameter int unsigned DrainOverlapped = 1,
    parameter int unsigned ClockGating = 0,
    localparam int unsigned MostM = (Dataflow == 0) ? Rows : (Dataflow == 1) ? AccRows : Cols,
    localparam int unsigned MostN = (Dataflow == 2) ? AccRows : Cols,
    localparam int unsigned MBits = $clog2(MostM + 1),
    localparam int unsigned NBits = $clog2(MostN + 1),
    localparam int unsigned JobBits =
        MBits + NBits + ((Dataflow == 0) ? KBits : $clog2(Rows + 1)) + 2,
    localparam int unsigned ALanes = (Dataflow == 2) ? Cols : Rows,
    localparam int unsigned WLanes = (Dataflow == 2) ? Rows : Cols
) (
    input  logic                    clk_i,
    input  logic                    rst_ni,
    input  logic                    en_i,

    input  logic                    job_valid_i,
    output logic                    job_ready_o,
    input  logic [JobBits-1:0]      job_i,

    input  logic                    a_valid_i,
    output logic                    a_ready_o,
    input  logic [ALanes*ABits-1:0] a_i,

    input  logic                    w_valid_i,
    output logic                    w_ready_o,
    input  logic [WLanes*WBits-1:0] w_i,

    output logic                    y_valid_o,
    input  logic                    y_ready_i,
    output logic [Cols*AccBits-1:0] y_o
);

  if (Dataflow == 0) begin : gen_output_stationary
    systolic_os #(
        .Rows(Rows), .Cols(Cols), .ABits(ABits), .WBits(WBits), .AExpBits(AExpBits),
        .WExpBits(WExpBits), .ASpecials(ASpecials), .WSpecials(WSpecials), .AccBits(AccBits),
        .KBits(KBits), .Overflow(Overflow), .Pipeline(Pipeline), .DrainOverlapped(DrainOverlapped),
        .ClockGating(ClockGating)
    ) u_os (
        .clk_i, .rst_ni, .en_i,
        .job_valid_i, .job_ready_o, .job_i,
        .a_valid_i, .a_ready_o, .a_i,
        .w_valid_i, .w_ready_o, .w_i,
        .y_valid_o, .y_ready_i, .y_o
    );
  end else if (Dataflow == 1) begin : gen_weight_stationary
    systolic_ws #(
        .Rows(Rows), .Cols(Cols), .MovBits(ABits), .StaBits(WBits), .MovExpBits(AExpBits),
        .StaExpBits(WExpBits), .MovSpecials(ASpecials), .StaSpecials(WSpecials), .AccBits(AccBits),
        .AccRows(AccRows), .Overflow(Overflow), .Pipeline(Pipeline),
        .PreloadOverlapped(PreloadOverlapped), .DrainOverlapped(DrainOverlapped),
        .ClockGating(ClockGating)
    ) u_ws (
        .clk_i, .rst_ni, .en_i,
        .job_valid_i, .job_ready_o, .job_i,  // m tokens of n lanes
        .mov_valid_i(a_valid_i), .mov_ready_o(a_ready_o), .mov_i(a_i),
        .sta_valid_i(w_valid_i), .sta_ready_o(w_ready_o), .sta_i(w_i),
        .y_valid_o, .y_ready_i, .y_o
    );
  end else begin : gen_input_stationary
    systolic_ws #(
        .Rows(Rows), .Cols(Cols), .MovBits(WBits), .StaBits(ABits), .MovExpBits(WExpBits),
        .StaExpBits(AExpBits), .MovSpecials(WSpecials), .StaSpecials(ASpecials), .AccBits(AccBits),
        .AccRows(AccRows), .Overflow(Overflow), .Pipeline(Pipeline),
        .PreloadOverlapped(PreloadOverlapped), .DrainOverlapped(DrainOverlapped),
        .ClockGating(ClockGating)
    ) u_is (
        .clk_i, .rst_ni, .en_i,
        .job_valid_i, .job_ready_o,
        // n tokens of m lanes
        .job_i({job_i[JobBits-1:MBits+NBits], job_i[MBits-1:0], job_i[MBits+:NBits]}),
        .mov_valid_i(w_valid_i), .mov_ready_o(w_ready_o), .mov_i(w_i),
        .sta_valid_i(a_valid_i), .sta_ready_o(a_ready_o), .sta_i(a_i),
        .y_valid_o, .y_ready_i, .y_o
    );
  end

endmodule
