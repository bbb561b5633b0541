import { binned, histogramChart } from '../charts/histogram.js';
import { shareBars } from '../charts/share-bars.js';
import { clippedText, numberText, shareText } from '../format.js';
import { type Html, html } from '../html.js';
import type { ExampleRow, ScoredRow, Selection } from '../selection.js';

const BINS = 48;

/** Pictures of a selection: the scores, what dirt got through, what each layer saw, and rows to read. */
export function selectionSection(selection: Selection): Html {
  const { scores } = selection;
  const kept = scores.filter((row) => row.kept);
  const cut = kept.reduce((least, row) => Math.min(least, row.score), Number.POSITIVE_INFINITY);
  return html`<section><h2>Selection <small>${kept.length.toLocaleString('en-US')} of ${scores.length.toLocaleString('en-US')} rows kept (${shareText(
    kept.length / scores.length,
  )})${kept.length > 0 && html`, score ≥ ${numberText(cut)}`}</small></h2>
<div class="two">
${scoreHistogram(scores, 'Scores, kept and dropped', (row) => (row.kept ? 'kept' : 'dropped'))}
${knowsTruth(scores) && scoreHistogram(scores, 'Scores, clean and dirty', (row) => (isDirty(row) ? 'dirty' : 'clean'))}
${knowsTruth(scores) && defectBars(scores)}
${selection.layers.length > 0 && layerBars(selection.layers)}
</div>
${selection.keptExamples.length + selection.droppedExamples.length > 0 && html`<div class="two top">${examples('Kept, best first', selection.keptExamples, scores)}${examples('Dropped, worst first', selection.droppedExamples, scores)}</div>`}
</section>`;
}

function scoreHistogram(scores: ScoredRow[], title: string, groupOf: (row: ScoredRow) => string): Html {
  const values = scores.map((row) => row.score);
  const low = values.reduce((least, value) => Math.min(least, value));
  const high = values.reduce((most, value) => Math.max(most, value));
  const groups = [...new Set(['kept', 'clean', ...scores.map(groupOf)])].filter((name) =>
    scores.some((row) => groupOf(row) === name),
  );
  return histogramChart({
    title,
    low,
    high,
    groups: groups.map((name) => ({
      label: name,
      className: name,
      counts: binned(
        scores.filter((row) => groupOf(row) === name).map((row) => row.score),
        low,
        high,
        BINS,
      ),
    })),
  });
}

/** Share of the rows with each defect that was kept, beside what a random choice of the same size would keep. */
function defectBars(scores: ScoredRow[]): Html {
  const byDefect = new Map<string, ScoredRow[]>();
  for (const row of scores) {
    const name = isDirty(row) ? (row.defect ?? 'dirty') : 'clean';
    const rows = byDefect.get(name);
    if (rows) rows.push(row);
    else byDefect.set(name, [row]);
  }
  const share = (rows: ScoredRow[]) => rows.filter((row) => row.kept).length / (rows.length || 1);
  const bars = [...byDefect].map(([name, rows]) => ({
    label: name,
    value: share(rows),
    text: `${shareText(share(rows))} of ${rows.length.toLocaleString('en-US')}`,
    className: name === 'clean' ? 'clean' : 'dirty',
  }));
  bars.sort(
    (left, right) =>
      Number(right.label === 'clean') - Number(left.label === 'clean') || right.value - left.value,
  );
  const kept = scores.filter((row) => row.kept);
  const dirt = (rows: ScoredRow[]) => rows.filter(isDirty).length / (rows.length || 1);
  return shareBars({
    title: 'Share kept, by defect',
    bars,
    most: Math.max(share(scores), ...bars.map((bar) => bar.value)) * 1.08,
    line: { value: share(scores), label: 'random choice' },
    note: `Dirt in what was kept: ${shareText(dirt(kept))}; a random choice would hold ${shareText(dirt(scores))}.`,
  });
}

function layerBars(layers: Selection['layers']): Html {
  return shareBars({
    title: 'Mean gate per layer',
    bars: layers.flatMap((layer, index) => [
      { label: `layer ${index}`, value: layer.kept, text: layer.kept.toFixed(4), className: 'kept' },
      { label: '', value: layer.dropped, text: layer.dropped.toFixed(4), className: 'dropped' },
    ]),
    most: Math.max(...layers.flatMap((layer) => [layer.kept, layer.dropped])) * 1.05,
    note: 'Upper bar: rows kept; lower bar: rows dropped.',
  });
}

function examples(title: string, rows: ExampleRow[], scores: ScoredRow[]): Html | null {
  if (rows.length === 0) return null;
  return html`<div class="card"><h3 style="margin-top:0">${title}</h3>${rows.map((row) => {
    const scored = scores.find((one) => one.id === row.id && one.dataset === row.dataset);
    const score = scored?.score ?? row.score;
    return html`<article class="example"><header><b>${score !== null && numberText(score)}</b><span>${row.dataset}</span><span class="mono">${row.id}</span>${
      scored &&
      scored.quality !== null &&
      html`<span class="tag ${isDirty(scored) ? 'dirty' : 'clean'}">${isDirty(scored) ? (scored.defect ?? 'dirty') : 'clean'}</span>`
    }</header>${row.messages.map((message) => html`<p><b>${message.role}</b>${clippedText(message.content)}</p>`)}</article>`;
  })}</div>`;
}

function knowsTruth(scores: ScoredRow[]): boolean {
  return scores.some((row) => row.quality !== null || row.defect !== null);
}

function isDirty(row: ScoredRow): boolean {
  return row.quality === null ? row.defect !== null : row.quality < 0.5;
}
