import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StagesModule } from './stage.js';

// What watches and starts stages rather than makes their numbers: a change there is no reason to run one again.
const otherRooms = ['runner', 'telemetry', 'config/sweep'].map((room) =>
  fileURLToPath(new URL(`../${room}/`, import.meta.url)),
);

// Imports, requires and files beside a module (the addon), by names written out; there are no others in the code of stages.
const imports =
  /(?:\bfrom\s*|\bimport\s*\(\s*|^import\s+|createRequire\(import\.meta\.url\)\(\s*|new URL\(\s*)(['"])([\w@./-]+)\1/gm;

/**
 * sha256 of the code that a stage consists of: its built modules with all that they import, the native addon, and the
 * packages by their entries in package-lock.json. A commit says less: checkouts are edited. Every file is read once per
 * command.
 */
export class CodeHashes {
  private readonly stagesModule: string;
  private readonly files = new Map<string, { sha256: string; imports: string[] }>();
  private readonly hashes = new Map<string, Promise<string>>();
  private lock: Record<string, unknown> | undefined;

  constructor(stagesModule: string) {
    this.stagesModule = stagesModule;
  }

  of(stage: string): Promise<string> {
    const known = this.hashes.get(stage) ?? this.hash(stage);
    this.hashes.set(stage, known);
    return known;
  }

  private async hash(stage: string): Promise<string> {
    const { codeOf } = (await import(this.stagesModule)) as StagesModule;
    const entries = codeOf?.(stage) ?? [''];
    const root = rootOf(fileURLToPath(this.stagesModule));
    const reached = new Set<string>();
    const waiting = entries.map((file) => fileURLToPath(new URL(file, this.stagesModule)));
    for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
      if (reached.has(file)) continue;
      reached.add(file);
      waiting.push(...this.read(file).imports);
    }
    const lines = [...reached].sort().map((file) => `${this.read(file).sha256}  ${relative(root, file)}\n`);
    return createHash('sha256').update(lines.join('')).digest('hex');
  }

  private read(file: string): { sha256: string; imports: string[] } {
    const known = this.files.get(file);
    if (known !== undefined) return known;
    const read = isPackage(file) ? this.readPackage(file) : readModule(file);
    this.files.set(file, read);
    return read;
  }

  // A package by its version and checksum: its files are what npm put there.
  private readPackage(name: string): { sha256: string; imports: string[] } {
    const root = rootOf(fileURLToPath(this.stagesModule));
    this.lock ??= lockedPackages(root);
    return { sha256: sha256(JSON.stringify(this.lock[`node_modules/${name}`] ?? name)), imports: [] };
  }
}

const isPackage = (name: string) => !name.startsWith('/') && !/^[A-Za-z]:\\/.test(name);

function readModule(file: string): { sha256: string; imports: string[] } {
  if (!existsSync(file)) return { sha256: 'not there', imports: [] }; // the stage itself says it better
  const bytes = readFileSync(file);
  const found = /\.[cm]?js$/.test(file) ? [...bytes.toString('utf8').matchAll(imports)] : [];
  const targets = found.map(([, , name]) => name!);
  return {
    sha256: sha256(bytes),
    imports: targets
      .map((name) => (name.startsWith('.') ? join(dirname(file), name) : packageOf(name)))
      .filter((path) => !otherRooms.some((room) => path.startsWith(room))),
  };
}

const packageOf = (name: string) =>
  name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');

const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');

/** The folder with package.json that a file lies in. */
function rootOf(file: string): string {
  let folder = dirname(file);
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

function lockedPackages(root: string): Record<string, unknown> {
  try {
    return (
      JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
        packages: Record<string, unknown>;
      }
    ).packages;
  } catch {
    return {};
  }
}
