import { fileURLToPath } from 'node:url';
import { stages } from '../stages/index.js';
import { main } from './cli/main.js';

// dist/src/cli.js -> the project
const root = fileURLToPath(new URL('../..', import.meta.url));

process.exitCode = await main(process.argv.slice(2), {
  root,
  cwd: process.cwd(),
  configs: `${root}configs`,
  stages,
  stagesModule: new URL('../stages/index.js', import.meta.url).href,
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
});
