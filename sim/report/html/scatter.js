// Any two metrics against each other, and the points that nothing beats in both.

const scatter = {chart: null, more: {x: false, y: false}, fronts: []};
const MOST_COLOURS = COLOURS.length;

// The points of each value of the column that colours are for; what is beyond the palette is one.
function colourGroups(column) {
  if (!column) return [['points', state.visible]];
  const groups = new Map();
  for (const point of state.visible) {
    const value = column.index[point];
    const group = value < MOST_COLOURS - 1 || column.values.length <= MOST_COLOURS ? value : MOST_COLOURS - 1;
    if (!groups.has(group)) groups.set(group, []);
    groups.get(group).push(point);
  }
  const label = (group) => (column.values.length > MOST_COLOURS && group === MOST_COLOURS - 1 ? 'other values' : column.values[group]);
  return [...groups].sort((a, b) => a[0] - b[0]).map(([group, points]) => [label(group), points, group]);
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
  const xs = metricOf(byId('scatter-x').value).values, ys = metricOf(byId('scatter-y').value).values;
  const hasX = (x) => x !== null && (x > 0 || !byId('scatter-x-log').checked);
  const hasY = (y) => y !== null && (y > 0 || !byId('scatter-y-log').checked);
  return points.filter((point) => hasX(xs[point]) && hasY(ys[point])).map((point) => ({x: xs[point], y: ys[point], point}));
}

function scatterDatasets() {
  const column = DATA.columns.find(({name}) => name === byId('scatter-colour').value);
  const groups = colourGroups(column).map(([label, points, group = 0], place) => ({
    label, isGroup: true, data: coordinates(points), hitRadius: 6, pointStyle: SHAPES[group % SHAPES.length],
    backgroundColor: COLOURS[group % COLOURS.length] + 'b0', borderColor: COLOURS[group % COLOURS.length],
    // Those drawn beneath others are larger, so that equal points of several groups show.
    borderWidth: 1.5, radius: state.visible.length > 2000 ? 3 : 5 + 1.5 * place, hoverRadius: 7, order: 2,
  }));
  const fronts = scatter.fronts.map((points) => ({
    label: 'Pareto front', type: 'line', data: coordinates(points), showLine: true, borderColor: '#1b1f24',
    borderWidth: 1.2, borderDash: [5, 4], pointStyle: 'circle', radius: 9, hoverRadius: 9, backgroundColor: 'transparent',
    fill: false, order: 1,
  }));
  const chosen = {
    label: 'chosen', data: coordinates([state.chosen]), pointStyle: 'circle', radius: 13, hoverRadius: 13,
    borderColor: '#d55e00', backgroundColor: 'transparent', borderWidth: 3, order: 0,
  };
  return [...groups, ...fronts, chosen];
}

const MOST_NAMES = 6;

// Of the points under the mouse, which all have the same two values.
const tooltip = {
  displayColors: false,
  filter: ({dataset}, index) => dataset.isGroup && index < MOST_NAMES,
  callbacks: {
    title: ([item]) => {
      if (!item) return [];
      const line = (id, value) => `${labelOf(byId(id).value)}: ${formatMetric(byId(id).value, value)}`;
      return [line('scatter-x', item.raw.x), line('scatter-y', item.raw.y)];
    },
    label: ({raw}) => DATA.names[raw.point],
    footer: (items) => {
      if (!items.length) return '';
      const {x, y} = items[0].raw;
      const others = coordinates(state.visible).filter((row) => row.x === x && row.y === y).length - items.length;
      return others > 0 ? `and ${count(others, 'other')} at the same place` : '';
    },
  },
};

const isFirstOfItsName = ({text, datasetIndex}, {datasets}) => datasets.findIndex(({label}) => label === text) === datasetIndex;

function scatterOptions() {
  const axis = (id) => {
    const name = byId(`scatter-${id}`).value, {values} = metricOf(name);
    return axisOptions(`${labelOf(name)} (${scatter.more[id] ? 'more' : 'less'} is better)`, unitOf(name), byId(`scatter-${id}-log`).checked, state.visible.map((point) => values[point]));
  };
  return {
    parsing: false, normalized: true,
    scales: {x: axis('x'), y: axis('y')},
    interaction: {mode: 'nearest', intersect: true},
    onClick: (event, hits) => { if (hits.length) choose(scatter.chart.data.datasets[hits[0].datasetIndex].data[hits[0].index].point); },
    onHover: (event, hits) => { event.native.target.style.cursor = hits.length ? 'pointer' : 'default'; },
    plugins: {
      legend: {position: 'bottom', align: 'start', labels: {usePointStyle: true, boxHeight: 7, padding: 14, filter: isFirstOfItsName}},
      tooltip,
    },
  };
}

function drawScatter() {
  const x = byId('scatter-x').value, y = byId('scatter-y').value;
  for (const id of ['x', 'y']) byId(`scatter-${id}-better`).textContent = scatter.more[id] ? 'more is better ↑' : 'less is better ↓';
  scatter.fronts = workloadGroups().map((points) => paretoFront(points, x, scatter.more.x, y, scatter.more.y));
  const data = {datasets: scatterDatasets()};
  if (scatter.chart) {
    scatter.chart.data = data;
    scatter.chart.options = scatterOptions();
    scatter.chart.update();
  } else {
    scatter.chart = new Chart(byId('scatter'), {type: 'scatter', data, options: scatterOptions()});
  }
  const drawn = coordinates(state.visible).length, left = state.visible.length - drawn;
  const onFronts = scatter.fronts.reduce((sum, points) => sum + points.length, 0);
  byId('scatter-caption').textContent = `${count(drawn, 'point')}, ${onFronts.toLocaleString('en-US')} of them on the Pareto front` +
      `${scatter.fronts.length > 1 ? ' of their workload' : ''} (ringed): none is better in both metrics. ` +
      (left ? `${count(left, 'point')} without a value${byId('scatter-x-log').checked || byId('scatter-y-log').checked ? ', or one of 0 on a logarithmic axis,' : ''} not drawn. ` : '') +
      'Click a point to choose it.';
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
  const varying = METRICS.filter(({values}) => values.some((value) => value !== values[0])).map(({name}) => name);
  const first = (...wanted) => wanted.find((name) => varying.includes(name)) || varying[0] || METRICS[0].name;
  const x = first('area_um2', 'pes', 'dram_bytes', 'buffers_area_um2');
  const y = first(...['tops_per_watt', 'seconds', 'cycles'].filter((name) => name !== x));
  for (const [id, value] of [['x', x], ['y', y]]) {
    const select = byId(`scatter-${id}`);
    const reset = () => {
      scatter.more[id] = moreIsBetter(select.value) && select.value !== 'pes';
      byId(`scatter-${id}-log`).checked = spansDecade(select.value);
    };
    fillSelect(select, options, value);
    reset();
    select.addEventListener('change', () => { reset(); drawScatter(); });
    byId(`scatter-${id}-log`).addEventListener('change', drawScatter);
    byId(`scatter-${id}-better`).addEventListener('click', () => { scatter.more[id] = !scatter.more[id]; drawScatter(); });
  }
  const colour = axes.find(({name, values}) => name !== 'workload' && values.length <= MOST_COLOURS);
  fillSelect(byId('scatter-colour'), [['', 'none'], ...axes.map(({name}) => [name, columnLabel(name)])], colour ? colour.name : '');
  byId('scatter-colour').addEventListener('change', drawScatter);
  listeners.filter.push(drawScatter);
  listeners.choice.push(drawScatter);
}
