import { type Html, html, raw } from './html.js';
import { pageScript } from './page-script.js';
import { pageStyle } from './page-style.js';
import type { RunRecord } from './run-record.js';

/** What a page gets beyond what a file on disk may have. */
export interface PageOptions {
  /** Text of a script that runs after the page's own, and may fetch from where the page came from. */
  script?: string;
  /** Stands above everything else. */
  top?: Html;
  /** What is known of running processes; a page on disk takes records by their word. */
  now?: Now;
}

/** What one who looks at this moment, on this machine, can tell and files cannot. */
export interface Now {
  /** Milliseconds since 1970. */
  time: number;
  /** The status of a record that may say `running` of a process that is gone. */
  statusOf(record: Pick<RunRecord, 'status' | 'pid' | 'processStart' | 'host'>): string;
}

/** A whole self-contained document: nothing in it is fetched, and it reads without script as well. */
export function page(title: string, body: Html, { script, top }: PageOptions = {}): string {
  const mayFetch = script === undefined ? '' : "; connect-src 'self'";
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'${mayFetch}">
<title>${title}</title>
<style>${raw(pageStyle)}</style>
</head>
<body>
<main>
${top}${body}
</main>
<script>${raw(pageScript(script))}</script>
</body>
</html>
`.text;
}
