import { curvesScript } from './script/curves.js';
import { geometry } from './script/geometry.js';
import { parallelScript } from './script/parallel.js';
import { tablesScript } from './script/tables.js';

/**
 * The page's one script. Pages are complete without it; it adds the slider, the switches, values under the pointer, sorting
 * and brushing. What it computes are the functions of charts/, as text; what is written out here only touches the document.
 * `more` runs after it and sees its functions.
 */
export function pageScript(more = ''): string {
  const parts = [geometry(), curvesScript, tablesScript, parallelScript, more];
  return `'use strict';\n(() => {\n${parts.join('\n')}\n})();`;
}
