// Operators of the chosen point below what its array and its DRAM allow.

const INTENSITY = {symbol: 'MACs/B', scale: 1};
const SPEED = {symbol: 'MAC/s', scale: 1, si: true};

// Names below the points, where no roof is; those of the longest operators first; "+2" are two at the same place.
const operatorNames = {
  id: 'operatorNames',
  afterDatasetsDraw(chart) {
    const context = chart.ctx, taken = [];
    context.save();
    context.font = `12px ${Chart.defaults.font.family}`;
    context.fillStyle = '#1b1f24';
    context.textBaseline = 'middle';
    const dataset = chart.data.datasets.findIndex(({label}) => label === 'operators');
    const points = chart.getDatasetMeta(dataset).data;
    const rows = chart.data.datasets[dataset].data.map((row, i) => [row, points[i]]).sort((a, b) => b[0].cycles - a[0].cycles);
    for (const [row, {x, y}] of rows) {
      const near = rows.filter(([, other]) => Math.hypot(other.x - x, other.y - y) < 8).length - 1;
      const text = near > 0 ? `${row.name} +${near}` : row.name;
      const width = context.measureText(text).width;
      const left = x + 9 + width > chart.chartArea.right ? x - 7 - width : x + 7, top = y + 12;
      const box = [left, top - 7, left + width, top + 7];
      if (taken.some(([x0, y0, x1, y1]) => box[0] < x1 && x0 < box[2] && box[1] < y1 && y0 < box[3])) continue;
      taken.push(box);
      context.fillText(text, left, top);
    }
    context.restore();
  },
};

function roofOf(peak, bandwidth, points) {
  const ridge = peak / bandwidth;
  const all = [...points.map(({x}) => x), ridge];
  const left = Math.min(...all) / 2, right = Math.max(...all) * 2;
  return [{x: left, y: left * bandwidth}, {x: ridge, y: peak}, {x: right, y: peak}];
}

function rooflinePoints(operators, hertz) {
  return operators.filter((operator) => operator.get('macs') > 0 && operator.get('dram_bytes') > 0 && operator.get('cycles') > 0)
      .map((operator) => ({
        name: operator.name, cycles: operator.get('cycles'), x: operator.get('macs') / operator.get('dram_bytes'),
        y: operator.get('macs') * hertz / operator.get('cycles'),
      }));
}

function drawRoofline(operators) {
  const figure = (name) => valueOf(name, state.chosen);
  // The clock that met the DRAM's times.
  const hertz = figure('cycles') / figure('seconds'), peak = figure('peak_macs_per_cycle') * hertz;
  const bandwidth = figure('dram_bytes_per_cycle') * hertz;
  const points = rooflinePoints(operators, hertz);
  const isKnown = peak > 0 && bandwidth > 0 && points.length > 0;
  byId('roofline-box').style.display = isKnown ? '' : 'none';
  if (!isKnown) {
    byId('roofline-caption').textContent = 'The record of this point lacks what a roofline needs: a peak, a DRAM bandwidth, and MACs and DRAM bytes of its operators.';
    return;
  }
  const left = operators.length - points.length;
  byId('roofline-caption').textContent = `Peak ${withUnit(peak, SPEED)}, DRAM ${withUnit(bandwidth, {symbol: 'B/s', scale: 1, si: true})}, ` +
      `equal at ${withUnit(peak / bandwidth, INTENSITY)}. ` + (left ? `${count(left, 'operator')} without MACs or without DRAM traffic not shown.` : '');
  const roof = roofOf(peak, bandwidth, points);
  const ends = (coordinate) => [...points, ...roof].map(coordinate);
  drawChart('roofline', {
    type: 'scatter',
    data: {datasets: [
      {label: 'operators', data: points, pointStyle: 'triangle', radius: 6, hoverRadius: 8, backgroundColor: COLOURS[0], borderColor: COLOURS[0]},
      {label: 'roof', type: 'line', data: roof, borderColor: '#1b1f24', borderWidth: 2, radius: 0, hoverRadius: 0, fill: false},
    ]},
    options: {
      parsing: false,
      scales: {x: axisOptions('MACs per byte of DRAM traffic', INTENSITY, true, ends(({x}) => x)), y: axisOptions('MACs per second', SPEED, true, ends(({y}) => y))},
      plugins: {
        legend: {display: false},
        tooltip: {
          displayColors: false, filter: ({raw}) => raw.name !== undefined,
          callbacks: {label: ({raw}) => [raw.name, withUnit(raw.x, INTENSITY), `${withUnit(raw.y, SPEED)}, ${digits(100 * raw.y / Math.min(peak, raw.x * bandwidth))} % of the roof`]},
        },
      },
    },
    plugins: [operatorNames],
  });
}
