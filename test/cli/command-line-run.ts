import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { main } from '../../src/cli/main.js';
import { commandLineProject } from '../runner/fixtures/command-line.js';
import { Lines } from '../runner/fixtures/lines.js';

/** A project in a temporary folder, and command lines run in it. */
export class CommandLineProject {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-cli-')));
  env: Record<string, string> = {};
  private stderr = new Lines();

  async run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
    const [stdout, stderr] = [new Lines(), new Lines()];
    this.stderr = stderr;
    const project = { ...commandLineProject(this.root, stdout, stderr), env: this.env };
    for (const [name, text] of this.files) this.put(name, text);
    const code = await main(argv, project);
    return { code, out: stdout.text, err: stderr.text };
  }

  /** Resolves when the command that runs has written this to standard error. */
  shown(part: string): Promise<void> {
    return this.stderr.seen(part);
  }

  /** Puts a file into the project, in place of its own where that has one. */
  write(name: string, text: string): void {
    this.files.set(name, text);
    this.put(name, text);
  }

  remove(): void {
    rmSync(this.root, { recursive: true });
  }

  private readonly files = new Map<string, string>();

  private put(name: string, text: string): void {
    mkdirSync(dirname(join(this.root, name)), { recursive: true });
    writeFileSync(join(this.root, name), text);
  }
}
