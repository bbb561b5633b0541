import type { ProgressEvent } from '../../telemetry/event.js';

/** One line: `train 120/400  loss 3.214  12.3k tok/s  mfu 41%  eta 1:05`. */
export function progressText(progress: ProgressEvent): string {
  const { phase, step, totalSteps, loss, tokensPerSecond, mfu, etaSeconds } = progress;
  const parts = [totalSteps === null ? `${phase} ${step}` : `${phase} ${step}/${totalSteps}`];
  if (loss !== undefined) parts.push(`loss ${loss.toPrecision(4)}`);
  if (tokensPerSecond !== undefined) parts.push(`${shortNumber(tokensPerSecond)} tok/s`);
  if (mfu !== undefined) parts.push(`mfu ${Math.round(mfu * 100)}%`);
  if (etaSeconds !== undefined) parts.push(`eta ${clock(etaSeconds)}`);
  return parts.join('  ');
}

/** `skipped: same config, code and inputs: outputs/prepare/…`, `skipped: it needs base, which failed`. */
export const skippedText = (reason: string, folder?: string) =>
  `skipped: ${reason}${folder === undefined ? '' : ` as ${folder}`}`;

/** 950, 12.3k, 4.56M */
function shortNumber(value: number): string {
  if (value < 1000) return String(Math.round(value));
  return value < 1e6 ? `${(value / 1e3).toPrecision(3)}k` : `${(value / 1e6).toPrecision(3)}M`;
}

/** 0:07, 12:30, 1:02:03 */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
