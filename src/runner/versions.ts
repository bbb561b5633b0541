import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';

/** Versions that can change a run's numbers: Sluice, its commit, Node.js. The engine adds its own as a fact. */
export class Versions {
  private readonly root: string;
  private known: Promise<Record<string, string | null>> | undefined;

  constructor(root: string) {
    this.root = root;
  }

  /** Looked up once per command: asking git takes as long as starting a small stage. */
  all(): Promise<Record<string, string | null>> {
    this.known ??= collectVersions(this.root);
    return this.known;
  }
}

async function collectVersions(root: string): Promise<Record<string, string | null>> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return {
    sluice: version,
    commit: await commit(root),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
  };
}

// `1a2b3c…` or `1a2b3c…, changed` with edits that no commit holds; null outside a git checkout.
async function commit(root: string): Promise<string | null> {
  const git = (...args: string[]) => execa('git', args, { cwd: root, reject: false, timeout: 5000 });
  const [head, changes] = await Promise.all([git('rev-parse', 'HEAD'), git('status', '--porcelain', '-uno')]);
  if (head.failed) return null;
  return changes.stdout === '' ? head.stdout : `${head.stdout}, changed`;
}
