import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { html, reportOf } from '../report/index.js';
import { shownStatusOf } from './known-status.js';
import { liveScript } from './live-script.js';

/**
 * The report of a folder as it is now, with a way back to the list and what it takes to follow it: `state` is what the list
 * knew of it before the report was made.
 */
export async function servedReport(directory: string, path: string, state: string): Promise<string> {
  // Before the report reads it: what comes meanwhile is sent again, and known points are passed over.
  const size = await stat(join(directory, 'metrics.jsonl')).then(
    (about) => about.size,
    () => 0,
  );
  const top = html`<nav class="served" data-path="${path}" data-from="${size}" data-state="${state}"><a href="/">← Runs</a><a href="./">files</a><span class="live"></span><span class="progress" hidden><i></i></span><span class="progress-text"></span></nav>`;
  return await reportOf(directory, {
    script: liveScript,
    top,
    now: { time: Date.now(), statusOf: shownStatusOf },
  });
}
