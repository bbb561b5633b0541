import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type ComposedConfig, type ComposeOptions, compose } from '../../src/config/index.js';
import { SluiceError } from '../../src/errors.js';

/** Runs `use` with a folder that holds these files; the folder is gone afterwards. */
export function withFiles<Result>(files: Record<string, string>, use: (folder: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-config-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Composes `config.yaml` of a set of files. */
export function composeFiles(
  files: Record<string, string>,
  overrides: string[] = [],
  options: Partial<ComposeOptions> = {},
): ComposedConfig {
  return withFiles(files, (folder) => {
    const composed = compose({
      configDirs: [folder],
      configName: 'config',
      cwd: folder,
      overrides,
      ...options,
    });
    composed.config(); // while the files are there
    return composed;
  });
}

/** The SluiceError that a call throws; fails for any other outcome. */
export function failureOf(call: () => unknown): SluiceError {
  try {
    call();
  } catch (error) {
    if (error instanceof SluiceError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
