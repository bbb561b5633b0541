import { main } from './main.js';
import { ownProject } from './own-project.js';

/** What a command prints. */
export interface Answer {
  stdout: string;
  stderr: string;
}

/**
 * Answers a command line that only prints, from the one file that `quick-bundle.ts` makes of this one. Undefined where that
 * fails for whatever reason: nothing was printed yet, and the ordinary start does it again, with all of the program there.
 */
export async function quickAnswer(argv: readonly string[], root: string): Promise<Answer | undefined> {
  const answer: Answer = { stdout: '', stderr: '' };
  const into = (stream: keyof Answer) =>
    ({ write: (text: string) => (answer[stream] += text) }) as unknown as NodeJS.WriteStream;
  const exitCode = await main(argv, ownProject(root, { stdout: into('stdout'), stderr: into('stderr') }));
  return exitCode === 0 ? answer : undefined;
}
