import { openEngine } from '../../src/engine/index.js';
import { flashAttentionRows } from './rows/flash-attention.js';
import { numericRows } from './rows/index.js';
import { saveRow } from './save-row.js';

// `npm run save:programs -- DIR`: the op table's rows as saved programs, for `sluice-run check DIR` on another machine.
const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error('error: which folder?\n  hint: npm run save:programs -- DIR');
  process.exitCode = 2;
} else {
  const engine = await openEngine();
  const rows = [...numericRows, ...flashAttentionRows(true)];
  for (const row of rows) await saveRow(engine, row, folder);
  console.log(`${rows.length} rows in ${folder}`);
}
