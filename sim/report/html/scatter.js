// Any two metrics against each other, and the points that nothing beats in both.

const scatter = {
  chart: null,
  more: {x: false, y: false},
  fronts: []
};
const MOST_COLOURS = COLOURS.length;

// The points of each value of the column that colours are for; what is beyond the palette is one.
function colourGroups(column) {
  if (!column) return [['points', state.visible]];
  const groups = new Map();
  for (const point of state.visible) {
    const value = column.index[point];
    const group = column.values.length <= MOST_COLOURS ? value : Math.min(value, MOST_COLOURS - 1);
    if (!groups.has(group)) groups.set(group, []);
    groups.get(group).push(point);
  }
  const isRest = (group) => column.values.length > MOST_COLOURS && group === MOST_COLOURS - 1;
  const label = (group) => (isRest(group) ? 'other values' : column.values[group]);
  const sorted = [...groups].sort((a, b) => a[0] - b[0]);
  return sorted.map((entry) => [label(entry[0]), entry[1], entry[0]]);
}

// Only points that do the same work compare.
function workloadGroups() {
  const column = DATA.columns.find(({name}) => name === 'workload');
  const groups = new Map();
  for (const point of state.visible) {
    const key = column ? column.index[point] : 0;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(point);
  }
  return [...groups.values()];
}

function coordinates(points) {
  const xs = metricOf(byId('scatter-x').value).values,
        ys = metricOf(byId('scatter-y').value).values;
  const hasX = (x) => x !== null && (x > 0 || !byId('scatter-x-log').checked);
  const hasY = (y) => y !== null && (y > 0 || !byId('scatter-y-log').checked);
  return points.filter((point) => hasX(xs[point]) && hasY(ys[point]))
      .map((point) => ({x: xs[point], y: ys[point], point}));
}

function groupDataset(label, points, group, place) {
  return {
    label,
    isGroup: true,
    data: coordinates(points),
    pointStyle: SHAPES[group % SHAPES.length],
    backgroundColor: COLOURS[group % COLOURS.length] + 'b0',
    borderColor: COLOURS[group % COLOURS.length],
    borderWidth: 1.5,
    // Those drawn beneath others are larger, so that equal points of several groups show.
    radius: state.visible.length > 2000 ? 3 : 5 + 1.5 * place,
    hoverRadius: 7,
    hitRadius: 6,
    order: 2,
  };
}

// Rings, whose colour is that of their line.
function ringDataset(label, points, colour, radius, order) {
  return {
    label,
    data: coordinates(points),
    pointStyle: 'circle',
    radius,
    hoverRadius: radius,
    borderColor: colour,
    backgroundColor: 'transparent',
    order,
  };
}

function scatterDatasets() {
  const column = DATA.columns.find(({name}) => name === byId('scatter-colour').value);
  const groups = colourGroups(column).map(
      ([label, points, group = 0], place) => groupDataset(label, points, group, place));
  const line = {type: 'line', showLine: true, fill: false, borderWidth: 1.2, borderDash: [5, 4]};
  const fronts = scatter.fronts.map(
      (points) => ({...ringDataset('Pareto front', points, '#1b1f24', 9, 1), ...line}));
  const chosen = {...ringDataset('chosen', [state.chosen], '#d55e00', 13, 0), borderWidth: 3};
  return [...groups, ...fronts, chosen];
}

const MOST_NAMES = 6;

const isPoint = ({chart, datasetIndex}) => chart.data.datasets[datasetIndex].isGroup;

// All points under the mouse, up to MOST_NAMES of them by name and value.
const tooltip = {
  displayColors: false,
  filter: (item, index, items) =>
      isPoint(item) && items.slice(0, index).filter(isPoint).length < MOST_NAMES,
  callbacks: {
    label: ({raw}) => {
      const text = (id, value) =>
          `${labelOf(byId(id).value)} ${formatMetric(byId(id).value, value)}`;
      return [DATA.names[raw.point], `${text('scatter-x', raw.x)}, ${text('scatter-y', raw.y)}`];
    },
    footer: (items) => {
      if (!items.length) return '';
      const {chart} = items[0];
      const all = chart.getActiveElements().filter((hit) => isPoint({...hit, chart})).length;
      return all > items.length ? `and ${count(all - items.length, 'other')}` : '';
    },
  },
};

const isFirstOfItsName = ({text, datasetIndex}, {datasets}) =>
    datasets.findIndex(({label}) => label === text) === datasetIndex;

