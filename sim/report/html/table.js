// All points that the filter lets through, sorted, a page at a time.

const ROWS_PER_PAGE = 25;
const FIRST_METRICS = [
  'seconds', 'cycles', 'utilization', 'tops', 'energy_pj', 'tops_per_watt', 'area_um2', 'dram_bytes'
];
const table = {
  key: null,
  isDown: false,
  page: 0
};

function metricTableColumn({name, values}) {
  const of = (point) => values[point];
  return {
    key: name,
    label: labelOf(name),
    of,
    order: of,
    format: columnFormat(state.visible.map(of), unitOf(name)),
  };
}

function tableColumns() {
  const firsts = FIRST_METRICS.map(metricOf).filter((metric) => metric);
  const told = DATA.columns.map((column) => ({
                                  key: `column ${column.name}`,
                                  label: columnLabel(column.name),
                                  of: (point) => columnValue(column, point),
                                  order: (point) => column.index[point],
                                }));
  const shown = byId('table-all').checked ? METRICS : firsts;
  return [...told, ...shown.map(metricTableColumn)];
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
  const [order, arrow] = table.isDown ? ['descending', ' ↓'] : ['ascending', ' ↑'];
  const unit = element('small', {}, (column.format && column.format.symbol) || ' ');
  return element(
      'th', {class: column.format ? 'number' : null, 'aria-sort': isSorted ? order : 'none'},
      element(
          'button', {type: 'button', onclick: sort}, column.label + (isSorted ? arrow : ''), unit));
}

function rowOf(point, columns) {
  const cells = columns.map(
      ({format, of}) => (format ? cell(format.text(of(point)), true) : cell(of(point))));
  const style = point === state.chosen ? 'chosen' : null;
  return element('tr', {class: style, onclick: () => choose(point)}, ...cells);
}

function drawTable() {
  const columns = tableColumns(), points = sortedPoints(columns);
  const pages = Math.max(1, Math.ceil(points.length / ROWS_PER_PAGE));
  table.page = Math.min(table.page, pages - 1);
  const first = table.page * ROWS_PER_PAGE, rows = points.slice(first, first + ROWS_PER_PAGE);
  byId('points').replaceChildren(
      element('thead', {}, element('tr', {}, ...columns.map(headerOf))),
      element('tbody', {}, ...rows.map((point) => rowOf(point, columns))));
  byId('table-page').textContent = points.length === 0 ?
      'no point' :
      `${first + 1}–${first + rows.length} of ${points.length.toLocaleString('en-US')}`;
  byId('table-before').disabled = table.page === 0;
  byId('table-next').disabled = table.page === pages - 1;
}

function startTable() {
  table.key = metricOf('seconds') ? 'seconds' : null;
  const turn = (pages) => () => {
    table.page += pages;
    drawTable();
  };
  byId('table-before').addEventListener('click', turn(-1));
  byId('table-next').addEventListener('click', turn(1));
  byId('table-all').addEventListener('change', drawTable);
  // Everything is in the download, whatever is shown.
  addDownloads('table-tools', 'points', () => {
    const points = sortedPoints(tableColumns());
    return {
      header:
          ['name', ...DATA.columns.map(({name}) => name), ...DATA.metrics.map(({name}) => name)],
      rows: points.map(
          (point) =>
              [DATA.names[point], ...DATA.columns.map((column) => columnValue(column, point)),
               ...DATA.metrics.map(({values}) => values[point])]),
    };
  });
  listeners.filter.push(() => {
    table.page = 0;
    drawTable();
  });
  listeners.choice.push(drawTable);
}
