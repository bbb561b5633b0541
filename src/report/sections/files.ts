import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { bytesText } from '../format.js';
import { type Html, html, relativeLink } from '../html.js';
import { recordedPath } from '../run-folder.js';
import type { FileRecord, RunRecord } from '../run-record.js';

/** What the run read and what it made, with the hashes that prove it. */
export function files(record: RunRecord, directory: string): Html | null {
  const inputs = record.inputs ?? [];
  const outputs = record.outputs ?? [];
  if (inputs.length + outputs.length === 0) return null;
  return html`<section><h2>Files</h2><div class="stack">
${fileTable('Outputs', outputs, directory)}${fileTable('Inputs', inputs, directory)}</div></section>`;
}

function fileTable(title: string, list: FileRecord[], directory: string): Html | null {
  if (list.length === 0) return null;
  return html`<div class="card scroll"><table><caption>${title}</caption>
<thead><tr><th scope="col">name</th><th scope="col">path and sha256</th><th scope="col" class="number">size</th></tr></thead>
<tbody>${list.map(
    (file) => html`<tr><td>${file.name}</td><td class="path mono">${pathMarkup(file, directory)}${
      file.sha256 && html`<br><span class="hash" title="${file.sha256}">${file.sha256.slice(0, 16)}</span>`
    }</td>
<td class="number">${typeof file.bytes === 'number' && bytesText(file.bytes)}</td></tr>`,
  )}</tbody></table></div>`;
}

/** Linked where the file is still there, so that the page has no dead links the day it is written. */
function pathMarkup(file: FileRecord, directory: string): Html {
  const path = recordedPath(directory, file.path);
  if (!existsSync(path)) return html`${file.path}`;
  return html`<a href="${relativeLink(relative(directory, path) || '.')}">${file.path}</a>`;
}
