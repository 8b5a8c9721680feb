// The best value of a metric for every pair of values of two columns.

const MOST_HEAT_VALUES = 100;

function heatCells(rows, columns, metric) {
  const better = moreIsBetter(metric.name) ? (a, b) => a > b : (a, b) => a < b;
  const cells = new Map();  // by row and column: the best point
  for (const point of state.visible) {
    const value = metric.values[point];
    if (value === null) continue;
    const key = rows.index[point] * columns.values.length + columns.index[point];
    const found = cells.get(key);
    if (!found)
      cells.set(key, {point, seen: 1});
    else {
      ++found.seen;
      if (better(value, metric.values[found.point])) found.point = point;
    }
  }
  return cells;
}

// From white to blue, so that dark is more.
function shade(share) {
  const mix = (from, to) => Math.round(from + (to - from) * share);
  return `rgb(${mix(247, 0)}, ${mix(250, 90)}, ${mix(252, 158)})`;
}

function shareOf(least, most) {
  if (most <= least) return () => 0.4;
  const isLog = least > 0 && most > 20 * least;
  return isLog ? (value) => Math.log(value / least) / Math.log(most / least) :
                 (value) => (value - least) / (most - least);
}

function heatCaption(metric, cells) {
  const several = [...cells.values()].some(({seen}) => seen > 1);
  return `${labelOf(metric.name)}; darker is more. ` +
      (several ? `Where several points share a cell it shows the best of them (${
                     moreIsBetter(metric.name) ? 'most' : 'least'}); filter to narrow it. ` :
                 '') +
      'Click a cell to choose its point.';
}

// Indices of the values that any of the points has.
function valuesIn(column, points) {
  const found = new Set(points.map((point) => column.index[point]));
  return column.values.map((value, i) => i).filter((i) => found.has(i));
}

function heatCell(found, metric, format, share) {
  if (!found) return element('td', {class: 'none', title: 'no point'}, '–');
  const value = metric.values[found.point], part = share(value);
  const ink = part > 0.5 ? '#ffffff' : '#1b1f24';
  return element(
      'td', {
        class: 'number',
        title: DATA.names[found.point],
        style: `background: ${shade(part)}; color: ${ink}`,
        onclick: () => choose(found.point),
      },
      format.text(value));
}

// The two axes, the values of each that are shown, and the cell of two values.
function heatChoice() {
  const named = (id) => DATA.columns.find(({name}) => name === byId(id).value);
  const rows = named('heat-rows'), columns = named('heat-columns');
  const metric = metricOf(byId('heat-metric').value);
  const cells = heatCells(rows, columns, metric);
  const points = [...cells.values()].map(({point}) => point);
  return {
    rows,
    columns,
    metric,
    cells,
    rowValues: valuesIn(rows, points),
    columnValues: valuesIn(columns, points),
    at: (row, column) => cells.get(row * columns.values.length + column),
  };
}

function heatDownload({rows, columns, metric, rowValues, columnValues, at}) {
  const valueAt = (row, column) => (at(row, column) ? metric.values[at(row, column).point] : null);
  return {
    header: [columnLabel(rows.name), ...columnValues.map((column) => columns.values[column])],
    rows: rowValues.map(
        (row) => [rows.values[row], ...columnValues.map((column) => valueAt(row, column))]),
  };
}

function drawHeatMap() {
  const choice = heatChoice();
  const {rows, columns, metric, cells, rowValues, columnValues, at} = choice;
  if (Math.max(rowValues.length, columnValues.length) > MOST_HEAT_VALUES) {
    byId('heat').replaceChildren();
    byId('heat-caption').textContent =
        `More than ${MOST_HEAT_VALUES} values on an axis: filter, or choose others.`;
    return;
  }
  const values = [...cells.values()].map(({point}) => metric.values[point]);
  const format = columnFormat(values, unitOf(metric.name));
  const share = shareOf(Math.min(...values), Math.max(...values));
  const heads = columnValues.map(
      (column) => element('th', {class: 'number', scope: 'col'}, columns.values[column]));
  const axisNames = `${columnLabel(rows.name)} ↓   ${columnLabel(columns.name)} →`;
  const bodyRow = (row) => element(
      'tr', {}, element('th', {scope: 'row'}, rows.values[row]),
      ...columnValues.map((column) => heatCell(at(row, column), metric, format, share)));
  byId('heat').replaceChildren(
      element('thead', {}, element('tr', {}, element('th', {}, axisNames), ...heads)),
      element('tbody', {}, ...rowValues.map(bodyRow)));
  byId('heat-caption').textContent =
      heatCaption(metric, cells) + (format.symbol ? ` In ${format.symbol}.` : '');
  addDownloads('heat-tools', 'two_axes', () => heatDownload(choice));
}

function startHeatMap() {
  if (axes.length < 2) {
    byId('heat-section').hidden = true;
    return;
  }
  const options = axes.map(({name}) => [name, columnLabel(name)]);
  // Axes of the sweep before accelerator and workload, which come first.
  const [columns, rows] = axes.slice(-2).reverse();
  fillSelect(byId('heat-rows'), options, rows.name);
  fillSelect(byId('heat-columns'), options, columns.name);
  fillSelect(
      byId('heat-metric'), METRICS.map(({name}) => [name, labelOf(name)]),
      metricOf('seconds') ? 'seconds' : METRICS[0].name);
  for (const id of ['heat-metric', 'heat-rows', 'heat-columns'])
    byId(id).addEventListener('change', drawHeatMap);
  listeners.filter.push(drawHeatMap);
}
