import { fileURLToPath } from 'node:url';
import { main } from './cli/main.js';
import { outliveReaders } from './cli/outlive-readers.js';
import { ownProject } from './cli/own-project.js';
import { ignoreOtherSignals } from './runner/end-signals.js';

// dist/src/cli.js -> the project
const root = fileURLToPath(new URL('../..', import.meta.url));

outliveReaders(process);
ignoreOtherSignals();
process.exitCode = await main(process.argv.slice(2), ownProject(root, process));
