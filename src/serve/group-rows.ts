import {
  durationText,
  type Html,
  html,
  numberText,
  relativeLink,
  statusClass,
  timeText,
} from '../report/index.js';
import type { Figure } from '../runner/headline.js';
import type { KnownRun } from './known-run.js';
import type { Group, Member } from './run-list.js';

/** A group as a body of the table: its own row, and one below it for each of its members. */
export function groupRows(group: Group): Html {
  const { path, kind, members, startedAt } = group;
  const search = [
    path,
    ...(group.run?.overrides ?? []),
    ...members.flatMap(({ name, run }) => [name, ...run.overrides]),
  ];
  const statuses = [statusOf(group), ...members.map(({ run }) => run.status)];
  return html`<tbody data-path="${path}" data-kind="${kind}" data-started="${startedAt}" data-status="${[...new Set(statuses)].join(' ')}" data-search="${[...new Set(search)].join(' ').toLowerCase()}">
${kind === 'sweep' ? sweepRow(group) : runRow(path, group.run!, kind, members.length)}
${members.map((member) => memberRow(member, group.sweep?.manifest?.swept ?? null))}
</tbody>`;
}

/** The status of a group as the list shows it. */
export function statusOf({ run, sweep, members }: Group): string {
  if (run !== null) return run.status;
  const statuses = members.map((member) => member.run.status);
  return (
    sweep?.status ??
    ['running', 'failed', 'lost', 'interrupted'].find((one) => statuses.includes(one as never)) ??
    'done'
  );
}

function runRow(path: string, run: KnownRun, kind: string, members: number): Html {
  const { stage, startedAt } = run.record!;
  const label = html`<b>${stage}</b>${kind === 'pipeline' && html` <small>pipeline of ${run.record!.steps!.length} steps</small>`}`;
  return html`<tr class="top">${statusCell(run.status)}${nameCell(path, label, run.overrides, run, members)}${startCell(startedAt)}${timeCell(run)}${curveCell(run)}${figureCell(run.figure)}</tr>`;
}

function sweepRow(group: Group): Html {
  const { path, sweep, members, startedAt } = group;
  const stage = sweep?.manifest?.stage ?? members[0]?.run.record?.stage ?? 'empty';
  const jobs = sweep?.manifest?.jobs.length ?? members.length;
  const over = members.filter(({ run }) => !run.isOpen).length;
  const label = html`<b>${stage}</b> <small>sweep of ${jobs} ${jobs === 1 ? 'job' : 'jobs'}</small>`;
  const status = statusOf(group);
  const seconds = endOf(group);
  return html`<tr class="top">${statusCell(status)}${nameCell(path, label, [(sweep?.manifest?.swept ?? []).join(', ')].filter(Boolean), null, members.length)}${startCell(startedAt)}<td class="time">${
    status === 'running'
      ? progressBar(over / (jobs || 1), `${over} of ${jobs}`)
      : seconds !== null && durationText(seconds)
  }</td><td class="curve"></td>${figureCell(bestOf(group))}</tr>`;
}

/** Of a sweep's job the values that are its own say more than those that all have. */
function memberRow({ path, name, run }: Member, swept: readonly string[] | null): Html {
  const keyOf = (override: string) => override.slice(0, override.indexOf('='));
  const own = run.overrides.filter((override) => swept === null || swept.includes(keyOf(override)));
  const label = html`<b>${name}</b>${name !== run.record!.stage && html` <small>${run.record!.stage}</small>`}`;
  return html`<tr class="member">${statusCell(run.status)}${nameCell(path, label, own, run, 0)}${startCell(run.record!.startedAt)}${timeCell(run)}${curveCell(run)}${figureCell(run.figure)}</tr>`;
}

function statusCell(status: string): Html {
  return html`<td class="state"><span class="status-${statusClass(status)}">${status}</span></td>`;
}

