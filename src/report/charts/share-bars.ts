import { type Html, type HtmlValue, html } from '../html.js';

/** Labelled horizontal bars from 0 to `most`, with an optional upright line to compare them all with. */
export interface ShareBars {
  title: string;
  note?: HtmlValue;
  bars: { label: string; value: number; text: string; className: string }[];
  most: number;
  line?: { value: number; label: string };
}

/** A card of horizontal bars: one row per label, so it reads the same on any width. */
export function shareBars(chart: ShareBars): Html {
  const position = (value: number) => `${Math.min(100, (100 * value) / (chart.most || 1)).toFixed(2)}%`;
  return html`<figure class="card chart">
<figcaption><span class="chart-title">${chart.title}</span>${
    chart.line && html`<span class="legend"><span><i class="mark"></i>${chart.line.label}</span></span>`
  }</figcaption>
<div class="bar-rows">${chart.bars.map(
    (bar) => html`<div class="bar-row"><span class="bar-label">${bar.label}</span>
<span class="bar-track"><span class="bar ${bar.className}" style="width:${position(bar.value)}"></span>${
      chart.line && html`<span class="bar-line" style="left:${position(chart.line.value)}"></span>`
    }</span><span class="bar-text">${bar.text}</span></div>`,
  )}</div>
${chart.note !== undefined && html`<p class="note">${chart.note}</p>`}
</figure>`;
}
