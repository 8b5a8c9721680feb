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
    if (!found) cells.set(key, {point, seen: 1});
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
  return isLog ? (value) => Math.log(value / least) / Math.log(most / least) : (value) => (value - least) / (most - least);
}

function heatCaption(metric, cells) {
  const several = [...cells.values()].some(({seen}) => seen > 1);
  return `${labelOf(metric.name)}; darker is more. ` +
      (several ? `Where several points share a cell it shows the best of them (${moreIsBetter(metric.name) ? 'most' : 'least'}); filter to narrow it. ` : '') +
      'Click a cell to choose its point.';
}

function heatTable(rows, columns, metric, cells) {
  const rowValues = rows.values.map((value, i) => i).filter((i) => [...cells.keys()].some((key) => Math.floor(key / columns.values.length) === i));
  const columnValues = columns.values.map((value, i) => i).filter((i) => [...cells.keys()].some((key) => key % columns.values.length === i));
  return {rowValues, columnValues, at: (row, column) => cells.get(row * columns.values.length + column)};
}

function drawHeatMap() {
  const named = (id) => DATA.columns.find(({name}) => name === byId(id).value);
  const metric = metricOf(byId('heat-metric').value), rows = named('heat-rows'), columns = named('heat-columns');
  const cells = heatCells(rows, columns, metric);
  const table = heatTable(rows, columns, metric, cells);
  if (Math.max(table.rowValues.length, table.columnValues.length) > MOST_HEAT_VALUES) {
    byId('heat').replaceChildren();
    byId('heat-caption').textContent = `More than ${MOST_HEAT_VALUES} values on an axis: filter, or choose others.`;
    return;
  }
  const values = [...cells.values()].map(({point}) => metric.values[point]);
  const format = columnFormat(values, unitOf(metric.name)), share = shareOf(Math.min(...values), Math.max(...values));
  const heatCell = (found) => {
    if (!found) return element('td', {class: 'none', title: 'no point'}, '–');
    const part = share(metric.values[found.point]);
    return element('td', {class: 'number', title: DATA.names[found.point], style: `background: ${shade(part)}; color: ${part > 0.5 ? '#ffffff' : '#1b1f24'}`,
      onclick: () => choose(found.point)}, format.text(metric.values[found.point]));
  };
  byId('heat').replaceChildren(
      element('thead', {}, element('tr', {}, element('th', {}, `${columnLabel(rows.name)} ↓   ${columnLabel(columns.name)} →`),
          ...table.columnValues.map((column) => element('th', {class: 'number', scope: 'col'}, columns.values[column])))),
      element('tbody', {}, ...table.rowValues.map((row) => element('tr', {}, element('th', {scope: 'row'}, rows.values[row]),
          ...table.columnValues.map((column) => heatCell(table.at(row, column)))))));
  byId('heat-caption').textContent = heatCaption(metric, cells) + (format.symbol ? ` In ${format.symbol}.` : '');
  addDownloads('heat-tools', 'two_axes', () => ({
    header: [columnLabel(rows.name), ...table.columnValues.map((column) => columns.values[column])],
    rows: table.rowValues.map((row) => [rows.values[row], ...table.columnValues.map((column) => {
      const found = table.at(row, column);
      return found ? metric.values[found.point] : null;
    })]),
  }));
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
  fillSelect(byId('heat-metric'), METRICS.map(({name}) => [name, labelOf(name)]), metricOf('seconds') ? 'seconds' : METRICS[0].name);
  for (const id of ['heat-metric', 'heat-rows', 'heat-columns']) byId(id).addEventListener('change', drawHeatMap);
  listeners.filter.push(drawHeatMap);
}