function nameCell(
  path: string,
  label: Html,
  overrides: string[],
  run: KnownRun | null,
  members: number,
): Html {
  const error = run?.record?.error?.message.split('\n')[0];
  return html`<td class="name">${members > 0 && html`<button type="button" class="more" aria-expanded="false" aria-label="its ${members} runs" hidden></button>`}<a href="${relativeLink(`outputs/${path}/report.html`)}">${label}</a>
<span class="path">${path}</span>${overrides.length > 0 && html`<span class="overrides">${overrides.join('  ')}</span>`}${
    error && html`<span class="why">${error}</span>`
  }</td>`;
}

/** The script makes `5 min ago` of it. */
function startCell(startedAt: string): Html {
  return html`<td class="start"><time datetime="${startedAt}">${timeText(startedAt)}</time></td>`;
}

function timeCell(run: KnownRun): Html {
  const { durationSeconds, startedAt } = run.record!;
  if (run.status !== 'running')
    return html`<td class="time">${typeof durationSeconds === 'number' && durationText(durationSeconds)}</td>`;
  const { steps } = run.record!;
  if (steps !== undefined) {
    const over = steps.filter(({ status }) => !['waiting', 'running'].includes(status)).length;
    const names = steps.filter(({ status }) => status === 'running').map(({ name }) => name);
    const text = [`${over} of ${steps.length}`, names.join(', ')].filter(Boolean).join(': ');
    return html`<td class="time">${progressBar(over / (steps.length || 1), text)}<span class="since"><span data-since="${startedAt}"></span></span></td>`;
  }
  const { phase, step, totalSteps, etaSeconds } = run.progress ?? {};
  const known = typeof step === 'number' && typeof totalSteps === 'number' && totalSteps > 0;
  const left = typeof etaSeconds === 'number' ? `${durationText(etaSeconds)} left` : '';
  const text = [phase, known ? `${step} of ${totalSteps}${left}` : step]
    .filter((part) => part !== undefined)
    .join(' ');
  return html`<td class="time">${progressBar(known ? step / totalSteps : null, text)}<span class="since">${left || html`<span data-since="${startedAt}"></span>`}</span></td>`;
}

function progressBar(share: number | null, text: string): Html {
  return html`${share !== null && html`<span class="progress"><i style="width:${(100 * Math.min(1, share)).toFixed(1)}%"></i></span>`}<span class="progress-text">${text}</span>`;
}

function curveCell({ curve }: KnownRun): Html {
  if (curve === null || curve.path === '') return html`<td class="curve"></td>`;
  return html`<td class="curve"><svg viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label="${curve.name}"><title>${curve.name}</title><path d="${curve.path}"/></svg></td>`;
}

function figureCell(figure: Figure | null): Html {
  if (figure === null) return html`<td class="figure number"></td>`;
  return html`<td class="figure number" data-value="${figure.value}"><b>${numberText(figure.value)}</b><span>${figure.name}</span></td>`;
}

/** What the best job of a sweep reached, as its manifest says; where it has no objective, the lowest loss if all have one. */
function bestOf({ sweep, members }: Group): Figure | null {
  const { best, jobs, objective } = sweep?.manifest ?? {};
  const value = jobs?.find(({ num }) => num === best)?.objective;
  if (objective) return typeof value === 'number' ? { name: `best ${objective.metric}`, value } : null;
  const done = members.filter(({ run }) => run.status === 'done').flatMap(({ run }) => run.figure ?? []);
  const name = done[0]?.name;
  if (!name?.endsWith('loss') || done.some((figure) => figure.name !== name)) return null;
  return { name: `lowest ${name}`, value: Math.min(...done.map((figure) => figure.value)) };
}

/** Seconds from the sweep's start to the end of what ended last. */
function endOf({ sweep, members, startedAt }: Group): number | null {
  const ends = members.flatMap(({ run }) => run.record?.endedAt ?? []).sort();
  const end = sweep?.manifest?.endedAt ?? ends.at(-1);
  return end && startedAt !== '' ? (Date.parse(end) - Date.parse(startedAt)) / 1000 : null;
}
