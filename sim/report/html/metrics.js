// What a metric is called, its unit, and which way is better; numbers as people read them.

const NAMES = {
  pes: 'PEs', macs: 'MACs', peak_macs_per_cycle: 'Peak MACs per cycle', clock_ghz: 'Clock',
  seconds: 'Time', tops: 'Throughput', tops_per_watt: 'Energy efficiency',
  dram_bytes: 'DRAM traffic', dram_bytes_per_cycle: 'DRAM bandwidth', energy_pj: 'Energy', area_um2: 'Area',
};
// A unit's symbol, and its size in what metrics are written in; `si` units take prefixes.
const UNITS = [
  [/_pj$/, {symbol: 'J', scale: 1e-12, si: true}],
  [/_um2$/, {symbol: 'mm²', scale: 1e-6}],
  [/_ghz$/, {symbol: 'Hz', scale: 1e9, si: true}],
  [/_bytes_per_cycle$/, {symbol: 'B/cycle', scale: 1}],
  [/_bytes$/, {symbol: 'B', scale: 1, si: true}],
  [/^seconds$|_seconds$|_s$/, {symbol: 's', scale: 1, si: true}],
  [/^utilization$|_share$/, {symbol: '%', scale: 100}],
  [/^tops$/, {symbol: 'OPS', scale: 1e12, si: true}],
  [/^tops_per_watt$/, {symbol: 'TOPS/W', scale: 1}],
];
const COUNT = {symbol: '', scale: 1, si: true};
const MORE_IS_BETTER = /^(pes|macs|utilization|tops|speedup)|^clock|^peak|_per_(second|cycle|watt|mm2)$|speedup$/;

function unitOf(name) {
  const found = UNITS.find(([pattern]) => pattern.test(name));
  return found ? found[1] : COUNT;
}

function labelOf(name) {
  if (NAMES[name]) return NAMES[name];
  const words = name.replace(/_(pj|um2|ghz|bytes|s)$/, '').replace(/_/g, ' ')
      .replace(/\bdram\b/, 'DRAM').replace(/\bmacs\b/, 'MACs');
  const stall = words.replace(/^stall (.*)$/, 'stalled by $1');
  return stall.charAt(0).toUpperCase() + stall.slice(1);
}

const moreIsBetter = (name) => MORE_IS_BETTER.test(name);

const PREFIXES = [[1e15, 'P'], [1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k'], [1, ''], [1e-3, 'm'],
  [1e-6, 'µ'], [1e-9, 'n'], [1e-12, 'p']];

// Four significant digits, "25,600" rather than "2.560e+4".
function digits(value) {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e4) return String(value);
  if (size >= 1e15 || size < 1e-4) return value.toExponential(3);
  const rounded = Number(value.toPrecision(4));
  return Math.abs(rounded) >= 1e3 ? rounded.toLocaleString('en-US') : value.toPrecision(4);
}

function prefixFor(size) {
  return PREFIXES.find(([factor]) => size >= factor * (1 - 1e-9)) || PREFIXES[PREFIXES.length - 1];
}

// "33.56 M", "1.234 mJ".
function withUnit(value, unit) {
  if (value === null || value === undefined) return 'unknown';
  const base = value * unit.scale;
  if (!unit.si || base === 0) return joined(digits(base), unit.symbol);
  const [factor, prefix] = prefixFor(Math.abs(base));
  return joined(digits(base / factor), prefix + unit.symbol);
}

function joined(number, symbol) {
  return symbol ? `${number} ${symbol}` : number;
}

// One prefix for a whole column, so that its numbers compare at a glance: that of its median.
function columnFormat(values, unit) {
  const sizes = values.filter((value) => value).map((value) => Math.abs(value * unit.scale)).sort((a, b) => a - b);
  const median = sizes.length ? sizes[sizes.length >> 1] : 1;
  const [factor, prefix] = unit.si ? prefixFor(median) : [1, ''];
  return {
    symbol: prefix + unit.symbol,
    text: (value) => (value === null ? 'unknown' : digits(value * unit.scale / factor)),
  };
}

const formatMetric = (name, value) => withUnit(value, unitOf(name));

// "1 point", "12,345 points".
const count = (number, thing) => `${number.toLocaleString('en-US')} ${thing}${number === 1 ? '' : 's'}`;

// "axis memory.bandwidth_gb_s" of an index is shown by its name.
const columnLabel = (name) => name.replace(/^axis /, '');
