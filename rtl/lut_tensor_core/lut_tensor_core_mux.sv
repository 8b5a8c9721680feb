// One of 2^AddressBits entries. Combinational.
//
// Half of the entries that are left goes with every bit of the address, the highest first. Of an
// indexed part-select Yosys makes a shifter that is a half larger.
module lut_tensor_core_mux #(
    parameter int unsigned AddressBits = 3,
    parameter int unsigned Bits = 10,
    localparam int unsigned Entries = 1 << AddressBits
) (
    input  logic [Entries*Bits-1:0] entries_i,
    input  logic [AddressBits-1:0]  address_i,
    output logic [Bits-1:0]         entry_o
);

  for (genvar b = AddressBits; b > 0; b--) begin : gen_bit
    localparam int unsigned HalfBits = (1 << (b - 1)) * Bits;
    logic [2*HalfBits-1:0] left;
    logic [HalfBits-1:0] half;
    if (b == AddressBits) begin : gen_all
      assign left = entries_i;
    end else begin : gen_left
      assign left = gen_bit[b+1].half;
    end
    assign half = address_i[b-1] ? left[HalfBits+:HalfBits] : left[0+:HalfBits];
  end
  assign entry_o = gen_bit[1].half;

endmodule
