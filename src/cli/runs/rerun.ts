import { relative } from 'node:path';
import { composeSaved } from '../../config/saved.js';
import { SluiceError } from '../../errors.js';
import { type ComparedOutput, changedInputs, compareOutputs } from '../../runner/runs/compare-outputs.js';
import { compareRuns } from '../../runner/runs/compare-runs.js';
import type { FoundRun } from '../../runner/runs/find-run.js';
import { shownStatus } from '../../runner/runs/shown-status.js';
import type { CommandLine } from '../arguments.js';
import { configResolvers } from '../config-resolvers.js';
import { printError } from '../print-result.js';
import type { Project } from '../project.js';
import { readyStage } from '../ready-stage.js';
import { runByItself } from '../run-and-print.js';
import { findSaved, stageOfRun } from '../saved-run.js';
import { tableText } from '../table-text.js';
import { foundRun } from './find.js';
import { recordedConfig } from './recorded-config.js';
import { shortHash } from './texts.js';
import { type CommandForm, readFlag, readWords } from './words.js';

export const rerunKeys = ['allow_changed'] as const;

const form: CommandForm<(typeof rerunKeys)[number]> = {
  usage: './run runs rerun ID [allow_changed=true]',
  keys: rerunKeys,
  plain: [1, 1],
};

/**
 * `./run runs rerun ID`: the same config (as it was resolved then) on the same inputs (by their hashes) in a new folder,
 * and the outputs of both bit for bit. Exit code 1 where they differ.
 */
export async function rerunCommand(
  words: readonly string[],
  line: CommandLine,
  project: Project,
): Promise<number> {
  const { plain, options } = readWords(words, form);
  const original = foundRun(plain[0]!, project);
  const stage = stageOfRun(original.record, project);
  if (original.record.status !== 'done') {
    throw new SluiceError(
      'usage.rerun',
      `${original.record.id} is ${shownStatus(original.record)}: there is nothing to compare with`,
      {
        hint: `to run it again: ${original.record.command}`,
      },
    );
  }
  const text = recordedConfig(original);
  await checkInputs(original, readFlag(options.allow_changed, 'allow_changed', form), project);
  const { files } = findSaved(original.folder, project.root);
  const composed = composeSaved(
    { ...files, config: { ...files.config, text } },
    {
      env: project.env,
      resolvers: configResolvers(line, project, original.record.startedAt),
      warn: (message) => void project.stderr.write(`warning: ${message}\n`),
    },
  );
  const again = await runByItself(await readyStage(stage, composed, project), composed, line, project);
  if (again.record.status !== 'done') {
    printError(again, project);
    return again.record.exitCode!;
  }
  const outputs = compareOutputs(original.record, again.record);
  const same = outputs.every((output) => output.same);
  const { a, b } = { a: original.record.id, b: again.record.id };
  if (line.log === 'json')
    project.stdout.write(`${JSON.stringify({ original: a, again: b, same, outputs })}\n`);
  else project.stdout.write(`\n${verdict(original, again, outputs)}\n`);
  return same ? 0 : 1;
}

async function checkInputs(original: FoundRun, allowed: boolean, { root, stderr }: Project): Promise<void> {
  const changed = await changedInputs(original);
  if (changed.length === 0) return;
  const lines = changed.map(({ name, path, was, is }) => {
    const now = is === null ? 'is not there any more' : `is ${shortHash(is)} now`;
    return `${name} was ${shortHash(was)}, ${now} (${relative(root, path)})`;
  });
  const message = `${original.record.id} read other inputs: ${lines.join('; ')}`;
  if (allowed && changed.every(({ is }) => is !== null)) {
    stderr.write(`warning: ${message}\n`);
    return;
  }
  const missing = changed.some(({ is }) => is === null);
  throw new SluiceError('run.inputs_changed', message, {
    hint: missing
      ? './run runs trace tells which run made a file; put it back first'
      : 'allow_changed=true runs it all the same',
  });
}

function verdict(original: FoundRun, again: FoundRun, outputs: ComparedOutput[]): string {
  const { config, versions } = compareRuns(original, again);
  const listsFiles = outputs.some(({ files }) => files.length > 0);
  const rows = outputs.map(({ name, same, a, b, files }) => [
    name,
    same ? 'the same' : 'DIFFERENT',
    a === null ? '–' : shortHash(a),
    b === null ? '–' : shortHash(b),
    ...(listsFiles ? [files.join(', ')] : []),
  ]);
  const [first, second] = [original.record.id, again.record.id];
  const differing = outputs.filter(({ same }) => !same).length;
  const parts = [
    outputs.length === 0
      ? `${first} made no outputs to compare`
      : tableText({
          title: `${first} and ${second}`,
          columns: ['output', '', 'then', 'now', ...(listsFiles ? ['files'] : [])],
          rows,
        }),
    outputs.length === 0
      ? ''
      : `${outputs.length - differing} of ${outputs.length} outputs are the same, bit for bit`,
    differing === 0 || versions.length === 0
      ? ''
      : `versions that differ: ${versions.map(({ key, a, b }) => `${key} (${a ?? 'none'}, now ${b ?? 'none'})`).join(', ')}`,
    config.length === 0
      ? ''
      : `keys with another value, for its own folder: ${config.map(({ key }) => key).join(', ')}`,
  ];
  return parts.filter(Boolean).join('\n\n');
}
