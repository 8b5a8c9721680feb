// All points that the filter lets through, sorted, a page at a time.

const ROWS_PER_PAGE = 25;
const FIRST_METRICS = ['seconds', 'cycles', 'utilization', 'tops', 'energy_pj', 'tops_per_watt', 'area_um2', 'dram_bytes'];
const table = {key: null, isDown: false, page: 0};

function tableColumns() {
  const shown = byId('table-all').checked ? METRICS : FIRST_METRICS.map(metricOf).filter((metric) => metric);
  return [
    ...DATA.columns.map((column) => ({key: `column ${column.name}`, label: columnLabel(column.name), of: (point) => columnValue(column, point), order: (point) => column.index[point]})),
    ...shown.map(({name, values}) => ({key: name, label: labelOf(name), of: (point) => values[point], order: (point) => values[point], format: columnFormat(state.visible.map((point) => values[point]), unitOf(name))})),
  ];
}

// Unknown values come last, whichever way.
function sortedPoints(columns) {
  const column = columns.find(({key}) => key === table.key);
  if (!column) return state.visible;
  const sign = table.isDown ? -1 : 1;
  return [...state.visible].sort((a, b) => {
    const x = column.order(a), y = column.order(b);
    if (x === null || y === null) return (x === null) - (y === null);
    return sign * (x - y) || a - b;
  });
}

function headerOf(column) {
  const isSorted = column.key === table.key;
  const sort = () => {
    table.isDown = isSorted && !table.isDown;
    table.key = column.key;
    table.page = 0;
    drawTable();
  };
  return element('th', {class: column.format ? 'number' : null, 'aria-sort': isSorted ? (table.isDown ? 'descending' : 'ascending') : 'none'},
      element('button', {type: 'button', onclick: sort}, column.label + (isSorted ? (table.isDown ? ' ↓' : ' ↑') : ''),
          element('small', {}, (column.format && column.format.symbol) || ' ')));
}

function drawTable() {
  const columns = tableColumns(), points = sortedPoints(columns);
  const pages = Math.max(1, Math.ceil(points.length / ROWS_PER_PAGE));
  table.page = Math.min(table.page, pages - 1);
  const first = table.page * ROWS_PER_PAGE, rows = points.slice(first, first + ROWS_PER_PAGE);
  byId('points').replaceChildren(
      element('thead', {}, element('tr', {}, ...columns.map(headerOf))),
      element('tbody', {}, ...rows.map((point) => element('tr', {class: point === state.chosen ? 'chosen' : null, onclick: () => choose(point)},
          ...columns.map((column) => (column.format ? cell(column.format.text(column.of(point)), true) : cell(column.of(point))))))));
  byId('table-page').textContent = points.length ? `${first + 1}–${first + rows.length} of ${points.length.toLocaleString('en-US')}` : 'no point';
  byId('table-before').disabled = table.page === 0;
  byId('table-next').disabled = table.page === pages - 1;
}

function startTable() {
  table.key = metricOf('seconds') ? 'seconds' : null;
  const turn = (pages) => () => { table.page += pages; drawTable(); };
  byId('table-before').addEventListener('click', turn(-1));
  byId('table-next').addEventListener('click', turn(1));
  byId('table-all').addEventListener('change', drawTable);
  // Everything is in the download, whatever is shown.
  addDownloads('table-tools', 'points', () => {
    const points = sortedPoints(tableColumns());
    return {
      header: ['name', ...DATA.columns.map(({name}) => name), ...DATA.metrics.map(({name}) => name)],
      rows: points.map((point) => [DATA.names[point], ...DATA.columns.map((column) => columnValue(column, point)), ...DATA.metrics.map(({values}) => values[point])]),
    };
  });
  listeners.filter.push(() => { table.page = 0; drawTable(); });
  listeners.choice.push(drawTable);
}
