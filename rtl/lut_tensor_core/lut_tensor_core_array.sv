// Array of lookup-table units: Y[m,n] = sum over the groups of k of a scale times the group's sum
// of A[m,k] * (W[k,n] - zero), one tile per job. The channels are defined in rtl/README.md, numbers
// and steps in sim/pe/lut_tensor_core/README.md.
module lut_tensor_core_array #(
    parameter int unsigned M = 2,           // of a unit: tables, columns, activations of a table
    parameter int unsigned N = 64,
    parameter int unsigned K = 4,
    parameter int unsigned UnitRows = 1,
    parameter int unsigned UnitCols = 1,
    parameter int unsigned Engine = 0,      // 0 lut, 1 lut_negate, 2 lut_full, 3 add, 4 mac
    parameter int unsigned Activation = 0,  // 0 int8, 1 int16, 2 fp16, 3 fp8_e4m3, 4 fp8_e5m2
    parameter int unsigned WBits = 2,
    parameter int unsigned WeightKind = 0,  // 0 int, 1 uint, 2 bipolar, 3 ternary
    parameter int unsigned Table = 0,       // 1: entries of 8 bits
    parameter int unsigned Precompute = 1,  // 0: tables come over the a channel
    parameter int unsigned AccManBits = 23,
    parameter int unsigned Pipeline = 1,
    parameter int unsigned Group = 128,     // a multiple of K
    parameter int unsigned KBits = 16,
    localparam int unsigned Rows = M * UnitRows,
    localparam int unsigned Cols = N * UnitCols,
    localparam int unsigned JobBits = $clog2(Rows + 1) + $clog2(Cols + 1) + KBits + 2,
    localparam bit Float = Activation >= 2,
    localparam int unsigned ActBits = ((Activation == 1) || (Activation == 2)) ? 16 : 8,
    localparam int unsigned Planes = (WeightKind == 2) ? 1 : (WeightKind == 3) ? 2 : WBits,
    localparam bit HasTable = Engine <= 2,
    localparam bit HasSigns = Engine <= 1,
    localparam bit Fused = HasTable && (Precompute == 0),
    localparam int unsigned Entries = HasSigns ? (1 << (K - 1)) : HasTable ? (1 << K) - 1 : K,
    localparam int unsigned SentBits = (Table == 1) ? 8 : Float ? 16 : ActBits + $clog2(K),
    localparam int unsigned TableBits = Entries * SentBits + ((Table == 1) ? 6 : 0),
    localparam int unsigned ARowBits = Fused ? TableBits : K * ActBits,
    localparam int unsigned AWidth = Rows * ARowBits,
    localparam int unsigned WColBits = K * ((Engine == 4) ? Planes : 1),
    localparam int unsigned WWidth = Cols * WColBits,
    localparam int unsigned SBits = (WeightKind == 1) ? 8 + Planes : 8,
    localparam int unsigned SWidth = Cols * SBits,
    localparam int unsigned SumBits = Float ? 32 : 48,
    localparam int unsigned YWidth = Cols * SumBits
) (
    input  logic               clk_i,
    input  logic               rst_ni,
    input  logic               en_i,

    input  logic               job_valid_i,
    output logic               job_ready_o,
    input  logic [JobBits-1:0] job_i,

    input  logic               a_valid_i,
    output logic               a_ready_o,
    input  logic [AWidth-1:0]  a_i,

    input  logic               w_valid_i,
    output logic               w_ready_o,
    input  logic [WWidth-1:0]  w_i,

    input  logic               s_valid_i,
    output logic               s_ready_o,
    input  logic [SWidth-1:0]  s_i,

    output logic               y_valid_o,
    input  logic               y_ready_i,
    output logic [YWidth-1:0]  y_o
);

  localparam int unsigned Wait = (!HasTable || Fused) ? 0 : (Table == 1) ? 2 : 1;
  localparam int unsigned RowBits = (Rows > 1) ? $clog2(Rows) : 1;
  localparam int unsigned ManBits = (Activation == 2) ? 10 : (Activation == 3) ? 3 : 2;
  localparam int unsigned HeldBits =
      (Table == 1) ? 8 : HasTable ? (Float ? 17 : ActBits + $clog2(K)) :
      Float ? ManBits + 7 : ActBits;
  localparam int unsigned CodeManBits = (WeightKind == 1) ? Planes - 1 : Planes - 2;
  localparam int unsigned CodeBits = (Engine != 4) ? 1 : Float ? CodeManBits + 5 : Planes;
  localparam int unsigned SumWBits = Float ? AccManBits + 9 : ActBits + Planes + $clog2(Group);
  localparam int unsigned SumABits = Float ? AccManBits + 9 : ActBits + $clog2(Group);
  localparam bit HasSumA = (WeightKind == 1) || ((WeightKind == 0) && HasSigns);

  logic [AWidth-1:0] a;
  logic [Wait:0] table_en, w_en;
  logic read_en, sum_read_en, accumulate_en, sum_accumulate_en, clear, copy_en, shift_en;
  logic [2:0] plane;
  logic [WWidth-1:0] w;
  logic [SWidth-1:0] s;
  logic s_en, correct_en, subtract_en, scale_en, add_en, add_clear;
  logic [RowBits-1:0] add_row;
  logic [YWidth-1:0] sums;

  lut_tensor_core_edge #(
      .M(M), .N(N), .K(K), .UnitRows(UnitRows), .UnitCols(UnitCols), .Engine(Engine),
      .Activation(Activation), .WBits(WBits), .WeightKind(WeightKind), .Table(Table),
      .Precompute(Precompute), .AccManBits(AccManBits), .Pipeline(Pipeline), .Group(Group),
      .KBits(KBits)
  ) u_edge (
      .clk_i, .rst_ni, .en_i,
      .job_valid_i, .job_ready_o, .job_i,
      .a_valid_i, .a_ready_o, .a_i,
      .w_valid_i, .w_ready_o, .w_i,
      .s_valid_i, .s_ready_o, .s_i,
      .y_valid_o, .y_ready_i, .y_o,
      .a_o(a),
      .table_en_o(table_en),
      .read_en_o(read_en),
      .sum_read_en_o(sum_read_en),
      .accumulate_en_o(accumulate_en),
      .sum_accumulate_en_o(sum_accumulate_en),
      .clear_o(clear),
      .plane_o(plane),
      .copy_en_o(copy_en),
      .shift_en_o(shift_en),
      .w_o(w),
      .w_en_o(w_en),
      .s_o(s),
      .s_en_o(s_en),
      .correct_en_o(correct_en),
      .subtract_en_o(subtract_en),
      .scale_en_o(scale_en),
      .add_en_o(add_en),
      .add_clear_o(add_clear),
      .add_row_o(add_row),
      .sum_i(sums)
  );

  for (genvar u = 0; u < UnitCols; u++) begin : gen_unit
    // -- tables and sums of A, shared by the unit's columns ---------------------------------------

    // Entry r leaves row r upwards.
    logic [(Rows+1)*SumABits-1:0] sums_a;
    for (genvar r = 0; r < Rows; r++) begin : gen_row
      logic [Entries*HeldBits-1:0] entries;
      logic [5:0] code;
      lut_tensor_core_table #(
          .K(K), .Engine(Engine), .Activation(Activation), .Table(Table), .Precompute(Precompute)
      ) u_table (
          .clk_i, .a_i(a[r*ARowBits+:ARowBits]), .en_i(table_en),
          .entries_o(entries), .code_o(code)
      );
      if (HasSumA) begin : gen_sum
        logic [K*CodeBits-1:0] no_weights;
        assign no_weights = '0;
        lut_tensor_core_lane #(
            .K(K), .Engine(Engine), .Activation(Activation), .WBits(WBits),
            .WeightKind(WeightKind), .Table(Table), .AccManBits(AccManBits), .Pipeline(Pipeline),
            .Group(Group), .IsSum(1)
        ) u_lane (
            .clk_i,
            .entries_i(entries),
            .code_i(code),
            .w_i(no_weights),
            .read_en_i(sum_read_en),
            .accumulate_en_i(sum_accumulate_en),
            .clear_i(clear),
            .plane_i(plane),
            .copy_en_i(copy_en),
            .shift_en_i(shift_en),
            .result_i(sums_a[(r+1)*SumABits+:SumABits]),
            .result_o(sums_a[r*SumABits+:SumABits])
        );
      end
    end
    if (HasSumA) begin : gen_sums
      assign sums_a[Rows*SumABits+:SumABits] = '0;
    end else begin : gen_no_sums
      assign sums_a = '0;
    end
    logic unused_sums;
    assign unused_sums = ^sums_a[(Rows+1)*SumABits-1:SumABits];

    // -- columns and their lanes ------------------------------------------------------------------

    for (genvar n = 0; n < N; n++) begin : gen_col
      localparam int unsigned Column = u * N + n;
      logic [K*CodeBits-1:0] w_bits;
      logic [(Rows+1)*SumWBits-1:0] sums_w;
      assign sums_w[Rows*SumWBits+:SumWBits] = '0;

      lut_tensor_core_column #(
          .Rows(Rows), .K(K), .Engine(Engine), .Activation(Activation), .WBits(WBits),
          .WeightKind(WeightKind), .Table(Table), .Precompute(Precompute),
          .AccManBits(AccManBits), .Group(Group)
      ) u_column (
          .clk_i,
          .w_i(w[Column*WColBits+:WColBits]),
          .w_en_i(w_en),
          .w_o(w_bits),
          .s_i(s[Column*SBits+:SBits]),
          .s_en_i(s_en),
          .copy_en_i(copy_en),
          .sum_w_i(sums_w[0+:SumWBits]),
          .sum_a_i(sums_a[0+:SumABits]),
          .correct_en_i(correct_en),
          .subtract_en_i(subtract_en),
          .scale_en_i(scale_en),
          .add_en_i(add_en),
          .add_clear_i(add_clear),
          .add_row_i(add_row),
          .sum_o(sums[Column*SumBits+:SumBits])
      );

      for (genvar r = 0; r < Rows; r++) begin : gen_row
        lut_tensor_core_lane #(
            .K(K), .Engine(Engine), .Activation(Activation), .WBits(WBits),
            .WeightKind(WeightKind), .Table(Table), .AccManBits(AccManBits), .Pipeline(Pipeline),
            .Group(Group)
        ) u_lane (
            .clk_i,
            .entries_i(gen_unit[u].gen_row[r].entries),
            .code_i(gen_unit[u].gen_row[r].code),
            .w_i(w_bits),
            .read_en_i(read_en),
            .accumulate_en_i(accumulate_en),
            .clear_i(clear),
            .plane_i(plane),
            .copy_en_i(copy_en),
            .shift_en_i(shift_en),
            .result_i(sums_w[(r+1)*SumWBits+:SumWBits]),
            .result_o(sums_w[r*SumWBits+:SumWBits])
        );
      end
    end
  end

  if (!HasSumA) begin : gen_no_sum_lanes
    logic unused_enables;
    assign unused_enables = ^{sum_read_en, sum_accumulate_en};
  end

endmodule
