import { bytesText, countText, durationText, numberText, timeText } from '../format.js';
import { type Html, type HtmlValue, html } from '../html.js';
import type { ErrorRecord, RunRecord } from '../run-record.js';
import { statusClass } from '../status.js';
import { originRun } from './origin-run.js';

const LONG_PLACE = 240;

/** What ran, how it ended, when, with which seed and versions, and the command to run it again. */
export function header(record: RunRecord, directory: string): Html {
  const command = Array.isArray(record.command) ? record.command.join(' ') : record.command;
  return html`<header>
<p class="crumb">Sluice · ${record.steps ? 'pipeline' : 'run'}${record.id && html` · <span class="mono">${record.id}</span>`}</p>
<div class="title"><h1>${record.stage}</h1><span class="status status-${statusClass(record.status)}">${record.status}</span></div>
${originRun(record, directory)}
<dl class="facts">${facts(record).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
${command !== undefined && html`<h3>Command</h3><pre class="wrap">${command}</pre>`}
</header>
${record.status === 'lost' && lostCard(record.steps ? 'The same command goes on: what is done is not run again.' : 'With resume=latest the same command goes on from the last checkpoint, where there is one.')}
${record.error && errorCard(record.error)}`;
}

function facts(record: RunRecord): [string, HtmlValue][] {
  const list: [string, HtmlValue][] = [];
  if (record.startedAt) list.push(['started', timeText(record.startedAt)]);
  if (record.endedAt) list.push(['ended', timeText(record.endedAt)]);
  if (typeof record.durationSeconds === 'number') list.push(['took', durationText(record.durationSeconds)]);
  if (typeof record.exitCode === 'number' && record.exitCode !== 0) list.push(['exit code', record.exitCode]);
  if (typeof record.seed === 'number') list.push(['seed', String(record.seed)]);
  const { step, metric } = (record.facts?.stopped_early ?? {}) as { step?: unknown; metric?: unknown };
  if (typeof step === 'number') list.push(['stopped early', `after step ${numberText(step)}, by ${metric}`]);
  const best = (record.facts?.best_checkpoint ?? {}) as { step?: unknown };
  if (typeof best.step === 'number')
    list.push(['weights of the best checkpoint', `step ${numberText(best.step)}`]);
  for (const [name, value] of Object.entries({ ...record.versions, ...shortFacts(record.facts) })) {
    if (value !== null) list.push(factText(name, value));
  }
  return list;
}

/** `peakMemoryBytes: 371621888` -> `peak memory`, `354 MiB`; `peak_flops: 2e11` -> `peak flops`, `200 GFLOP/s`. */
export function factText(name: string, value: unknown): [string, string] {
  const words = (text: string) =>
    text
      .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
      .replaceAll('_', ' ')
      .toLowerCase();
  if (typeof value !== 'number') return [words(name), shortHash(String(value))];
  const [, stem, unit] = /^(.+?)[ _]?(bytes|seconds|flops)?$/i.exec(name) ?? [];
  switch (unit?.toLowerCase()) {
    case 'bytes':
      return [words(stem!), bytesText(value)];
    case 'seconds':
      return [
        words(stem!),
        value >= 0.095 && value < 10 ? `${Number(value.toPrecision(3))} s` : durationText(value),
      ];
    case 'flops':
      return [words(name), `${countText(value)}FLOP/s`];
  }
  return [words(name), numberText(value)];
}

/** A commit or a checksum: the first twelve digits tell it apart; run.json has them all. */
function shortHash(text: string): string {
  return text.replace(/^([0-9a-f]{12})[0-9a-f]{28,52}(?![0-9a-f])/, '$1');
}

/** Facts that fit a line; the others are shown with the config. */
function shortFacts(facts: RunRecord['facts']): Record<string, unknown> {
  return Object.fromEntries(Object.entries(facts ?? {}).filter(([, value]) => isShort(value)));
}

/** Facts too long for the header's grid. */
export function longFacts(facts: RunRecord['facts']): Record<string, unknown> {
  return Object.fromEntries(Object.entries(facts ?? {}).filter(([, value]) => !isShort(value)));
}

function isShort(value: unknown): boolean {
  return value === null || typeof value !== 'object' ? String(value).length <= 60 : false;
}

/** Where it went wrong; of a long list, as of the rows of a batch, the beginning, which opens. */
function placeOf(where: string): Html {
  if (where.length <= LONG_PLACE) return html`<p>at <span class="mono">${where}</span></p>`;
  return html`<details><summary>at <span class="mono">${where.slice(0, LONG_PLACE - 40)} …</span></summary><p class="mono">${where}</p></details>`;
}

/** Of what says that it runs and does not: `next` is what to do. */
export function lostCard(next: string): Html {
  return html`<div class="card lost-card"><p><b>The process that watched this is gone</b>: it was killed, or the machine went down, and nothing will end its record.</p><p>${next}</p></div>`;
}

function errorCard(error: ErrorRecord): Html {
  return html`<div class="card error" role="alert" style="margin-top:18px"><p><b>${error.message}</b></p>
${error.where && placeOf(error.where)}
${error.hint && html`<p>hint: ${error.hint}</p>`}
${error.code && html`<p class="note mono">${error.code}</p>`}</div>`;
}
