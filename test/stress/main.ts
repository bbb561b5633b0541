import { faultsStress } from './faults.js';
import { killsStress } from './kills.js';

/**
 * `npm run stress`: what takes too long for the tests. STRESS_KILLS (50) kills with SIGKILL at random moments of runs of
 * STRESS_SECONDS (60), STRESS_KILLS_PER_RUN (5) of them in each run; then a full disk and a read-only folder, as root on
 * Linux. Prints a line per run and a summary; exits 1 if anything differed.
 */
const number = (name: string, otherwise: number) => Number(process.env[name] ?? otherwise);

const failures = [
  ...(await killsStress({
    kills: number('STRESS_KILLS', 50),
    seconds: number('STRESS_SECONDS', 60),
    killsPerRun: number('STRESS_KILLS_PER_RUN', 5),
    seed: number('STRESS_SEED', 1),
  })),
  ...(await faultsStress()),
];
for (const failure of failures) console.log(`FAILED ${failure}`);
console.log(failures.length === 0 ? 'stress: all as it should be' : `stress: ${failures.length} failed`);
process.exitCode = failures.length === 0 ? 0 : 1;
