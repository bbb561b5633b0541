import { durationText } from '../format.js';
import { type Html, html } from '../html.js';
import type { StepRecord } from '../run-record.js';
import { statusClass } from '../status.js';

const BOX_WIDTH = 166;
const ROW_HEIGHT = 18;
const HEADER_HEIGHT = 40;
const GAP = 16;
const LANE_WIDTH = 11;
const PORT_WIDTH = 96;

/** One output that some step was given, as a wire: out of its maker, down a lane, into each step that used it. */
interface Wire {
  from: number;
  output: string;
  to: number[];
  lane: number;
}

interface Box {
  step: StepRecord;
  top: number;
  height: number;
  /** y of each port: what the step was given first, then what others took from it. */
  inputs: { wire: Wire; y: number }[];
  output: { wire: Wire; y: number }[];
}

/**
 * The steps of a pipeline as a wiring diagram: a box per step, top to bottom, its used outputs as ports, each with a
 * wire to the steps that were given it. Narrow enough for a phone whatever the number of steps.
 */
export function lineageGraph(steps: StepRecord[]): Html {
  const wires = wiresOf(steps);
  assignLanes(wires);
  const boxes = placeBoxes(steps, wires);
  const lanes = Math.max(0, ...wires.map((wire) => wire.lane + 1));
  const width = BOX_WIDTH + PORT_WIDTH + lanes * LANE_WIDTH + 8;
  const height = boxes.at(-1)!.top + boxes.at(-1)!.height + 2;
  return html`<svg class="lineage" viewBox="0 0 ${width} ${height}" style="max-width:${width}px" role="img" aria-label="${spoken(wires, steps)}">
${wires.map((wire) => wireMarkup(wire, boxes))}
${boxes.map(boxMarkup)}
</svg>`;
}

function wiresOf(steps: StepRecord[]): Wire[] {
  const indexOf = new Map(steps.map((step, index) => [step.name, index]));
  const wires = new Map<string, Wire>();
  steps.forEach((step, index) => {
    const used = step.uses ?? [];
    const plainNeeds = (step.needs ?? []).filter((need) => !used.some((use) => use.step === need));
    const all = [...used, ...plainNeeds.map((need) => ({ step: need, output: '' }))];
    for (const use of all) {
      const from = indexOf.get(use.step);
      if (from === undefined || from >= index) continue;
      const key = JSON.stringify([use.step, use.output]);
      const wire = wires.get(key) ?? { from, output: use.output, to: [], lane: 0 };
      if (!wire.to.includes(index)) wire.to.push(index);
      wires.set(key, wire);
    }
  });
  return [...wires.values()].sort((left, right) => left.from - right.from);
}

/** Shortest wires nearest to the boxes; two wires share a lane when one ends above the other's start. */
function assignLanes(wires: Wire[]): void {
  const length = (wire: Wire) => Math.max(...wire.to) - wire.from;
  const taken: Wire[][] = [];
  for (const wire of [...wires].sort((left, right) => length(left) - length(right))) {
    const overlaps = (other: Wire) =>
      wire.from <= Math.max(...other.to) && other.from <= Math.max(...wire.to);
    let lane = taken.findIndex((others) => !others.some(overlaps));
    if (lane < 0) lane = taken.push([]) - 1;
    taken[lane]!.push(wire);
    wire.lane = lane;
  }
}

function placeBoxes(steps: StepRecord[], wires: Wire[]): Box[] {
  let top = 1;
  return steps.map((step, index) => {
    const given = wires
      .filter((wire) => wire.to.includes(index))
      .sort((left, right) => left.lane - right.lane);
    // Outermost lane first: lines that leave a box do not cross its other wires.
    const made = wires.filter((wire) => wire.from === index).sort((left, right) => right.lane - left.lane);
    const y = (port: number) => top + 13 + port * ROW_HEIGHT;
    const inputs = given.map((wire, port) => ({ wire, y: y(port) }));
    const output = made.map((wire, port) => ({ wire, y: y(given.length + port) }));
    const height = Math.max(HEADER_HEIGHT, (given.length + made.length) * ROW_HEIGHT + 8);
    const box = { step, top, height, inputs, output };
    top += height + GAP;
    return box;
  });
}

function wireMarkup(wire: Wire, boxes: Box[]): Html {
  const x = BOX_WIDTH + PORT_WIDTH + wire.lane * LANE_WIDTH + 4;
  const start = boxes[wire.from]!.output.find((port) => port.wire === wire)!.y;
  const ends = wire.to.map((index) => boxes[index]!.inputs.find((port) => port.wire === wire)!.y);
  const style = wire.output === '' ? 'wire after' : `wire s${wire.from % 6}`;
  const bend = 5;
  const paths = ends.map(
    (end) =>
      `M${BOX_WIDTH},${start}H${x - bend}Q${x},${start} ${x},${start + bend}V${end - bend}Q${x},${end} ${x - bend},${end}H${BOX_WIDTH + 6}`,
  );
  const names = wire.to.map((index) => boxes[index]!.step.name).join(', ');
  return html`<g class="${style}"><title>${boxes[wire.from]!.step.name}: ${wire.output || 'done'} to ${names}</title>
<path d="${paths.join('')}"/>
${ends.map((end) => html`<path class="arrow" d="M${BOX_WIDTH + 1},${end}l7,-3.5v7z"/><text x="${BOX_WIDTH + 12}" y="${end - 3.5}">${clipped(wire.output || 'after', 16)}</text>`)}
<text class="made" x="${BOX_WIDTH + 12}" y="${start - 3.5}">${clipped(wire.output || 'done', 16)}</text></g>`;
}

function boxMarkup(box: Box): Html {
  const { step } = box;
  const { status, durationSeconds } = step;
  const seconds = typeof durationSeconds === 'number' ? durationText(durationSeconds) : null;
  const end = status === 'done' ? [seconds ?? status] : [status, seconds];
  const detail = [step.stage === step.name ? null : step.stage, ...end]
    .filter((part) => part !== null)
    .join(' · ');
  return html`<g class="step ${statusClass(step.status)}"><rect x="1" y="${box.top}" width="${BOX_WIDTH - 1}" height="${box.height}" rx="7"/>
<circle class="status-${statusClass(step.status)}" cx="14" cy="${box.top + 16}" r="4"/>
<text class="step-name" x="25" y="${box.top + 20}">${clipped(step.name, 20)}</text>
<text class="step-detail" x="25" y="${box.top + 33}">${clipped(detail, 27)}</text></g>`;
}

function clipped(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

function spoken(wires: Wire[], steps: StepRecord[]): string {
  const parts = wires.map(
    (wire) =>
      `${wire.output || 'the end'} of ${steps[wire.from]!.name} to ${wire.to.map((index) => steps[index]!.name).join(' and ')}`,
  );
  return parts.length > 0 ? parts.join('; ') : 'steps without connections';
}
