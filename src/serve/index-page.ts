import { type Html, html, pageStyle, raw } from '../report/index.js';
import { groupRows, statusOf } from './group-rows.js';
import { indexScript } from './index-script.js';
import { indexStyle } from './index-style.js';
import type { Group } from './run-list.js';

/** The list of all runs. Complete without script; with it, it filters, sorts, folds members away and follows what happens. */
export function indexPage(groups: readonly Group[], rowsOf = groupRows): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'">
<title>Sluice runs</title>
<style>${raw(pageStyle)}${raw(indexStyle)}</style>
</head>
<body>
<main class="index">
<header><div class="title"><h1>Runs</h1><span class="live" hidden></span></div>
<div class="filters" hidden><input type="search" placeholder="stage, folder, key=value …" aria-label="filter">
<span class="chips" role="group" aria-label="status">${chips(groups)}</span>
<label>sort <select><option value="started">newest</option><option value="name">name</option><option value="time">time</option><option value="figure">figure</option></select></label></div></header>
<div class="card list"><table><thead><tr><th scope="col">status</th><th scope="col">run</th><th scope="col">started</th><th scope="col">time</th><th scope="col">curve</th><th scope="col" class="number">figure</th></tr></thead>
${groups.map(rowsOf)}
</table></div>
<p class="empty"${groups.length > 0 && html` hidden`}>No runs yet. <code>./run demo</code> makes some; they appear here as they start.</p>
<p class="none" hidden>No run is like that.</p>
</main>
<script>${raw(indexScript)}</script>
</body>
</html>
`.text;
}

const CHIPS = ['running', 'done', 'failed', 'interrupted', 'lost'];

function chips(groups: readonly Group[]): Html {
  const count = (status: string) => groups.filter((group) => statusOf(group) === status).length;
  return html`<button type="button" data-status="" aria-pressed="true">all <b>${groups.length}</b></button>${CHIPS.map(
    (status) =>
      html`<button type="button" data-status="${status}" aria-pressed="false">${status} <b>${count(status)}</b></button>`,
  )}`;
}
