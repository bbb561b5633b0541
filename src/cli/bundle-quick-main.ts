import { readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleQuick } from './quick-bundle.js';

// Part of the set-up. dist/src/cli/ -> dist/
const dist = fileURLToPath(new URL('../..', import.meta.url));

await bundleQuick(dist);
// Bytecode of the files before; start.cts makes the next.
for (const name of readdirSync(dist)) if (/^quick\..*bytecode/.test(name)) rmSync(dist + name);
