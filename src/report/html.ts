/** A piece of finished markup. Only `html` and `raw` make one, so text that is not one is always escaped. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type HtmlValue = Html | string | number | null | undefined | false | readonly HtmlValue[];

/**
 * Markup with every value escaped for text and for quoted attributes alike; lists are joined, null, undefined
 * and false vanish.
 *
 *     html`<a href="${link}">${name}</a>`
 */
export function html(strings: TemplateStringsArray, ...values: HtmlValue[]): Html {
  let text = strings[0]!;
  values.forEach((value, index) => {
    text += markup(value) + strings[index + 1]!;
  });
  return new Html(text);
}

/** Markup that was built elsewhere and is known to be safe: numbers in a path, the page's own style and script. */
export function raw(text: string): Html {
  return new Html(text);
}

/** A script element that holds data. `<` cannot end the element early, whatever the data says. */
export function dataScript(className: string, value: unknown): Html {
  const json = JSON.stringify(value).replaceAll('<', '\\u003c');
  return html`<script type="application/json" class="${className}">${raw(json)}</script>`;
}

/** A relative link to a path below or beside the page: each segment is encoded, so no scheme can be smuggled in. */
export function relativeLink(path: string): string {
  return `./${path.split(/[\\/]/).map(encodeSegment).join('/')}`;
}

function markup(value: HtmlValue): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Html) return value.text;
  if (Array.isArray(value)) return value.map(markup).join('');
  return escapeText(String(value));
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeText(text: string): string {
  return text.replace(FORBIDDEN, '\ufffd').replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}

// HTML allows no control characters but tab and line ends, and no lone surrogates, not even as references.
const FORBIDDEN = /[^\P{Cc}\t\n\r]|\p{Surrogate}/gu;

function encodeSegment(segment: string): string {
  // A lone surrogate is the one thing encodeURIComponent refuses.
  return encodeURIComponent(segment.replace(/\p{Surrogate}/gu, '\ufffd'));
}
