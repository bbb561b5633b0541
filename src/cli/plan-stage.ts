import type { ComposedStage } from '../runner/compose-stage.js';
import { planStage } from '../runner/plan-stage.js';
import type { Project } from './project.js';

/** `--plan` of a stage: prints what its programs need. */
export async function printPlan(ready: ComposedStage, project: Project): Promise<number> {
  const { stdout, stderr } = project;
  const { plan } = await planStage(ready, project, (line) => void stderr.write(`${line}\n`));
  const { text } = plan;
  stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  return 0;
}
