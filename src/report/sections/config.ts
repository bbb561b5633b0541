import { type Html, html } from '../html.js';
import { type ConfigValue, isOverridden } from '../origins.js';
import type { RunFolder } from '../run-folder.js';
import { listItems } from '../yaml-list.js';
import { longFacts } from './header.js';

/** The texts one looks up: what set each value, the config itself, Hydra's own, long facts, end of the log. */
export function config(run: RunFolder): Html {
  const { origins } = run;
  const facts = longFacts(run.record.facts);
  const overrides = run.overrides?.trim();
  const changed = origins.filter(isOverridden);
  return html`<section><h2>Configuration</h2>
${
  changed.length > 0
    ? html`<details open><summary>Overrides <small>${changed.length} of ${origins.length} values</small></summary>${valueTable(changed)}${choicesNote(overrides, changed)}</details>`
    : overrides &&
      overrides !== '[]' &&
      html`<details open><summary>Overrides</summary><pre>${overrides}</pre></details>`
}
${origins.length > 0 && html`<details><summary>What set each value</summary>${valueTable(origins)}</details>`}
${run.config !== null && html`<details><summary>Full config</summary><pre>${run.config.trimEnd()}</pre></details>`}
${run.hydra !== null && html`<details><summary>Hydra settings</summary><pre>${run.hydra.trimEnd()}</pre></details>`}
${Object.keys(facts).length > 0 && html`<details><summary>Facts</summary><pre>${JSON.stringify(facts, null, 2)}</pre></details>`}
${run.logTail !== null && html`<details${run.record.status === 'failed' && html` open`}><summary>End of the log</summary><pre class="wrap">${run.logTail}</pre></details>`}
</section>`;
}

/** A row per value: its path, what it is, which file or override set it, and what it was before. */
function valueTable(values: ConfigValue[]): Html {
  return html`<table class="values"><thead><tr><th scope="col">key</th><th scope="col">value</th></tr></thead><tbody>${values.map(
    (one) =>
      html`<tr${isOverridden(one) && html` class="set"`}><td class="mono">${one.path}</td><td><span class="mono">${one.value}</span><small>${
        isOverridden(one) ? overrideText(one) : one.where
      }${one.replaced.map(({ value, where }) => html`, was <b>${value}</b> (${where})`)}</small></td></tr>`,
  )}</tbody></table>`;
}

/** Overrides that set no value themselves: choices of groups. */
function choicesNote(overrides: string | undefined, changed: ConfigValue[]): Html | null {
  const said = new Set(changed.map(({ where }) => where.slice('override '.length)));
  const choices = listItems(overrides ?? '').filter((text) => !said.has(text));
  return choices.length === 0
    ? null
    : html`<p class="note">and <span class="mono">${choices.join('  ')}</span></p>`;
}

/** `override a=1` beside the key `a` says nothing more: only that it is one. Of part of a list or mapping it is told whole. */
function overrideText({ path, where }: ConfigValue): string {
  const said = where.slice('override '.length).replace(/^\++/, '');
  return said.startsWith(`${path}=`) ? 'override' : where;
}
