import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { openEngine } from '../engine/index.js';
import { describeError, SluiceError } from '../errors.js';
import { type Check, Checks, passed } from './checks.js';
import type { GoldenContext } from './fixture.js';
import { fixtureFolders, type GoldenTest, goldenTests } from './tests.js';

/** `npm run golden -- DIR [--device cpu|cuda|metal|emulator] [--only name]`: holds the engine against recorded numbers. */
async function main(argv: readonly string[]): Promise<number> {
  const { folder, device, only } = parseArguments(argv);
  const engine = await openEngine();
  const context: GoldenContext = { engine, folder, device, threads: Math.min(cpus().length, 2) };
  engine.session({ device, threads: context.threads }).close(); // says why, where it cannot be used
  const checks: Check[] = [];
  for (const { fixture, run } of chosenTests(folder, only)) {
    const { list, notes } = await run(context).catch((error: unknown) => exceptionAsFailure(fixture, error));
    for (const check of list) console.log(formatCheck(check));
    for (const note of notes) console.log(`note ${note}`);
    checks.push(...list);
  }
  const failures = checks.filter((check) => !passed(check)).length;
  console.log(`${checks.length - failures} passed, ${failures} failed`);
  return failures === 0 && checks.length > 0 ? 0 : 1;
}

function chosenTests(folder: string, only: string | null): GoldenTest[] {
  const all = goldenTests(folder);
  if (only === null) return all;
  const chosen = all.filter(({ fixture }) => fixture.split('/').some((part) => part.startsWith(only)));
  if (chosen.length === 0)
    throw usage(
      `no fixture of ${folder} begins with ${JSON.stringify(only)}: ${all.map(({ fixture }) => fixture).join(', ')}`,
    );
  return chosen;
}

function parseArguments(argv: readonly string[]): { folder: string; device: string; only: string | null } {
  const options = { folder: '', device: 'cpu', only: null as string | null };
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '--device') options.device = deviceOf(valueAfter(word, argv[++i]));
    else if (word === '--only') options.only = valueAfter(word, argv[++i]);
    else if (word.startsWith('-') || options.folder) throw usage(`unexpected ${word}`);
    else options.folder = word;
  }
  if (!options.folder) throw usage('the folder of golden fixtures is missing');
  if (!fixtureFolders.some((name) => existsSync(join(options.folder, name))))
    throw usage(`${options.folder} has none of ${fixtureFolders.join(', ')} in it`);
  return options;
}

function valueAfter(option: string, value: string | undefined): string {
  if (!value || value.startsWith('-')) throw usage(`${option} needs a value`);
  return value;
}

/** `emulator` is the GPU back end's kernels run thread by thread. */
const deviceOf = (name: string) => (name === 'emulator' ? 'emulator:ascending' : name);

function usage(problem: string): SluiceError {
  return new SluiceError('usage.golden', problem, {
    hint: 'npm run golden -- DIR [--device cpu|cuda|metal|emulator] [--only family]',
  });
}

/** A test that throws is one failed check that says why; the others still run. */
function exceptionAsFailure(fixture: string, error: unknown): Checks {
  const checks = new Checks(fixture);
  checks.failed('', error instanceof SluiceError ? error.message : describeError(error));
  return checks;
}

function formatCheck(check: Check): string {
  const mark = passed(check) ? 'ok  ' : 'FAIL';
  if (check.note !== undefined) return `${mark} ${check.name.trim()}: ${check.note}`;
  return `${mark} ${check.name.padEnd(58)} error ${check.error.toExponential(2)}  tolerance ${twoDigits(check.tolerance)}`;
}

/** 5e-6, 1.2e-2 */
const twoDigits = (value: number) => Number(value.toPrecision(2)).toExponential();

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(describeError(error));
  process.exitCode = error instanceof SluiceError ? error.exitCode : 1;
}
