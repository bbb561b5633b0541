import { bytesText } from '../format.js';
import { type Html, type HtmlValue, html } from '../html.js';

/** What a program holds in its arena while it runs: the most in each stretch of ops, in program order. */
export interface HeldArea {
  title: string;
  /** Ops per stretch. */
  stretch: number;
  /** Of the whole program. */
  ops: number;
  /** [stretches] */
  bytes: number[];
  /** What the plan set aside. */
  arenaBytes: number;
  note?: HtmlValue;
}

/** A card with an area over the ops of a program, under the line of what was planned. */
export function heldArea({ title, stretch, ops, bytes, arenaBytes, note }: HeldArea): Html {
  const most = Math.max(arenaBytes, ...bytes) * 1.04 || 1;
  const x = (op: number) => ((1000 * Math.min(op, ops)) / ops).toFixed(1);
  const y = (value: number) => (1000 - (1000 * value) / most).toFixed(1);
  const steps = bytes.map((value, index) => `V${y(value)}H${x((index + 1) * stretch)}`).join('');
  const marks = byteTicks(most);
  return html`<figure class="card chart"><figcaption><span class="chart-title">${title}</span><span class="legend"><span><i class="s1"></i>held, at most <b>${bytesText(Math.max(0, ...bytes))}</b></span><span><i class="mark flat"></i>arena <b>${bytesText(arenaBytes)}</b></span></span></figcaption>
<div class="plot held"><div class="axis-y">${marks.map((mark) => html`<span style="top:${(Number(y(mark)) / 10).toFixed(2)}%">${bytesText(mark).replace('.0 ', ' ')}</span>`)}</div>
<svg viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" aria-label="${title}: at most ${bytesText(Math.max(0, ...bytes))} over ${ops} ops">
<g class="grid">${marks.map((mark) => html`<path d="M0,${y(mark)}H1000"/>`)}</g>
<path class="area" d="M0,1000${steps}V1000Z"/><path class="line s1" d="M0,1000${steps}V1000"/><path class="line planned" d="M0,${y(arenaBytes)}H1000"/></svg>
<div class="axis-x"><span style="left:0">first op</span><span style="left:100%">op ${ops.toLocaleString('en-US')}</span></div></div>
${note !== undefined && html`<p class="note">${note}</p>`}</figure>`;
}

/** Up to five round amounts from 0 on, of the unit that the largest is read in. */
function byteTicks(most: number): number[] {
  const unit = 1024 ** Math.floor(Math.log2(most) / 10);
  const rough = most / unit / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const stride = unit * power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  return Array.from({ length: Math.floor(most / stride) + 1 }, (_, index) => index * stride);
}
