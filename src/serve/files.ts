import type { Dirent } from 'node:fs';
import { extname } from 'node:path';
import { type Html, html, pageStyle, raw, relativeLink } from '../report/index.js';

/** What a browser shows as text; nothing of a run is shown as a page, whatever it holds. */
const TEXTS = new Set('.json .jsonl .yaml .yml .log .txt .md .csv .html .svg .jinja .py .ts .sh'.split(' '));
const IMAGES: Record<string, string> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
};

/** How a file is given: as text or a picture in the browser, anything else as a download. */
export function contentType(path: string): { type: string; inline: boolean } {
  const extension = extname(path).toLowerCase();
  if (TEXTS.has(extension)) return { type: 'text/plain; charset=utf-8', inline: true };
  if (IMAGES[extension] !== undefined) return { type: IMAGES[extension], inline: true };
  return { type: 'application/octet-stream', inline: false };
}

/** The names in a folder, folders first. */
export function folderPage(title: string, entries: readonly Dirent[]): string {
  const sorted = [...entries].sort(
    (left, right) =>
      Number(right.isDirectory()) - Number(left.isDirectory()) ||
      left.name.localeCompare(right.name, 'en', { numeric: true }),
  );
  const isRun = entries.some(({ name }) => name === 'run.json' || name === 'multirun.yaml');
  const row = (name: string, folder: boolean): Html =>
    html`<tr><td class="mono"><a href="${relativeLink(name)}${folder && '/'}">${name}${folder && '/'}</a></td></tr>`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${raw(pageStyle)}</style>
</head>
<body>
<main>
<p class="crumb"><a href="/">Runs</a>${isRun && html` · <a href="./report.html">report</a>`}</p>
<h1>${title}</h1>
<div class="card" style="margin-top:18px"><table><tbody>
<tr><td class="mono"><a href="../">../</a></td></tr>${sorted.map((entry) => row(entry.name, entry.isDirectory()))}
</tbody></table></div>
</main>
</body>
</html>
`.text;
}
