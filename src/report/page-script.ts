import {
  axisTicks,
  curvePath,
  dotsPath,
  frameOf,
  smoothed,
  stepPosition,
  tickText,
  valuePosition,
} from './charts/curve.js';

/**
 * The page's one script: the smoothing slider, the log switch, and values under the pointer. The geometry is
 * charts/curve.ts itself, as text; what is left here only touches the document.
 */
export function pageScript(): string {
  const geometry = [smoothed, frameOf, stepPosition, valuePosition, curvePath, dotsPath, axisTicks, tickText];
  return `'use strict';\n(() => {\n${geometry.map(String).join('\n')}\n${DOCUMENT_PART}\n})();`;
}

const DOCUMENT_PART = `
const state = { weight: null, logarithmic: false };

function drawChart(chart) {
  const { root, series } = chart;
  const weight = state.weight ?? 0;
  const frame = frameOf(series.map((one) => one.steps), series.map((one) => one.values), state.logarithmic);
  chart.frame = frame;
  chart.averages = series.map((one) => smoothed(one.values, one.smooth ? weight : 0));
  const raw = root.querySelectorAll('path.raw');
  const line = root.querySelectorAll('path.line');
  series.forEach((one, index) => {
    raw[index].setAttribute('d', curvePath(one.steps, one.values, frame));
    raw[index].classList.toggle('off', weight === 0);
    line[index].setAttribute('d', curvePath(one.steps, chart.averages[index], frame));
  });
  for (const path of root.querySelectorAll('path.dots')) {
    const one = series[Number(path.dataset.series)];
    path.setAttribute('d', dotsPath(one.steps, one.values, frame));
  }
  const ticks = axisTicks(frame.low, frame.high, frame.logarithmic, 4);
  root.querySelector('.grid').innerHTML = ticks
    .map((tick) => '<path d="M0,' + valuePosition(tick, frame).toFixed(1) + 'H1000"/>').join('');
  root.querySelector('.axis-y').innerHTML = ticks
    .map((tick) => '<span style="top:' + (valuePosition(tick, frame) / 10).toFixed(2) + '%">' + tickText(tick) + '</span>').join('');
}

function nearest(steps, step) {
  let low = 0;
  let high = steps.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (steps[middle] <= step) low = middle; else high = middle;
  }
  return step - steps[low] <= steps[high] - step ? low : high;
}

function showValues(chart, clientX) {
  const box = chart.plot.querySelector('svg').getBoundingClientRect();
  const share = Math.min(1, Math.max(0, (clientX - box.left) / box.width));
  const wanted = chart.frame.firstStep + share * (chart.frame.lastStep - chart.frame.firstStep);
  const lead = chart.series[0];
  const step = lead.steps[nearest(lead.steps, wanted)];
  const rows = chart.series.map((one, index) => {
    const at = nearest(one.steps, step);
    const value = chart.averages[index][at];
    return { label: one.label, value, at: one.steps[at], color: index % 6 };
  });
  chart.rule.style.left = stepPosition(step, chart.frame) / 10 + '%';
  chart.tip.replaceChildren();
  const title = document.createElement('b');
  title.textContent = 'step ' + step.toLocaleString('en-US');
  chart.tip.append(title);
  for (const row of rows) {
    const line = document.createElement('span');
    const key = document.createElement('i');
    key.className = 's' + row.color;
    line.append(key, (row.label ? row.label + ' ' : '') + (row.value === null ? '–' : tickText(row.value)) + (row.at === step ? '' : ' @' + row.at));
    chart.tip.append(line);
  }
  chart.tip.classList.toggle('left', share > 0.55);
  chart.tip.style.left = stepPosition(step, chart.frame) / 10 + '%';
  chart.layer.hidden = false;
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
  const chart = { root, plot, layer, rule, tip, series: JSON.parse(root.querySelector('.chart-data').textContent) };
  plot.addEventListener('pointermove', (event) => showValues(chart, event.clientX));
  plot.addEventListener('pointerdown', (event) => showValues(chart, event.clientX));
  plot.addEventListener('pointerleave', () => { layer.hidden = true; });
  return chart;
});

const controls = document.querySelector('.controls');
if (controls) {
  const slider = controls.querySelector('input[type=range]');
  const output = controls.querySelector('output');
  const toggle = controls.querySelector('input[type=checkbox]');
  const redraw = () => {
    state.weight = Number(slider.value);
    state.logarithmic = toggle.checked;
    output.textContent = state.weight === 0 ? 'off' : state.weight.toFixed(2);
    charts.forEach(drawChart);
  };
  slider.addEventListener('input', redraw);
  toggle.addEventListener('change', redraw);
  controls.hidden = false;
  redraw();
}
`;
