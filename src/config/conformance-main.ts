import { runConformance } from './conformance.js';

const folder = process.argv[2];
if (folder === undefined) {
  process.stderr.write('usage: npm run conformance -- DIR\n');
  process.exitCode = 2;
} else {
  const passed = runConformance(folder, (line) => process.stdout.write(`${line}\n`));
  process.exitCode = passed ? 0 : 1;
}
