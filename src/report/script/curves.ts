/**
 * Line charts: `drawChart` draws one anew from its data, as the controls say; `showValues` follows the pointer. A chart
 * of a few curves tells the value of each; a crowd (`data-chart="crowd"`) tells of the nearest one, and shows it alone.
 */
export const curvesScript = `
const view = { weight: 0, logarithmic: false, logarithmicSteps: false };

function drawChart(chart) {
  const { root, series } = chart;
  const frame = frameOf(series.map((one) => one.steps), series.map((one) => one.values), view.logarithmic, view.logarithmicSteps);
  chart.frame = frame;
  chart.averages = series.map((one) => smoothed(one.values, one.smooth ? view.weight : 0));
  for (const path of root.querySelectorAll('path[data-series]')) {
    const index = Number(path.dataset.series);
    const one = series[index];
    if (path.classList.contains('raw')) path.classList.toggle('off', view.weight === 0 || !one.smooth);
    const values = path.classList.contains('line') ? chart.averages[index] : one.values;
    const dots = path.classList.contains('dots');
    path.setAttribute('d', dots && one.steps.length > 40 ? '' : (dots ? dotsPath : curvePath)(one.steps, values, frame));
  }
  const ticks = axisTicks(frame.low, frame.high, frame.logarithmic, 4);
  root.querySelector('.grid').innerHTML = ticks
    .map((tick) => '<path d="M0,' + valuePosition(tick, frame).toFixed(1) + 'H1000"/>').join('');
  root.querySelector('.axis-y').innerHTML = ticks
    .map((tick) => '<span style="top:' + (valuePosition(tick, frame) / 10).toFixed(2) + '%">' + tickText(tick) + '</span>').join('');
  root.querySelector('.axis-x').innerHTML = stepTicks(frame)
    .map((tick) => '<span style="left:' + (stepPosition(tick, frame) / 10).toFixed(2) + '%">' + tickText(tick) + '</span>').join('');
  root.querySelectorAll('.legend b').forEach((last, index) => {
    const value = series[index].values.findLast((one) => one !== null);
    if (value !== undefined) last.textContent = tickText(value);
  });
}

function nearestIndex(steps, step) {
  let low = 0;
  let high = steps.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (steps[middle] <= step) low = middle; else high = middle;
  }
  return step - steps[low] <= steps[high] - step ? low : high;
}

function showValues(chart, event) {
  const box = chart.plot.querySelector('svg').getBoundingClientRect();
  const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  const wanted = stepAt(1000 * share, chart.frame);
  const here = chart.series.map((one, index) => {
    const at = nearestIndex(one.steps, wanted);
    return { index, one, step: one.steps[at], value: chart.averages[index][at] };
  });
  const rows = chart.crowd ? nearestCurve(chart, here, (1000 * (event.clientY - box.top)) / box.height) : here;
  if (rows.length === 0) return;
  const step = rows[0].step;
  chart.rule.style.left = stepPosition(step, chart.frame) / 10 + '%';
  const title = document.createElement('b');
  title.textContent = 'step ' + step.toLocaleString('en-US');
  chart.tip.replaceChildren(title, ...rows.map((row) => {
    const line = document.createElement('span');
    const key = document.createElement('i');
    key.className = row.one.shade === undefined ? 's' + (row.index % 6) : 'ramp';
    if (row.one.shade !== undefined) key.style.setProperty('--shade', row.one.shade + '%');
    const value = row.value === null ? '–' : tickText(row.value);
    const words = chart.crowd ? [value, row.one.label] : [row.one.label, value];
    line.append(key, words.filter(Boolean).join(chart.crowd ? ' · ' : ' ') + (row.step === step ? '' : ' @' + row.step));
    return line;
  }));
  if (chart.crowd) {
    for (const path of chart.root.querySelectorAll('path[data-series]'))
      path.classList.toggle('told', Number(path.dataset.series) === rows[0].index);
    chart.plot.classList.add('telling');
  }
  chart.tip.classList.toggle('left', share > 0.55);
  chart.tip.style.left = stepPosition(step, chart.frame) / 10 + '%';
  chart.layer.hidden = false;
  keepInside(chart.tip);
}

function keepInside(tip) {
  tip.style.marginLeft = '';
  const box = tip.getBoundingClientRect();
  const over = box.right + 6 - document.documentElement.clientWidth;
  if (over > 0) tip.style.marginLeft = 8 - over + 'px';
  else if (box.left < 6) tip.style.marginLeft = 14 - box.left + 'px';
}

function nearestCurve(chart, here, y) {
  const distance = ({ value }) => Math.abs(valuePosition(value, chart.frame) - y);
  const known = here.filter(({ value }) => value !== null);
  return known.sort((left, right) => distance(left) - distance(right)).slice(0, 1);
}

function hideValues(chart) {
  chart.layer.hidden = true;
  chart.plot.classList.remove('telling');
}

const charts = [...document.querySelectorAll('[data-chart]')].map((root) => {
  const plot = root.querySelector('.plot');
  const layer = document.createElement('div');
  layer.className = 'hover';
  layer.hidden = true;
  const rule = document.createElement('i');
  rule.className = 'rule';
  const tip = document.createElement('div');
  tip.className = 'tip';
  layer.append(rule, tip);
  plot.append(layer);
  const series = JSON.parse(root.querySelector('.chart-data').textContent);
  const chart = { root, plot, layer, rule, tip, series, crowd: root.dataset.chart === 'crowd' };
  plot.addEventListener('pointermove', (event) => showValues(chart, event));
  plot.addEventListener('pointerdown', (event) => showValues(chart, event));
  plot.addEventListener('pointerleave', () => hideValues(chart));
  return chart;
});

for (const controls of document.querySelectorAll('.controls')) {
  const slider = controls.querySelector('input[type=range]');
  const output = controls.querySelector('output');
  const [values, steps] = controls.querySelectorAll('input[type=checkbox]');
  const redraw = () => {
    view.weight = Number(slider.value);
    view.logarithmic = values.checked;
    view.logarithmicSteps = steps.checked;
    output.textContent = view.weight === 0 ? 'off' : view.weight.toFixed(2);
    charts.forEach(drawChart);
  };
  for (const input of [slider, values, steps]) input.addEventListener('input', redraw);
  controls.hidden = false;
  redraw();
}
`;
