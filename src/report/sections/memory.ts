import { heldArea } from '../charts/held-area.js';
import { bytesText, countText } from '../format.js';
import { type Html, html } from '../html.js';
import type { MemoryPlan } from '../memory-plan.js';

/** Planned bytes against the peak of the process (null: not known), and the programs they were planned for. */
export function memory(plan: MemoryPlan, peak: number | null): Html {
  const planned = plan.plannedBytes ?? (plan.stateBytes ?? 0) + (plan.arenaBytes ?? 0);
  const other = Math.max(0, planned - (plan.stateBytes ?? 0) - (plan.arenaBytes ?? 0));
  const scale = Math.max(planned, peak ?? 0) || 1;
  return html`<section><h2>Memory and cost</h2><div class="stack"><div class="card"><div class="memory-rows">
<span>planned</span><span class="memory">${part('m0', plan.stateBytes, scale, 'weights and state')}${part('m1', plan.arenaBytes, scale, 'arena')}${part('m3', other, scale, 'other')}</span><b>${bytesText(planned)}</b>
${peak !== null && html`<span>used</span><span class="memory">${part('m2', peak, scale, 'peak of the process')}</span><b>${bytesText(peak)}</b>`}
</div><p class="note legend">${key('s0', 'weights and state', plan.stateBytes)}${key('s1', 'arena', plan.arenaBytes)}${other > 0 && key('s5', 'other', other)}${
    peak !== null && key('s2', 'peak of the whole process', peak)
  }</p>${peak !== null && html`<p class="note">The process holds Node.js, its modules and the rows it reads besides what is planned.</p>`}</div>
${heldCards(plan)}
${plan.programs.length > 0 && programTable(plan)}</div></section>`;
}

/** So many programs are drawn, those with the largest arenas: they are what memory is needed for. */
const DRAWN = 3;

function heldCards({ programs }: MemoryPlan): Html | null {
  const drawn = programs
    .filter((program) => program.held !== null && program.ops && program.arenaBytes)
    .sort((left, right) => right.arenaBytes! - left.arenaBytes!)
    .slice(0, DRAWN);
  if (drawn.length === 0) return null;
  return html`<div class="two">${drawn.map(({ name, ops, arenaBytes, held, peakOp }) =>
    heldArea({
      title: `Intermediates over the program: ${name}`,
      ops: ops!,
      arenaBytes: arenaBytes!,
      ...held!,
      ...(peakOp !== null && { note: html`Most is needed at <span class="mono">${peakOp}</span>` }),
    }),
  )}</div>`;
}

function part(className: string, bytes: number | null, scale: number, title: string): Html | null {
  if (!bytes) return null;
  return html`<span class="${className}" style="width:${((100 * bytes) / scale).toFixed(2)}%" title="${title}: ${bytesText(bytes)}"></span>`;
}

function key(className: string, label: string, bytes: number | null): Html | null {
  return bytes === null
    ? null
    : html`<span><i class="${className}"></i>${label} <b>${bytesText(bytes)}</b></span>`;
}

function programTable(plan: MemoryPlan): Html {
  return html`<div class="card scroll"><table><thead><tr><th scope="col">program</th><th scope="col" class="number">ops</th><th scope="col" class="number">arena</th><th scope="col" class="number">FLOPs per run</th></tr></thead>
<tbody>${plan.programs.map(
    (program) =>
      html`<tr><td>${program.name}</td><td class="number">${program.ops}</td><td class="number">${
        program.arenaBytes !== null && bytesText(program.arenaBytes)
      }</td><td class="number">${program.flops !== null && countText(program.flops)}</td></tr>`,
  )}</tbody></table></div>`;
}
