// The chosen point: its figures, configuration, cycles by operator and cause, roofline and energy.

const CAUSES = [
  ['array_cycles', 'array works'], ['fill_drain', 'fill and drain'], ['weights', 'weights'],
  ['activations', 'activations'], ['results', 'results'], ['vector', 'vector unit'],
  ['control', 'control'], ['refresh', 'refresh']
];
const COMPONENTS = [
  'array', 'buffers', 'DRAM', 'vector unit', 'leakage of array', 'leakage of buffers',
  'leakage of vector unit'
];
const BAR_EDGES = {
  borderColor: '#ffffff',
  borderWidth: 0.5
};
const MOST_BARS = 40;
const LEAST_SHARE = 0.002;
const charts = {};

function drawChart(id, config) {
  if (charts[id]) charts[id].destroy();
  charts[id] = new Chart(byId(id), config);
}

function drawConfiguration() {
  const rows = configurationOf(state.chosen);
  const sorted = [...rows.filter(({varies}) => varies), ...rows.filter(({varies}) => !varies)];
  fillFigures(
      byId('configuration'),
      sorted.map(({path, value, varies}) => [path, textOf(value), varies ? 'varies' : null]));
  addDownloads(
      'configuration-tools', 'configuration',
      () => ({
        header: ['path', 'value'],
        rows: configurationOf(state.chosen).map(({path, value}) => [path, value])
      }));
}

const textOf = (value) => (typeof value === 'string' ? value : JSON.stringify(value));

function drawFigures() {
  byId('point-name').textContent = DATA.names[state.chosen];
  const shown = [
    'seconds', 'cycles', 'utilization', 'tops', 'energy_pj', 'tops_per_watt', 'area_um2',
    'dram_bytes', 'pes'
  ].filter((name) => DATA.metrics.some((metric) => metric.name === name));
  fillFigures(
      byId('point-figures'),
      shown.map((name) => [labelOf(name), formatMetric(name, valueOf(name, state.chosen))]));
}

// ---- cycles

// A cause that a record does not list took no cycles.
const cyclesOf = (operator, cause) =>
    operator.get(cause === 'array_cycles' ? cause : `stall_cycles.${cause}`) || 0;

// The longest operators, and the sum of those nobody could see.
function withinBars(operators, total) {
  const sorted = [...operators].sort((a, b) => b.get('cycles') - a.get('cycles'));
  const shown = sorted.filter(
      (operator, i) => i < MOST_BARS && operator.get('cycles') >= LEAST_SHARE * total);
  const rest = sorted.slice(shown.length);
  if (rest.length < 2) return sorted;
  const sum = (key) => rest.reduce((cycles, operator) => cycles + (operator.get(key) || 0), 0);
  return [...shown, {name: `${rest.length} others`, get: sum}];
}

function barOptions(title, unit, total) {
  return {
    indexAxis: 'y',
    scales: {
      x: {...axisOptions(title, unit, false), stacked: true},
      y: {stacked: true, grid: {display: false}, ticks: {autoSkip: false}},
    },
    plugins: {
      legend:
          {position: 'bottom', align: 'start', labels: {boxWidth: 26, boxHeight: 12, padding: 12}},
      tooltip: {
        callbacks: {
          label: ({dataset, raw}) =>
              `${dataset.label}: ${withUnit(raw, unit)} (${digits(100 * raw / total)} %)`
        }
      },
    },
  };
}

function cyclesCaption(total, operators, idle) {
  if (operators === 0) return 'The record of this point has no operators.';
  const fused =
      idle ? ` Not shown: ${count(idle, 'operator')} fused into others, without cycles.` : '';
  return `${withUnit(total, COUNT)} cycles of ${
             DATA.names[state.chosen]}, by operator and by what ` +
      `the array waits for; all occurrences of an operator together.${fused}`;
}

function causeDataset([cause, label], bars) {
  return {
    label: cause === 'array_cycles' ? label : `waits: ${label}`,
    data: bars.map((operator) => cyclesOf(operator, cause)),
    backgroundColor: patternOf(CAUSES.findIndex(([name]) => name === cause)),
    barPercentage: 0.82,
    categoryPercentage: 0.95,
    ...BAR_EDGES,
  };
}