function scatterAxis(id) {
  const name = byId(`scatter-${id}`).value, {values} = metricOf(name);
  const title = `${labelOf(name)} (${scatter.more[id] ? 'more' : 'less'} is better)`;
  const shown = state.visible.map((point) => values[point]);
  return axisOptions(title, unitOf(name), byId(`scatter-${id}-log`).checked, shown);
}

function chooseHit(event, hits, chart) {
  const [hit] = chart.getElementsAtEventForMode(event, 'nearest', {intersect: true}, true);
  if (hit) choose(chart.data.datasets[hit.datasetIndex].data[hit.index].point);
}

function showClickable(event, hits) {
  event.native.target.style.cursor = hits.length ? 'pointer' : 'default';
}

function scatterOptions() {
  const labels = {usePointStyle: true, boxHeight: 7, padding: 14, filter: isFirstOfItsName};
  return {
    parsing: false,
    normalized: true,
    scales: {x: scatterAxis('x'), y: scatterAxis('y')},
    interaction: {mode: 'point'},
    onClick: chooseHit,
    onHover: showClickable,
    plugins: {legend: {position: 'bottom', align: 'start', labels}, tooltip},
  };
}

function scatterCaption() {
  const drawn = coordinates(state.visible).length, left = state.visible.length - drawn;
  const onFronts = scatter.fronts.reduce((sum, points) => sum + points.length, 0);
  const isLog = byId('scatter-x-log').checked || byId('scatter-y-log').checked;
  const fronts =
      scatter.fronts.length > 1 ? 'the Pareto front of their workload' : 'the Pareto front';
  const without = `${count(left, 'point')} without a value${
      isLog ? ', or one of 0 on a logarithmic axis,' : ''} not drawn. `;
  return `${count(drawn, 'point')}, ${onFronts.toLocaleString('en-US')} of them on ${
             fronts} (ringed): none is better in both metrics. ` +
      (left ? without : '') + 'Click a point to choose it.';
}

function drawScatter() {
  const x = byId('scatter-x').value, y = byId('scatter-y').value;
  for (const id of ['x', 'y']) {
    byId(`scatter-${id}-better`).textContent =
        scatter.more[id] ? 'more is better ↑' : 'less is better ↓';
  }
  scatter.fronts =
      workloadGroups().map((points) => paretoFront(points, x, scatter.more.x, y, scatter.more.y));
  const data = {datasets: scatterDatasets()}, options = scatterOptions();
  if (scatter.chart) {
    Object.assign(scatter.chart, {data, options});
    scatter.chart.update();
  } else {
    scatter.chart = new Chart(byId('scatter'), {type: 'scatter', data, options});
  }
  byId('scatter-caption').textContent = scatterCaption();
}

function spansDecade(name) {
  let least = Infinity, most = 0;
  const values = metricOf(name).values;
  for (const value of state.visible.map((point) => values[point])) {
    if (value === null) continue;
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  return least > 0 && most > 20 * least;
}

function startScatter() {
  const options = METRICS.map(({name}) => [name, labelOf(name)]);
  const varies = ({values}) => values.some((value) => value !== values[0]);
  const metrics = [...METRICS.filter(varies), ...METRICS];
  // A wanted one that varies; for a lone point any wanted one; else whatever varies.
  const first = (wanted, taken) => {
    const left = metrics.map(({name}) => name).filter((name) => name !== taken);
    const known = wanted.filter((name) => left.includes(name));
    return known.find((name) => varies(metricOf(name))) || (POINTS === 1 && known[0]) || left[0];
  };
  const x = first(['area_um2', 'pes', 'dram_bytes', 'buffers_area_um2'], null);
  const y = first(['tops_per_watt', 'seconds', 'cycles'], x) || x;
  for (const [id, value] of [['x', x], ['y', y]]) {
    const select = byId(`scatter-${id}`);
    const reset = () => {
      scatter.more[id] = moreIsBetter(select.value) && select.value !== 'pes';
      byId(`scatter-${id}-log`).checked = spansDecade(select.value);
    };
    fillSelect(select, options, value);
    reset();
    select.addEventListener('change', () => {
      reset();
      drawScatter();
    });
    byId(`scatter-${id}-log`).addEventListener('change', drawScatter);
    byId(`scatter-${id}-better`).addEventListener('click', () => {
      scatter.more[id] = !scatter.more[id];
      drawScatter();
    });
  }
  const colour =
      axes.find(({name, values}) => name !== 'workload' && values.length <= MOST_COLOURS);
  fillSelect(
      byId('scatter-colour'), [['', 'none'], ...axes.map(({name}) => [name, columnLabel(name)])],
      colour ? colour.name : '');
  byId('scatter-colour').addEventListener('change', drawScatter);
  listeners.filter.push(drawScatter);
  listeners.choice.push(drawScatter);
}
