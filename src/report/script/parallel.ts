/** Parallel axes: the pointer tells of the nearest line, dragging along an axis fades the lines that do not pass there. */
export const parallelScript = `
function placeAt(places, line, x) {
  const left = Math.min(places.length - 1, Math.floor(x));
  const right = Math.min(places.length - 1, left + 1);
  const [from, to] = [places[left][line], places[right][line]];
  return from === null || to === null ? (x - left < 0.5 ? from : to) : from + (x - left) * (to - from);
}

function brushLines(root, places, brushes) {
  for (const path of root.querySelectorAll('path[data-line]')) {
    const line = Number(path.dataset.line);
    path.classList.toggle('out', brushes.some((brush, axis) => {
      const place = places[axis][line];
      return brush !== null && (place === null || place < brush.from - 4 || place > brush.to + 4);
    }));
  }
}

for (const root of document.querySelectorAll('[data-parallel]')) {
  const { lines, places } = JSON.parse(root.closest('figure').querySelector('.parallel-data').textContent);
  const svg = root.querySelector('svg');
  const tip = document.createElement('div');
  tip.className = 'tip';
  tip.hidden = true;
  root.append(tip);
  const brushes = places.map(() => null);
  const paths = new Map([...root.querySelectorAll('path[data-line]')].map((path) => [Number(path.dataset.line), path]));

  root.addEventListener('pointermove', (event) => {
    const box = svg.getBoundingClientRect();
    const x = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * (places.length - 1);
    const y = (1000 * (event.clientY - box.top)) / box.height;
    let best = null;
    lines.forEach((line, index) => {
      const place = placeAt(places, index, x);
      if (place === null || paths.get(index).classList.contains('out')) return;
      const distance = Math.abs(place - y);
      if (distance < 60 && (best === null || distance < best.distance)) best = { index, distance };
    });
    for (const [index, path] of paths) path.classList.toggle('told', index === best?.index);
    root.classList.toggle('telling', best !== null);
    tip.hidden = best === null;
    if (best === null) return;
    tip.textContent = lines[best.index].label;
    const share = (event.clientX - box.left) / box.width;
    tip.classList.toggle('left', share > 0.5);
    tip.style.left = 100 * share + '%';
    tip.style.top = Math.max(0, event.clientY - box.top + 12) + 'px';
    keepInside(tip);
  });
  root.addEventListener('pointerleave', () => {
    root.classList.remove('telling');
    tip.hidden = true;
  });

  root.querySelectorAll('.parallel-axis').forEach((axis, index) => {
    const band = document.createElement('i');
    band.className = 'band';
    band.hidden = true;
    axis.append(band);
    let start = null;
    const place = (event) => {
      const box = svg.getBoundingClientRect();
      return Math.min(1000, Math.max(0, (1000 * (event.clientY - box.top)) / box.height));
    };
    const choose = (from, to) => {
      brushes[index] = to - from < 15 ? null : { from, to };
      band.hidden = brushes[index] === null;
      band.style.top = from / 10 + '%';
      band.style.height = (to - from) / 10 + '%';
      brushLines(root, places, brushes);
    };
    axis.addEventListener('pointerdown', (event) => {
      start = place(event);
      axis.setPointerCapture(event.pointerId);
      choose(start, start);
    });
    axis.addEventListener('pointermove', (event) => {
      if (start !== null) choose(Math.min(start, place(event)), Math.max(start, place(event)));
    });
    for (const name of ['pointerup', 'pointercancel']) axis.addEventListener(name, () => { start = null; });
  });
  root.closest('figure').querySelector('.brush-note').hidden = false;
}
`;
