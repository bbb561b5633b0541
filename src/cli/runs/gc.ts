import { relative } from 'node:path';
import { bytesText } from '../../report/format.js';
import { History } from '../../runner/history.js';
import { deleteGarbage } from '../../runner/runs/delete-garbage.js';
import { findGarbage, type Garbage, type GarbageKind, garbageKinds } from '../../runner/runs/garbage.js';
import type { CommandLine } from '../arguments.js';
import type { Project } from '../project.js';
import { tableText } from '../table-text.js';
import { readTime } from './read-time.js';
import { type CommandForm, readFlag, readWords, wrong } from './words.js';

export const gcKeys = ['keep', 'only', 'delete'] as const;

const form: CommandForm<(typeof gcKeys)[number]> = {
  usage: './run runs gc keep=7d only=failed,unused,checkpoints delete=true',
  keys: gcKeys,
  plain: [0, 0],
};

const usualKeep = '7d';

/** `./run runs gc`: what could be deleted; with `delete=true` it is. Exit code 1 where something could not be. */
export async function gcCommand(
  words: readonly string[],
  { log }: CommandLine,
  project: Project,
): Promise<number> {
  const { options } = readWords(words, form);
  const keepSince = readTime(options.keep === '0' ? '0d' : (options.keep ?? usualKeep));
  if (keepSince === undefined)
    throw wrong(`keep=${options.keep}: 12h, 7d, 4w, a date, or 0 is expected`, form);
  const kinds = options.only === undefined ? garbageKinds : options.only.split(',').map(readKind);
  const doDelete = readFlag(options.delete, 'delete', form);
  const history = new History(project.root);
  const found = findGarbage(history, project.root, { kinds, keepSince });
  const spared = doDelete ? await deleteGarbage(found, history) : [];
  const deleted = doDelete ? found.filter((garbage) => !spared.some((each) => each.garbage === garbage)) : [];
  if (log === 'json') {
    const told = {
      found,
      deleted: deleted.map(({ folder }) => folder),
      spared: spared.map(({ garbage, why }) => ({ folder: garbage.folder, why })),
    };
    project.stdout.write(`${JSON.stringify(told)}\n`);
    return spared.length === 0 ? 0 : 1;
  }
  project.stdout.write(`${text(found, doDelete ? deleted : undefined, project.root)}\n`);
  for (const { garbage, why } of spared)
    project.stderr.write(`warning: ${garbage.folder} was not deleted: ${why}\n`);
  return spared.length === 0 ? 0 : 1;
}

function readKind(text: string): GarbageKind {
  const found = garbageKinds.find((kind) => kind === text);
  if (found === undefined) throw wrong(`only=${text}: ${garbageKinds.join(', ')} are there`, form);
  return found;
}

const why: Record<GarbageKind, string> = {
  failed: '',
  unused: 'no kept run uses it',
  checkpoints: 'a later one replaced it',
};

const folders = (count: number) => `${count} ${count === 1 ? 'folder' : 'folders'}`;

function text(found: Garbage[], deleted: Garbage[] | undefined, root: string): string {
  if (found.length === 0) return 'nothing to delete';
  const shown = deleted ?? found;
  const total = bytesText(shown.reduce((sum, { bytes }) => sum + bytes, 0));
  const rows = shown.map(({ folder, kind, status, bytes }) => [
    relative(root, folder),
    kind === 'failed' ? status : why[kind],
    bytesText(bytes),
  ]);
  const title =
    deleted === undefined
      ? `${folders(found.length)}, ${total}, could go`
      : `deleted ${folders(deleted.length)}, ${total}`;
  const table = tableText({ title, columns: ['folder', 'why', 'size'], rows });
  return deleted === undefined ? `${table}\n\nnothing was deleted: add delete=true for that` : table;
}
