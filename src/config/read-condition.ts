/**
 * When a key is read, as a schema says it beside the key: `{"peft_mode": "lora"}`, `{"name": ["linear", "cosine"]}`,
 * `{"data_path": {"not": null}}`, `{"kinds": {"has": "speaker"}}`. Keys are siblings; each dot more before a key (`..key`) goes
 * one mapping up, as in an interpolation; `..data.path` looks inside a mapping there.
 */
export type ReadCondition = Record<string, unknown>;

/** A condition that does not hold: where it looked, what stands there, what would have to. */
export interface Unmet {
  path: string;
  /** `training.peft_mode is full_rank` */
  is: string;
  /** `training.peft_mode is lora` */
  wanted: string;
}

/**
 * What of a condition beside the value at `path` does not hold; undefined when all does, or when it cannot be known yet because
 * what it looks at has no value.
 */
export function unmetCondition(
  condition: ReadCondition,
  root: unknown,
  path: readonly string[],
): Unmet | undefined {
  for (const [reference, wanted] of Object.entries(condition)) {
    const dots = /^\.*/.exec(reference)![0].length;
    const target = [...path.slice(0, path.length - Math.max(1, dots)), ...reference.slice(dots).split('.')];
    const value = target.reduce<unknown>(
      (at, key) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined),
      root,
    );
    if (value === undefined || value === '???' || holds(value, wanted)) continue;
    const name = target.join('.');
    return { path: name, is: `${name} ${state(value, wanted)}`, wanted: `${name} ${wish(wanted)}` };
  }
  return undefined;
}

function holds(value: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) return wanted.includes(value);
  if (!isTree(wanted)) return value === wanted;
  return 'has' in wanted ? Array.isArray(value) && value.includes(wanted.has) : value !== wanted.not;
}

function state(value: unknown, wanted: unknown): string {
  return isTree(wanted) && 'has' in wanted ? `does not have ${String(wanted.has)}` : `is ${text(value)}`;
}

function wish(wanted: unknown): string {
  if (Array.isArray(wanted)) return `is ${wanted.map(text).join(' or ')}`;
  if (!isTree(wanted)) return `is ${text(wanted)}`;
  return 'has' in wanted ? `has ${String(wanted.has)}` : `is not ${text(wanted.not)}`;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

const isTree = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
