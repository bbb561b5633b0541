/**
 * What a report gets when it is served: new metrics are added to its charts as they come; when more than that changes (a
 * run ends, a measure appears, a step starts) the page is loaded anew, at the place and with the controls, the order of
 * tables and the open parts it had, and not under the reader's hands: while the pointer reads a chart or text is marked, it waits.
 */
export const liveScript = `
const liveBar = document.querySelector('.served');
const controlsNow = [...document.querySelectorAll('.controls input')];
const partsNow = [...document.querySelectorAll('details')];
const tablesNow = [...document.querySelectorAll('table[data-sortable]')];
const titleOf = (part) => part.querySelector('summary').textContent;
const stored = 'look ' + location.pathname;

function remember() {
  const look = {
    controls: controlsNow.map((input) => (input.type === 'range' ? input.value : input.checked)),
    parts: Object.fromEntries(partsNow.map((part) => [titleOf(part), part.open])),
    sorted: tablesNow.map((table) => {
      const head = [...table.tHead.rows[0].cells].find((one) => one.ariaSort);
      return head ? { title: head.textContent, down: head.ariaSort === 'descending' } : null;
    }),
  };
  try {
    sessionStorage.setItem(stored, JSON.stringify(look));
  } catch { /* storage may be off */ }
}

function recall() {
  const look = JSON.parse(sessionStorage.getItem(stored));
  sessionStorage.removeItem(stored);
  look?.controls.forEach((value, index) => {
    const input = controlsNow[index];
    if (!input) return;
    if (input.type === 'range') input.value = value; else input.checked = value;
    input.dispatchEvent(new Event('input'));
  });
  for (const part of partsNow) part.open = look?.parts[titleOf(part)] ?? part.open;
  look?.sorted.forEach((sort, index) => {
    const heads = [...(tablesNow[index]?.tHead.rows[0].cells ?? [])];
    const column = heads.findIndex((head) => head.textContent === sort?.title);
    if (column >= 0) sortTable(tablesNow[index], column, sort.down);
  });
}

try { recall(); } catch { /* storage may be off */ }

const isRead = () => document.querySelector('.telling, .hover:not([hidden])') !== null || String(getSelection()) !== '';

let reloadAt = Infinity;
let reloading;
function reload() {
  if (isRead()) {
    reloading = setTimeout(reload, 500);
    return;
  }
  remember();
  location.reload();
}
function loadAnew(soonest = 2000) {
  if (soonest >= reloadAt) return;
  reloadAt = soonest;
  clearTimeout(reloading);
  reloading = setTimeout(reload, Math.max(0, soonest - performance.now()));
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

const events = new EventSource('/events?of=' + encodeURIComponent(liveBar.dataset.path) + '&from=' + liveBar.dataset.from + '&state=' + liveBar.dataset.state);
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
  const left = etaSeconds > 0 ? ' · ' + (etaSeconds < 100 ? Math.ceil(etaSeconds) + ' s' : etaSeconds < 6000 ? Math.round(etaSeconds / 60) + ' min' : Math.round(etaSeconds / 3600) + ' h') + ' left' : '';
  liveBar.querySelector('.progress-text').textContent = phase + ' ' + step + (known ? ' of ' + totalSteps : '') + left;
});
// Of a sweep or a pipeline something changes often: its page stands for a while before it is loaded anew, longer where only
// the curves of what runs went on.
events.addEventListener('changed', () => loadAnew(document.querySelector('.jobs, .steps') ? 5000 : 2000));
events.addEventListener('grew', () => loadAnew(15000));
`;
