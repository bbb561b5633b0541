/**
 * What a report gets when it is served: new metrics are added to its charts as they come; when more than that changes (a
 * run ends, a measure appears, a step starts) the page is loaded anew, at the place and with the controls it had.
 */
export const liveScript = `
const liveBar = document.querySelector('.served');
const controlsNow = [...document.querySelectorAll('.controls input')];
const stored = 'controls ' + location.pathname;

function remember() {
  try {
    sessionStorage.setItem(stored, JSON.stringify(controlsNow.map((input) => (input.type === 'range' ? input.value : input.checked))));
  } catch { /* storage may be off */ }
}

try {
  const values = JSON.parse(sessionStorage.getItem(stored) ?? '[]');
  sessionStorage.removeItem(stored);
  values.forEach((value, index) => {
    const input = controlsNow[index];
    if (!input) return;
    if (input.type === 'range') input.value = value; else input.checked = value;
    input.dispatchEvent(new Event('input'));
  });
} catch { /* storage may be off */ }

let reloadAt = 0;
function loadAnew() {
  if (reloadAt !== 0) return;
  reloadAt = setTimeout(() => { remember(); location.reload(); }, Math.max(0, 2000 - performance.now()));
}

function addLines(lines) {
  const touched = new Set();
  for (const { step, values } of lines) {
    for (const [name, value] of Object.entries(values)) {
      const chart = charts.find((one) => one.series.some((curve) => curve.name === name));
      if (!chart) {
        if (value !== null) loadAnew();
        continue;
      }
      const curve = chart.series.find((one) => one.name === name);
      if (curve.steps.length > 0 && curve.steps.at(-1) >= step) continue;
      curve.steps.push(step);
      curve.values.push(value);
      curve.smooth = curve.steps.length > 40 && !name.endsWith('learning_rate');
      touched.add(chart);
    }
  }
  for (const chart of touched) drawChart(chart);
}

const events = new EventSource('/events?of=' + encodeURIComponent(liveBar.dataset.path) + '&from=' + liveBar.dataset.from);
const liveState = liveBar.querySelector('.live');
events.onopen = () => { liveState.classList.remove('off'); liveState.textContent = 'live'; };
events.onerror = () => { liveState.classList.add('off'); liveState.textContent = 'not connected'; };
events.addEventListener('metrics', (event) => addLines(JSON.parse(event.data)));
events.addEventListener('progress', (event) => {
  const { phase, step, totalSteps, etaSeconds } = JSON.parse(event.data);
  const known = totalSteps > 0;
  const bar = liveBar.querySelector('.progress');
  bar.hidden = !known;
  if (known) bar.firstElementChild.style.width = Math.min(100, (100 * step) / totalSteps) + '%';
  const left = etaSeconds > 0 ? ' · ' + Math.ceil(etaSeconds) + ' s left' : '';
  liveBar.querySelector('.progress-text').textContent = phase + ' ' + step + (known ? ' of ' + totalSteps : '') + left;
});
events.addEventListener('changed', loadAnew);
`;
