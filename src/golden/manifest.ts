import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Checks } from './checks.js';
import { type GoldenContext, readJson } from './fixture.js';

/** `manifest.json`: the files are those that were recorded, so that a copy with other ones is no measure of the engine. */
export async function checkManifest({ folder }: GoldenContext): Promise<Checks> {
  const checks = new Checks('manifest.json');
  const { files } = readJson(folder, 'manifest.json') as { files: Record<string, { sha256: string }> };
  const wrong = Object.entries(files).flatMap(([name, { sha256 }]) => {
    if (!name.includes('/')) return []; // a README beside the fixtures
    const file = join(folder, name);
    if (!existsSync(file)) return [`${name} is missing`];
    const found = createHash('sha256').update(readFileSync(file)).digest('hex');
    return found === sha256 ? [] : [`${name} is another file`];
  });
  if (wrong.length > 0) checks.failed('files', wrong.slice(0, 6).join('; '));
  else checks.add('files', 0, 0);
  return checks;
}
