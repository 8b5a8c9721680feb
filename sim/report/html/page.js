// Puts the page together.

function startFilters() {
  const selects = axes.map((column) => {
    const select = element('select', {});
    // Points of several workloads do not compare, so only those of one are shown at first.
    const isWorkload = column.name === 'workload';
    fillSelect(select, [['', 'all'], ...column.values.map((value, i) => [String(i), value])], isWorkload ? '0' : '');
    if (isWorkload) state.chosenValues.set(column, 0);
    select.addEventListener('change', () => {
      if (select.value === '') state.chosenValues.delete(column);
      else state.chosenValues.set(column, Number(select.value));
      applyFilter();
    });
    byId('filter-columns').append(element('label', {}, columnLabel(column.name), ' ', select));
    return select;
  });
  byId('filter-text').addEventListener('input', () => { state.text = byId('filter-text').value; applyFilter(); });
  byId('filter-clear').addEventListener('click', () => {
    state.text = byId('filter-text').value = '';
    state.chosenValues.clear();
    selects.forEach((select) => { select.value = ''; });
    applyFilter();
  });
  listeners.filter.push(() => {
    byId('filter-count').textContent = `${state.visible.length.toLocaleString('en-US')} of ${count(POINTS, 'point')}`;
  });
}

function fillHeader() {
  byId('summary').textContent = `${count(POINTS, 'point')}, ${count(METRICS.length, 'metric')}` +
      (axes.length ? `; ${axes.map(({name, values}) => `${columnLabel(name)} (${values.length})`).join(', ')}` : '');
  const notes = [...DATA.notes];
  if (UNKNOWN_METRICS.length) notes.push(`Unknown for every point, and so not shown: ${UNKNOWN_METRICS.map(labelOf).map((label) => label.toLowerCase().replace('dram', 'DRAM')).join(', ')}.`);
  byId('notes').append(...notes.map((note) => element('li', {}, note)));
}

function fillProvenance() {
  fillFigures(byId('provenance'), DATA.provenance);
  addDownloads('provenance-tools', 'provenance', () => ({header: ['what', 'value'], rows: DATA.provenance}));
}

window.addEventListener('beforeprint', () => Object.values(Chart.instances).forEach((chart) => chart.resize()));

fillHeader();
startFilters();
applyFilter();
startPoint();
startScatter();
startHeatMap();
startTable();
fillProvenance();
listeners.filter.forEach((listener) => listener());
drawPoint();
// Milliseconds since the page was asked for; for tests and the curious.
document.documentElement.dataset.ready = performance.now().toFixed(0);