function drawCycles(operators) {
  const busy = operators.filter((operator) => operator.get('cycles') > 0);
  const total = busy.reduce((sum, operator) => sum + operator.get('cycles'), 0);
  const bars = withinBars(busy, total);
  const used = CAUSES.filter(([cause]) => bars.some((operator) => cyclesOf(operator, cause) > 0));
  const datasets = used.map((cause) => causeDataset(cause, bars));
  const data = {labels: bars.map(({name}) => name), datasets};
  byId('cycles-box').style.height = `${110 + 24 * bars.length}px`;
  byId('cycles-caption').textContent =
      cyclesCaption(total, operators.length, operators.length - busy.length);
  drawChart('cycles', {type: 'bar', data, options: barOptions('Cycles', COUNT, total)});
  fillOperators(operators);
}

const causeMetric = ([cause]) => (cause === 'array_cycles' ? cause : `stall_${cause}`);

function operatorRow(operator) {
  const causes = CAUSES.map(([cause]) => cyclesOf(operator, cause));
  return [
    operator.name, operator.get('times'), operator.get('cycles'), ...causes, operator.get('macs'),
    operator.get('dram_bytes')
  ];
}

function fillOperators(operators) {
  const metrics = ['times', 'cycles', ...CAUSES.map(causeMetric), 'macs', 'dram_bytes'];
  const header = ['name', ...metrics], rows = operators.map(operatorRow);
  const formats =
      metrics.map((name, i) => columnFormat(rows.map((row) => row[i + 1]), unitOf(name)));
  const heads = metrics.map(
      (name, i) => element(
          'th', {class: 'number'}, labelOf(name), element('small', {}, formats[i].symbol || ' ')));
  const bodyRow = ([name, ...values]) => element(
      'tr', {}, cell(name), ...values.map((value, i) => cell(formats[i].text(value), true)));
  byId('operators')
      .replaceChildren(
          element('thead', {}, element('tr', {}, element('th', {}, 'Operator'), ...heads)),
          element('tbody', {}, ...rows.map(bodyRow)));
  addDownloads('operators-tools', 'operators', () => ({header, rows}));
}

// ---- energy

// [component, pJ or null], in the order of COMPONENTS.
function energyParts(point) {
  const figure = (name) => valueOf(name, point);
  const values = [
    ...['array', 'buffers', 'dram', 'vector'].map((part) => figure(`${part}_energy_pj`)),
    ...['array', 'buffers', 'vector'].map((part) => figure(`${part}_leakage_energy_pj`))
  ];
  return COMPONENTS.map((label, i) => [label, values[i]]);
}

function energyCaption(parts, sum) {
  const known = parts.filter(([, value]) => value !== null);
  const missing = parts.filter(([, value]) => value === null);
  const list = (some) => some.map(([label]) => label).join(', ');
  if (known.length === 0) return 'No component of the energy of this point is known.';
  const unknown = `. Unknown, and so not in the bar: ${list(missing)}. The total is unknown.`;
  return `${withUnit(sum, unitOf('energy_pj'))} of ${list(known)}${missing.length ? unknown : '.'}`;
}

function energyDatasets(parts) {
  return parts
      .map(
          ([label, value], i) =>
              ({label, data: [value], backgroundColor: patternOf(i), ...BAR_EDGES}))
      .filter(({data}) => data[0] !== null);
}

function drawEnergy() {
  const unit = unitOf('energy_pj'), parts = energyParts(state.chosen);
  const isComplete = parts.every(([, value]) => value !== null);
  const isKnown = parts.some(([, value]) => value !== null);
  const sum = parts.reduce((total, [, value]) => total + (value || 0), 0);
  byId('energy-caption').textContent = energyCaption(parts, sum);
  byId('energy-box').style.display = isKnown ? '' : 'none';
  if (isKnown) {
    const title = isComplete ? 'Energy' : 'Energy of the known components';
    const data = {labels: [''], datasets: energyDatasets(parts)};
    drawChart('energy', {type: 'bar', data, options: barOptions(title, unit, sum)});
  }
  const rows = [...parts, ['total', valueOf('energy_pj', state.chosen)]];
  fillFigures(byId('energy-table'), rows.map(([label, value]) => [label, withUnit(value, unit)]));
  addDownloads('energy-tools', 'energy', () => ({header: ['component', 'energy_pj'], rows}));
}

function drawPoint() {
  const operators = operatorsOf(state.chosen);
  drawFigures();
  drawConfiguration();
  drawCycles(operators);
  drawRoofline(operators);
  drawEnergy();
}

// At first: the fastest of those that are shown.
function startPoint() {
  const metric = metricOf('seconds') || metricOf('cycles');
  const time = (point) =>
      (metric && metric.values[point] !== null ? metric.values[point] : Infinity);
  state.chosen = state.visible.reduce(
      (best, point) => (time(point) < time(best) ? point : best), state.visible[0]);
  listeners.choice.push(drawPoint);
}
