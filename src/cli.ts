import { fileURLToPath } from 'node:url';
import { main } from './cli/main.js';
import { ownProject } from './cli/own-project.js';

// dist/src/cli.js -> the project
const root = fileURLToPath(new URL('../..', import.meta.url));

process.exitCode = await main(process.argv.slice(2), ownProject(root, process));
