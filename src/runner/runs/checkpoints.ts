import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { listSteps, readManifest, sha256OfFile } from '../../checkpoint/training-state.js';
import { SluiceError } from '../../errors.js';
import type { Artifact } from '../artifact.js';

/**
 * The checkpoints of a run, `checkpoints/step_<n>`, with the hashes that their manifests have of their files; as a run's
 * record would have them if it named them. One without a readable manifest is left out.
 */
export function checkpointsOf(folder: string): Artifact[] {
  return listSteps(join(folder, 'checkpoints')).flatMap((step) => {
    const path = `checkpoints/step_${step}`;
    const files = listed(join(folder, path));
    if (files === undefined) return [];
    const lines = files.map((file) => `${file.sha256}  ${file.path}\n`);
    return {
      name: path,
      path,
      kind: 'folder',
      sha256: createHash('sha256').update(lines.join('')).digest('hex'), // see `fingerprint`
      bytes: files.reduce((sum, file) => sum + file.bytes, 0),
      files,
    };
  });
}

function listed(path: string): NonNullable<Artifact['files']> | undefined {
  try {
    const files = Object.entries(readManifest(path).files).map(([name, file]) => ({ path: name, ...file }));
    const own = { path: 'manifest.json', sha256: sha256OfFile(join(path, 'manifest.json')), bytes: 0 };
    return [...files, own].sort((a, b) => (a.path < b.path ? -1 : 1));
  } catch (error) {
    if (error instanceof SluiceError) return undefined;
    throw error;
  }
}
