// Small pieces of the page: elements, drop-downs, tables, downloads, colours and patterns.

const byId = (id) => document.getElementById(id);

// Texts of users only ever become text nodes.
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

// `options`: [value, label].
function fillSelect(select, options, value) {
  select.replaceChildren(...options.map(([key, label]) => element('option', {value: key}, label)));
  select.value = value;
}

const cell = (text, isNumber) => element('td', isNumber ? {class: text === 'unknown' ? 'number unknown' : 'number'} : {}, text);

// Rows of a heading and a value.
function fillFigures(table, rows) {
  table.replaceChildren(element('tbody', {}, ...rows.map(([name, value, kind]) => element('tr', {class: kind || null},
      element('th', {scope: 'row'}, name), element('td', value === 'unknown' ? {class: 'unknown'} : {}, value)))));
}

function csvText({header, rows}) {
  const field = (value) => {
    const text = value === null || value === undefined ? '' : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  };
  return [header, ...rows].map((row) => row.map(field).join(',') + '\n').join('');
}

function jsonText({header, rows}) {
  const objects = rows.map((row) => Object.fromEntries(header.map((name, i) => [name, row[i] === undefined ? null : row[i]])));
  return JSON.stringify(objects, null, 1) + '\n';
}

function download(name, type, text) {
  const link = element('a', {href: URL.createObjectURL(new Blob([text], {type})), download: name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// `table()` gives {header, rows} with raw values, in the units of the metrics' names.
function addDownloads(id, name, table) {
  byId(id).replaceChildren(
      element('button', {type: 'button', onclick: () => download(`${name}.csv`, 'text/csv', csvText(table()))}, 'CSV'),
      element('button', {type: 'button', onclick: () => download(`${name}.json`, 'application/json', jsonText(table()))}, 'JSON'));
}

// Okabe and Ito's colours, which colour-blind people tell apart; shapes and patterns say it again.
const COLOURS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#7f7f7f', '#f0e442'];
const SHAPES = ['circle', 'triangle', 'rect', 'rectRot', 'crossRot', 'star', 'cross', 'rectRounded'];
const PATTERNS = ['solid', 'rising', 'dots', 'horizontal', 'falling', 'crossed', 'vertical', 'wide'];

function strokesOf(kind, size) {
  const middle = size / 2;
  switch (kind) {
    case 'rising': return [[0, size, size, 0], [-1, 1, 1, -1], [size - 1, size + 1, size + 1, size - 1]];
    case 'falling': return [[0, 0, size, size], [-1, size - 1, 1, size + 1], [size - 1, -1, size + 1, 1]];
    case 'crossed': return [[0, 0, size, size], [0, size, size, 0]];
    case 'horizontal': return [[0, middle, size, middle]];
    case 'vertical': return [[middle, 0, middle, size]];
    case 'wide': return [[0, 1, size, 1]];
    case 'dots': return [[middle - 1, middle, middle + 1, middle]];
    default: return [];
  }
}

// A fill of that colour, with white strokes on it.
function patternOf(number) {
  const size = 9, tile = element('canvas', {width: size, height: size});
  const context = tile.getContext('2d');
  context.fillStyle = COLOURS[number % COLOURS.length];
  context.fillRect(0, 0, size, size);
  context.strokeStyle = 'rgba(255, 255, 255, 0.85)';
  context.lineWidth = 2;
  for (const [x0, y0, x1, y1] of strokesOf(PATTERNS[number % PATTERNS.length], size)) {
    context.beginPath();
    context.moveTo(x0, y0);
    context.lineTo(x1, y1);
    context.stroke();
  }
  return context.createPattern(tile, 'repeat');
}

Chart.defaults.animation = false;
Chart.defaults.maintainAspectRatio = false;
Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
Chart.defaults.color = '#3b444d';
Chart.defaults.borderColor = '#e6e9ed';
// Sharp on paper too.
Chart.defaults.devicePixelRatio = Math.max(2, window.devicePixelRatio);

// A logarithmic axis names 1, 2 and 5 of a decade; over many decades only their starts, within one
// all whole ones.
function isNamedTick(value, scale) {
  if (scale.type !== 'logarithmic') return true;
  const lead = Number(value.toExponential().split('e')[0]);
  const decades = Math.log10(scale.max / scale.min);
  if (decades < 1) return Number.isInteger(lead);
  return lead === 1 || (decades < 4 && (lead === 2 || lead === 5));
}

// "1.2 k", "0.5": the unit of one that takes no prefixes stands in the title.
function tickText(value, unit) {
  const text = unit.si ? withUnit(value, unit) : digits(value * unit.scale);
  return text.replace(/(\.\d*?)0+(?=\D|$)/, '$1').replace(/\.(?=\D|$)/, '');
}

// A logarithmic axis ends a little beyond its `values`.
function axisOptions(title, unit, isLog, values = []) {
  const inTitle = unit.si || !unit.symbol ? '' : ` [${unit.symbol}]`;
  const positive = isLog ? values.filter((value) => value > 0) : [];
  const extent = (pick, start) => positive.reduce((a, b) => pick(a, b), start);
  return {
    ...(positive.length && {min: extent(Math.min, Infinity) / 1.4, max: extent(Math.max, 0) * 1.4}),
    type: isLog ? 'logarithmic' : 'linear',
    title: {display: true, text: title + inTitle, font: {weight: '600'}},
    ticks: {
      maxRotation: 0, autoSkip: !isLog,
      callback(value) { return isNamedTick(value, this) ? tickText(value, unit) : ''; },
    },
  };
}
