import { type Html, html } from '../html.js';
import type { RunFolder } from '../run-folder.js';
import { longFacts } from './header.js';

/** The texts one looks up: overrides, full config, Hydra's own, long facts, end of the log. */
export function config(run: RunFolder): Html {
  const facts = longFacts(run.record.facts);
  const overrides = run.overrides?.trim();
  return html`<section><h2>Configuration</h2>
${overrides && overrides !== '[]' && html`<details open><summary>Overrides</summary><pre>${overrides}</pre></details>`}
${run.config !== null && html`<details><summary>Full config</summary><pre>${run.config.trimEnd()}</pre></details>`}
${run.hydra !== null && html`<details><summary>Hydra settings</summary><pre>${run.hydra.trimEnd()}</pre></details>`}
${Object.keys(facts).length > 0 && html`<details><summary>Facts</summary><pre>${JSON.stringify(facts, null, 2)}</pre></details>`}
${run.logTail !== null && html`<details${run.record.status === 'failed' && html` open`}><summary>End of the log</summary><pre class="wrap">${run.logTail}</pre></details>`}
</section>`;
}
