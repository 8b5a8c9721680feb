// The points, by column; which of them the filter lets through; which one is chosen.

const DATA = JSON.parse(document.getElementById('data').textContent);
const POINTS = DATA.names.length;
const METRICS = DATA.metrics.filter((metric) => metric.values.some((value) => value !== null));
const UNKNOWN_METRICS = DATA.metrics.filter((metric) => !METRICS.includes(metric)).map((metric) => metric.name);
const metricOf = (name) => METRICS.find((metric) => metric.name === name);
const valueOf = (name, point) => {
  const metric = metricOf(name);
  return metric ? metric.values[point] : null;
};
const columnValue = (column, point) => column.values[column.index[point]];
const axes = DATA.columns.filter((column) => column.values.length > 1);

const state = {
  text: '', chosenValues: new Map(),  // by column: index of its value
  visible: [], chosen: 0,
};
const listeners = {filter: [], choice: []};

function applyFilter() {
  const words = state.text.toLowerCase().split(/\s+/).filter((word) => word);
  state.visible = [];
  for (let point = 0; point < POINTS; ++point) {
    const name = DATA.names[point].toLowerCase();
    if (!words.every((word) => name.includes(word))) continue;
    let isIn = true;
    for (const [column, value] of state.chosenValues) isIn = isIn && column.index[point] === value;
    if (isIn) state.visible.push(point);
  }
  listeners.filter.forEach((listener) => listener());
}

function choose(point) {
  state.chosen = point;
  listeners.choice.forEach((listener) => listener());
}

// A point's operators are read when somebody looks at them.
function operatorsOf(point) {
  const columns = JSON.parse(document.getElementById(`point-${point}`).textContent);
  const names = columns.name || [];
  return names.map((name, row) => {
    const get = (key) => (columns[key] === undefined ? null : columns[key][row]);
    return {name, get};
  });
}

// {path, value, varies} of a point's resolved configuration.
function configurationOf(point) {
  return DATA.configuration.map(({path, values, index}) => (
    {path, value: index ? values[index[point]] : values[0], varies: Boolean(index)}
  )).filter(({value}) => value !== null);
}

// Points that no other beats in both metrics, from left to right.
function paretoFront(points, x, xMore, y, yMore) {
  const xs = metricOf(x).values, ys = metricOf(y).values;
  const sign = (more) => (more ? -1 : 1);
  const cost = (values, more) => (point) => sign(more) * values[point];
  const costX = cost(xs, xMore), costY = cost(ys, yMore);
  const sorted = points.filter((point) => xs[point] !== null && ys[point] !== null)
      .sort((a, b) => costX(a) - costX(b) || costY(a) - costY(b));
  const front = [];
  let best = Infinity, bestX = null;
  for (const point of sorted) {
    const ties = costY(point) === best && costX(point) === bestX;
    if (costY(point) < best || ties) {
      front.push(point);
      best = costY(point);
      bestX = costX(point);
    }
  }
  return front.sort((a, b) => xs[a] - xs[b]);
}
