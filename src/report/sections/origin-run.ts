import { existsSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { type Html, html, relativeLink } from '../html.js';
import type { RunRecord } from '../run-record.js';

/** What a run began with, by the fact that says so. */
const WORDS = {
  resumed_from: 'goes on from',
  extended_from: 'extends',
  initialized_from: 'begins with the weights of',
};

/** `goes on from pretrain/2026-11-21/16-09-51, step 55`, with a link to that run; null for one that begins anew. */
export function originRun({ facts }: RunRecord, directory: string): Html | null {
  const key = (Object.keys(WORDS) as (keyof typeof WORDS)[]).find((one) => typeof facts?.[one] === 'string');
  if (key === undefined) return null;
  const from = String(facts![key]);
  const step = /^step_(\d+)$/.exec(basename(from))?.[1];
  const folder = step === undefined ? from : dirname(dirname(from));
  const report = join(folder, 'report.html');
  const name = folder.split(/[\\/]/).slice(-3).join('/');
  return html`<p class="note">${WORDS[key]} <span class="mono">${
    existsSync(report) ? html`<a href="${relativeLink(relative(directory, report))}">${name}</a>` : name
  }</span>${step !== undefined && `, step ${Number(step).toLocaleString('en-US')}`}</p>`;
}
