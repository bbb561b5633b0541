import { type Html, html, raw } from './html.js';
import { pageScript } from './page-script.js';
import { pageStyle } from './page-style.js';

/** A whole self-contained document: nothing in it is fetched, and it reads without script as well. */
export function page(title: string, body: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${title}</title>
<style>${raw(pageStyle)}</style>
</head>
<body>
<main>
${body}
</main>
<script>${raw(pageScript())}</script>
</body>
</html>
`.text;
}
