import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { SluiceError } from '../errors.js';
import { isTemporary, writeFolderAtomic } from './atomic.js';
import { diskReason } from './disk-reason.js';
import { SafetensorsFile } from './safetensors-file.js';
import { type TensorToWrite, writeSafetensors } from './safetensors-write.js';

/** Everything a run needs to go on as if it had never stopped. */
export interface TrainingState {
  readonly step: number;
  /** Plain JSON: seeds, counters, running sums. */
  readonly progress: Readonly<Record<string, unknown>>;
  /** Further files by name, as texts: the config, the metrics so far. */
  readonly texts?: Readonly<Record<string, string>>;
  /** Weights, moments and whatever else lives in the session, by state name. */
  readonly tensors: readonly TensorToWrite[];
}

interface Manifest {
  step: number;
  files: Record<string, { bytes: number; sha256: string }>;
}

const manifestName = 'manifest.json';
const ownFiles = ['progress.json', 'state.safetensors'];

/**
 * Writes `<folder>/step_<n>/` with state.safetensors, progress.json, the texts and a manifest of hashes: into a
 * temporary folder, synced, renamed, its parent synced. Returns the path. Throws `checkpoint.write` where the disk does
 * not take it; what was there before is still there.
 */
export function saveTrainingState(folder: string, state: TrainingState): string {
  const path = join(folder, `step_${state.step}`);
  const texts = { ...state.texts, 'progress.json': `${JSON.stringify(state.progress, null, 1)}\n` };
  try {
    writeFolderAtomic(path, (temporary) => {
      writeSafetensors(join(temporary, 'state.safetensors'), state.tensors, { step: String(state.step) });
      for (const [name, text] of Object.entries(texts)) writeFileSync(join(temporary, name), text);
      const manifest: Manifest = { step: state.step, files: {} };
      for (const name of [...Object.keys(texts), 'state.safetensors'].sort()) {
        const file = join(temporary, name);
        manifest.files[name] = { bytes: statSync(file).size, sha256: sha256OfFile(file) };
      }
      writeFileSync(join(temporary, manifestName), `${JSON.stringify(manifest, null, 1)}\n`);
    });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === undefined) throw cause;
    throw new SluiceError(
      'checkpoint.write',
      `the checkpoint of step ${state.step} cannot be written: ${message}`,
      {
        where: path,
        hint: diskReason(cause) ?? 'look at the disk and the folder',
        cause,
      },
    );
  }
  return path;
}

/** The names and texts of a checkpoint's own record, without its tensors; see {@link openTrainingState}. */
export function readStateText(path: string, name: string): string {
  const { files } = readManifest(path);
  const found = files[name];
  if (found === undefined) throw corrupt(path, `its manifest has no ${name}`);
  checkFile(path, name, found);
  return readFileSync(join(path, name), 'utf8');
}

/** An opened training state; `tensors` is open for reading and the caller closes it. */
export interface OpenTrainingState {
  readonly path: string;
  readonly step: number;
  readonly progress: Readonly<Record<string, unknown>>;
  readonly tensors: SafetensorsFile;
}

/** Opens one `step_<n>` folder. Throws `checkpoint.corrupt` naming the file that is not what the manifest says. */
export function openTrainingState(path: string): OpenTrainingState {
  const manifest = readManifest(path);
  const unlisted = ownFiles.find((name) => manifest.files[name] === undefined);
  if (unlisted !== undefined) throw corrupt(path, `its manifest has no ${unlisted}`);
  if (basename(path) !== `step_${manifest.step}`)
    throw corrupt(path, `its manifest is of step ${manifest.step}`);
  for (const [name, file] of Object.entries(manifest.files)) checkFile(path, name, file);
  return {
    path,
    step: manifest.step,
    progress: JSON.parse(readFileSync(join(path, 'progress.json'), 'utf8')),
    tensors: new SafetensorsFile(join(path, 'state.safetensors')),
  };
}

/**
 * Opens the newest complete state below `folder`, or gives null when there is none. Unfinished folders are passed
 * over in silence (they are what a kill leaves); damaged ones are passed over with a warning. `from`: the step to start
 * at, going down.
 */
export function openLatestTrainingState(
  folder: string,
  warn: (text: string) => void,
  from = Number.POSITIVE_INFINITY,
): OpenTrainingState | null {
  for (const step of listSteps(folder).filter((each) => each <= from)) {
    const path = join(folder, `step_${step}`);
    try {
      return openTrainingState(path);
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      warn(`skipped a damaged checkpoint: ${error.message}`);
    }
  }
  return null;
}

/** Steps that have a folder, newest first. */
export function listSteps(folder: string): number[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^step_\d+$/.test(name) && !isTemporary(name))
    .map((name) => Number(name.slice('step_'.length)))
    .sort((a, b) => b - a);
}

/** Hex sha256 of a file, read in pieces. */
export function sha256OfFile(path: string): string {
  const hash = createHash('sha256');
  const descriptor = openSync(path, 'r');
  const chunk = Buffer.alloc(1 << 20);
  let count = 0;
  while ((count = readSync(descriptor, chunk)) > 0) hash.update(chunk.subarray(0, count));
  closeSync(descriptor);
  return hash.digest('hex');
}

function checkFile(path: string, name: string, { bytes, sha256 }: Manifest['files'][string]): void {
  const file = join(path, name);
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) throw corrupt(path, `${name} is missing`);
  if (found.size !== bytes) throw corrupt(path, `${name} has ${found.size} bytes, not ${bytes}`);
  if (sha256OfFile(file) !== sha256) throw corrupt(path, `${name} does not have the recorded sha256`);
}

export function readManifest(path: string): Manifest {
  try {
    const manifest = JSON.parse(readFileSync(join(path, manifestName), 'utf8')) as Manifest;
    if (Number.isInteger(manifest.step) && typeof manifest.files === 'object' && manifest.files !== null)
      return manifest;
  } catch (cause) {
    throw new SluiceError('checkpoint.corrupt', `${path}: no readable ${manifestName}`, {
      where: path,
      cause,
    });
  }
  throw corrupt(path, `${manifestName} is not a manifest`);
}

function corrupt(path: string, reason: string): SluiceError {
  return new SluiceError('checkpoint.corrupt', `${path}: ${reason}`, {
    where: path,
    hint: 'delete the folder; an earlier checkpoint will be used',
  });
}
