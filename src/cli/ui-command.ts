import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SluiceError } from '../errors.js';
import { catchSignals, Interrupt } from '../runner/interrupt.js';
import { serveRuns } from '../serve/index.js';
import type { CommandLine } from './arguments.js';
import type { Project } from './project.js';

/** `./run ui [port=…] [outputs=…]`: the runs of this project as pages on 127.0.0.1, until Ctrl-C, which is its good end: 0. */
export async function uiCommand({ rest, log }: CommandLine, project: Project): Promise<number> {
  const { port, outputs } = settings(rest, project);
  const serving = await serveRuns(outputs, port);
  project.stdout.write(
    log === 'json'
      ? `${JSON.stringify({ url: serving.url, outputs })}\n`
      : `Runs of ${outputs} at ${serving.url}  (Ctrl-C ends it)\n`,
  );
  const interrupt = new Interrupt();
  const stopCatching = catchSignals(interrupt);
  await new Promise<void>((end) => void interrupt.on((request) => request !== 'checkpoint' && end()));
  stopCatching();
  await serving.close();
  return 0;
}

function settings(words: readonly string[], { root }: Project): { port: number | null; outputs: string } {
  const found = { port: null as number | null, outputs: join(root, 'outputs') };
  for (const word of words) {
    const [key, value] = [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)];
    if (word.includes('=') && key === 'port') found.port = portNumber(value);
    else if (word.includes('=') && key === 'outputs' && value !== '')
      found.outputs = folderAt(resolve(root, value));
    else {
      throw new SluiceError('usage.ui', `ui does not know ${word}`, {
        hint: './run ui [port=8265] [outputs=FOLDER]',
      });
    }
  }
  return found;
}

/** A project without runs has no outputs folder yet; one that was asked for by name is there. */
function folderAt(path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
  throw new SluiceError('usage.ui', 'there is no such folder', { where: `outputs=${path}` });
}

function portNumber(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65535) return port;
  throw new SluiceError('usage.ui', `port=${text} is no port`, {
    hint: 'a number from 1 to 65535; 0 for any free one',
  });
}
