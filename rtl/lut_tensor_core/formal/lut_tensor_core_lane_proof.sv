// A lane's sum is that of plain products: bits of weights, each +1 or -1 (or 1 or 0), times what
// the table's entries stand for, times the plane's weight, since it was cleared. `lut` gets its
// bits as the packer stores them. The entries are any numbers, an 8-bit table's are {sign,
// magnitude} times 2^t; that entries are sums of activations is another proof. IsSum: the sum of
// all activations.
//
// The result register takes the sum in every step, and a register before the accumulator a term,
// so that the induction sees them.
//
// sources: rtl/lut_tensor_core/lut_tensor_core_lane.sv rtl/lut_tensor_core/lut_tensor_core_mux.sv
// sources: rtl/lut_tensor_core/lut_tensor_core_sum.sv rtl/lut_tensor_core/lut_tensor_core_add.sv
// sources: rtl/common/lzc.sv rtl/common/increment.sv rtl/common/shift_right_sticky.sv
// sources: rtl/common/fp_add_align.sv rtl/common/fp_add_finish.sv rtl/common/fp_add.sv
// method: induction 4
// prove: Engine=0 K=2 WBits=4
// prove: Engine=0 K=4 WBits=2
// prove: Engine=0 K=4 WBits=4 WeightKind=1
// prove: Engine=0 K=4 WeightKind=2
// prove: Engine=0 K=4 WeightKind=3 Pipeline=2
// prove: Engine=0 K=3 WBits=8 Pipeline=2
// prove: Engine=0 K=3 WBits=2 Table=1
// prove: Engine=0 K=2 WBits=4 Table=1 Pipeline=2
// prove: Engine=0 K=4 IsSum=1
// prove: Engine=1 K=4 WBits=3
// prove: Engine=2 K=4 WBits=4
// prove: Engine=2 K=3 WBits=4 WeightKind=1 Pipeline=2
// prove: Engine=2 K=2 WeightKind=3
module lut_tensor_core_lane_proof #(
    parameter int unsigned K = 4,
    parameter int unsigned Engine = 0,
    parameter int unsigned WBits = 2,
    parameter int unsigned WeightKind = 0,
    parameter int unsigned Table = 0,
    parameter int unsigned Pipeline = 1,
    parameter int unsigned IsSum = 0,
    localparam int unsigned Group = 2 * K * 4,
    localparam int unsigned Planes = (WeightKind == 2) ? 1 : (WeightKind == 3) ? 2 : WBits,
    localparam int unsigned Entries = (Engine <= 1) ? (1 << (K - 1)) : (1 << K) - 1,
    localparam int unsigned Bits = (Table != 0) ? 8 : 8 + $clog2(K),
    localparam int unsigned SumBits = 8 + ((IsSum != 0) ? 0 : Planes) + $clog2(Group)
) (
    input logic                    clk_i,
    input logic [Entries*Bits-1:0] entries_i,
    input logic [5:0]              code_i,
    input logic [K-1:0]            bits_i,       // of a plane: w
    input logic                    read_en_i,
    input logic                    accumulate_en_i,
    input logic                    clear_i,
    input logic [2:0]              plane_i,
    input logic [SumBits-1:0]      result_i
);

  // Lanes of lut_negate get their bits from the XNOR gates above the column; the same formula.
  logic [K-1:0] stored;
  always_comb begin
    stored = bits_i;
    if (Engine <= 1) begin
      for (int unsigned j = 0; j < K - 1; j++) begin
        stored[j] = bits_i[j] == bits_i[K-1];
      end
    end
    assume (32'(plane_i) < Planes);
    assume (code_i <= 6'd4);
    assume ((Pipeline == 1) || read_en_i);
  end

  logic [SumBits-1:0] result;
  lut_tensor_core_lane #(
      .K(K), .Engine(Engine), .WBits(WBits), .WeightKind(WeightKind), .Table(Table),
      .Pipeline(Pipeline), .Group(Group), .IsSum(IsSum)
  ) u_dut (
      .clk_i, .entries_i, .code_i, .w_i(stored), .read_en_i, .accumulate_en_i, .clear_i,
      .plane_i, .copy_en_i(1'b1), .shift_en_i(1'b0), .result_i, .result_o(result)
  );

  // What the bits mean: H[x] where the highest one is set, else -H[~x]; F[x], F[0] = 0.
  logic signed [31:0] value, entry, term, weighted;
  logic [K-1:0] address;
  always_comb begin
    address  = (IsSum != 0) ? {K{1'b1}} : bits_i;
    entry    = '0;
    value    = '0;
    weighted = '0;
    for (int unsigned e = 0; e < (1 << K); e++) begin
      if (32'(address) == e) begin
        if (Engine >= 2) begin
          if (e != 0) begin
            value = {{(32 - Bits) {entries_i[(e-1)*Bits+Bits-1]}}, entries_i[(e-1)*Bits+:Bits]};
            entry = value;
          end
        end else begin
          value = {{(32 - Bits) {entries_i[(e%Entries)*Bits+Bits-1]}},
                   entries_i[(e%Entries)*Bits+:Bits]};
          if (e < Entries) begin
            value = {{(32 - Bits) {entries_i[(Entries-1-e)*Bits+Bits-1]}},
                     entries_i[(Entries-1-e)*Bits+:Bits]};
          end
          if (Table != 0) begin
            // {sign, magnitude} in units of 2^t
            weighted = {25'd0, value[6:0]};
            for (int unsigned t = 0; t < 4; t++) begin
              if (32'(code_i) > t) weighted = weighted + weighted;
            end
            value = value[7] ? -weighted : weighted;
          end
          entry = (e < Entries) ? -value : value;
        end
      end
    end
  end

  logic signed [31:0] entry_q;
  if (Pipeline == 2) begin : gen_register
    always_ff @(posedge clk_i) if (read_en_i) entry_q <= entry;
  end else begin : gen_wire
    assign entry_q = entry;
  end

  logic signed [31:0] sum_q, sum_d;
  logic [31:0] result_q;
  logic [1:0] defined_q, read_q;
  initial defined_q = 2'd0;
  initial read_q = 2'd0;
  always_comb begin
    term = entry_q;
    for (int unsigned i = 0; i < 7; i++) begin
      if ((32'(plane_i) > i) && (IsSum == 0) && ((WeightKind != 3) || (Engine >= 2))) begin
        term = term + term;
      end
    end
    if ((Engine >= 2) && (WeightKind != 1) && (32'(plane_i) == Planes - 1)) term = -term;
    sum_d = clear_i ? term : sum_q + term;
  end
  // Defined once something was read and a sum begun.
  always_ff @(posedge clk_i) begin
    if (read_en_i) read_q[0] <= 1'b1;
    if (accumulate_en_i) begin
      sum_q <= sum_d;
      if (clear_i) defined_q[0] <= (Pipeline == 1) || read_q[0];
    end
    defined_q[1] <= defined_q[0];
    result_q     <= sum_q;
  end
  // In the step after, the copy is that of the sum.
  always_comb begin
    if (defined_q[1]) assert (result == result_q[SumBits-1:0]);
  end

endmodule
