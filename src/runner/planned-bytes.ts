import { SluiceError } from '../errors.js';
import type { ComposedStage } from './compose-stage.js';
import type { EarlierRuns } from './earlier-runs.js';
import { planStage } from './plan-stage.js';
import { processBytes } from './step-resources.js';

/**
 * Bytes that a step will need: as its stage plans it, else what the latest good run of the stage took at its peak, else
 * null.
 */
export async function plannedBytes(
  composed: ComposedStage,
  host: { root: string; stagesModule: string },
  earlier: EarlierRuns,
): Promise<number | null> {
  try {
    const { plan } = await planStage(composed, host, () => {});
    if (plan.plannedBytes !== undefined) return plan.plannedBytes + processBytes;
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error; // the step itself will say it, with its log
  }
  const peak = earlier.latestOf(composed.stage)?.record.facts.peakMemoryBytes;
  return typeof peak === 'number' ? peak : null;
}
