import type { Project } from '../project.js';
import { completeWord } from './complete-word.js';
import { readShellLine } from './shell-line.js';

/**
 * Candidates for the word at the cursor of the line that the environment holds, in the form that the shell takes them: the
 * whole word, and for bash only what it would replace (from the last of bash's word breaks on), escaped.
 */
export async function queryCompletion(forBash: boolean, project: Project): Promise<string[]> {
  const { COMP_LINE = '', COMP_POINT = '', COMP_BREAKS = '' } = project.env;
  const point = Number.parseInt(COMP_POINT, 10);
  const typed = [...COMP_LINE].slice(0, Number.isNaN(point) ? undefined : point).join('');
  const line = readShellLine(typed, forBash ? COMP_BREAKS : '');
  const found = await completeWord(line.words, line.current, project);
  if (!forBash) return found;
  return found.map((word) => {
    const rest = word.slice(line.kept);
    return line.quote === '' ? rest.replace(/[\s"'$&();<>|`\\*?!{}#]/g, '\\$&') : rest;
  });
}
