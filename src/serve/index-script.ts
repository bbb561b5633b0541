/** The script of the list: filter, order, folding, times that tick, and what the server tells of changes. */
export const indexScript = `'use strict';
(() => {
const table = document.querySelector('.list table');
const filters = document.querySelector('.filters');
const search = filters.querySelector('input');
const order = filters.querySelector('select');
const live = document.querySelector('.live');
let status = '';

const bodies = () => [...table.tBodies];

function span(seconds) {
  if (seconds < 60) return Math.max(0, Math.floor(seconds)) + ' s';
  if (seconds < 3600) return Math.floor(seconds / 60) + ' min';
  if (seconds < 86400) return Math.floor(seconds / 3600) + ' h ' + Math.floor((seconds % 3600) / 60) + ' min';
  return Math.floor(seconds / 86400) + (seconds < 172800 ? ' day' : ' days');
}

function tick() {
  const now = Date.now();
  for (const time of table.querySelectorAll('time')) {
    time.title ||= time.textContent;
    const text = span((now - Date.parse(time.dateTime)) / 1000) + ' ago';
    if (time.textContent !== text) time.textContent = text;
  }
  for (const since of table.querySelectorAll('[data-since]'))
    since.textContent = 'for ' + span((now - Date.parse(since.dataset.since)) / 1000);
}

function show() {
  const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let shown = 0;
  for (const body of bodies()) {
    const fits = words.every((word) => body.dataset.search.includes(word))
      && (status === '' || body.dataset.status.split(' ').includes(status));
    body.hidden = !fits;
    shown += fits ? 1 : 0;
  }
  document.querySelector('.none').hidden = shown > 0 || bodies().length === 0;
  document.querySelector('.empty').hidden = bodies().length > 0;
  for (const chip of filters.querySelectorAll('.chips button')) {
    const own = chip.dataset.status;
    const count = bodies().filter((body) => own === '' || body.rows[0].cells[0].textContent.trim() === own).length;
    chip.querySelector('b').textContent = count;
    chip.hidden = own !== '' && count === 0 && status !== own;
  }
}

const keys = {
  started: (body) => -Date.parse(body.dataset.started),
  name: (body) => body.querySelector('.name b').textContent + ' ' + body.dataset.path,
  time: (body) => -parseSpan(body.querySelector('.time').textContent),
  figure: (body) => Number(body.querySelector('.figure').dataset.value ?? Infinity),
};

// "1 h 2 min" or "42.1 s"; what is running has no time yet and stands first.
function parseSpan(text) {
  const parts = [...text.matchAll(/([\\d.]+) (s|min|h)\\b/g)];
  const units = { s: 1, min: 60, h: 3600 };
  return text.trim() === '' ? -1 : parts.reduce((sum, [, count, unit]) => sum + count * units[unit], 0);
}

function sort() {
  const key = keys[order.value];
  const sorted = bodies().map((body) => ({ body, key: key(body) }))
    .sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0));
  table.append(...sorted.map(({ body }) => body));
}

function replace(path, html) {
  const old = bodies().find((body) => body.dataset.path === path);
  if (html === null) {
    old?.remove();
    return;
  }
  const holder = document.createElement('table');
  holder.innerHTML = html;
  const body = holder.tBodies[0];
  for (const more of body.querySelectorAll('.more')) more.hidden = false;
  if (old) {
    if (old.classList.contains('open')) setOpen(body, true);
    old.replaceWith(body);
  } else {
    body.classList.add('fresh');
    table.tHead.after(body);
  }
}

function setOpen(body, open) {
  body.classList.toggle('open', open);
  body.querySelector('.more')?.setAttribute('aria-expanded', String(open));
}

table.addEventListener('click', (event) => {
  const more = event.target.closest('.more');
  if (more) setOpen(more.closest('tbody'), !more.closest('tbody').classList.contains('open'));
});
search.addEventListener('input', show);
order.addEventListener('change', sort);
filters.querySelector('.chips').addEventListener('click', (event) => {
  const chip = event.target.closest('button');
  if (!chip) return;
  status = chip.dataset.status;
  for (const one of filters.querySelectorAll('.chips button')) one.setAttribute('aria-pressed', String(one === chip));
  show();
});

document.documentElement.classList.add('scripted');
filters.hidden = false;
for (const more of table.querySelectorAll('.more')) more.hidden = false;
show();
tick();
setInterval(tick, 1000);

const events = new EventSource('./events');
live.hidden = false;
live.textContent = 'live';
events.onopen = () => { live.classList.remove('off'); live.textContent = 'live'; };
events.onerror = () => { live.classList.add('off'); live.textContent = 'not connected'; };
events.addEventListener('groups', (event) => {
  for (const { path, html } of JSON.parse(event.data)) replace(path, html);
  if (order.value !== 'started') sort();
  show();
  tick();
});
})();`;
