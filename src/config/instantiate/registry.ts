import { configError } from '../config-error.js';
import { nearest } from '../nearest.js';

/**
 * A function that a config can name. It takes the keys of the config node as one object, then the items of `_args_`:
 *
 *     _target_: top_percentage
 *     percentage: 0.1           ->  topPercentage({ percentage: 0.1 })
 */
export type Target<Made> = (options: never, ...args: never[]) => Made | Promise<Made>;

/** What a registry knows of a name before its code is loaded. */
export interface TargetEntry<Made> {
  /** Called when something of that name is made, not before: `async () => (await import('./mine.js')).mine`. */
  load(): Promise<Target<Made>>;
  /** JSON Schema of each option it takes; others are refused. */
  options: Readonly<Record<string, object>>;
  /** Options that have no default. */
  required?: readonly string[];
}

export type Targets<Made> = Readonly<Record<string, TargetEntry<Made>>>;

/** The names that may stand in `_target_` at one kind of place. Nothing else can be reached from a config. */
export class Registry<Made> {
  /** Of one entry, for messages: `selector`. */
  readonly kind: string;
  private readonly entries: ReadonlyMap<string, TargetEntry<Made>>;
  private readonly aliases: Readonly<Record<string, string>>;

  /**
   * @param own what a project adds; a name that is taken already is an error
   * @param aliases other spellings, such as the reference's own dotted names
   */
  constructor(
    kind: string,
    builtIn: Targets<Made>,
    own: Targets<Made> = {},
    aliases: Readonly<Record<string, string>> = {},
  ) {
    const entries = new Map(Object.entries(builtIn));
    for (const [name, entry] of Object.entries(own)) {
      if (entries.has(name)) throw registration(kind, name, 'is built in', 'give yours another name');
      if (!/^[A-Za-z]\w*$/.test(name) || name === 'constructor')
        throw registration(kind, name, 'is no name', 'letters, digits and underscores, a letter first');
      entries.set(name, entry);
    }
    this.kind = kind;
    this.entries = entries;
    this.aliases = aliases;
  }

  get names(): string[] {
    return [...this.entries.keys()];
  }

  entry(name: string): TargetEntry<Made> | undefined {
    const alias = Object.hasOwn(this.aliases, name) ? this.aliases[name]! : name;
    return this.entries.get(alias);
  }

  /** What is wrong with a name that has no entry. */
  unknown(name: string): { message: string; hint: string } {
    if (name.includes('.')) {
      return {
        message: `${name} is a path into a module; a config can only name what is registered`,
        hint: `register it in stages/plugins.ts (docs/adding-a-plugin.md), or use ${this.names.join(', ')}`,
      };
    }
    const [close] = nearest(name, this.names);
    const known =
      this.names.length === 0 ? 'stages/plugins.ts has none' : `there are ${this.names.join(', ')}`;
    return {
      message: `there is no ${this.kind} ${name}`,
      hint: close === undefined ? known : `did you mean ${close}?`,
    };
  }
}

const registration = (kind: string, name: string, what: string, hint: string) =>
  configError('plugin', `stages/plugins.ts: the ${kind} name ${name} ${what}`, { hint });
