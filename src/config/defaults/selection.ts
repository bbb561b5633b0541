import { configError } from '../config-error.js';
import { isSweepOverride, keyElement, type Override } from '../override/parse.js';
import { Glob, type Parsed, ParsedDict, QuotedText, settledValue } from '../override/value.js';
import { pyStr, pyTypeName } from '../python-text.js';
import type { PyValue } from '../python-value.js';
import { ConfigDefault, GroupDefault, type InputDefault } from './element.js';
import type { Repository } from './repository.js';

interface Choice {
  value: string | string[] | null;
  external: boolean;
  used: boolean;
  /** For an `override` entry: the config it stands in and how it is written there. */
  config?: string;
  relativeKey?: string;
  where?: string | undefined;
  /** Of the command line, as it was given. */
  override?: Override;
}

interface Deletion {
  option: string | null;
  used: boolean;
}

/** Which options of groups the command line and `override` entries choose, add and delete; and what was chosen in the end. */
export class Selection {
  readonly choices = new Map<string, Choice>();
  readonly appended: GroupDefault[] = [];
  /** Overrides that set values rather than choose options. */
  readonly valueOverrides: Override[] = [];
  readonly deletions = new Map<string, Deletion>();
  /** Option per override key, in the order decided. */
  readonly known = new Map<string, string | null>();
  private readonly keysOfGroup = new Map<string, Set<string>>();

  constructor(repository: Repository, overrides: Override[]) {
    for (const override of overrides) {
      if (isSweepOverride(override)) continue;
      const isGroup = repository.isGroup(override.key);
      if (override.type === 'delete' && (isGroup || repository.isConfig(override.key)))
        this.delete(override, isGroup);
      else if (!isGroup || override.value instanceof ParsedDict) this.valueOverrides.push(override);
      else this.choose(override);
    }
  }

  private delete(override: Override, isGroup: boolean): void {
    const option = bare(override.value);
    if (!isGroup && option !== null) {
      throw configError(
        'default',
        `Config path deletion does not support a value : ${override.input}`,
        placeOf(override),
      );
    }
    if (option !== null && typeof option !== 'string') {
      throw configError(
        'default',
        `Config group override deletion value must be a string : ${override.input}`,
        placeOf(override),
      );
    }
    this.deletions.set(keyElement(override).slice(1), { option, used: false });
  }

  private choose(override: Override): void {
    if (override.type === 'force_add') {
      throw configError('compose', `force-add of config groups is not supported: '${override.input}'`, {
        ...placeOf(override),
        hint: `use +${override.key}=… to add it, ${override.key}=… to change it`,
      });
    }
    const value = override.value instanceof Glob ? null : settledValue(override.value);
    if (typeof value !== 'string' && !Array.isArray(value)) {
      const message = `Config group override must be a string or a list. Got ${pyTypeName(value)}`;
      throw configError('default', message, {
        ...placeOf(override),
        hint: `~${override.key} removes the group`,
      });
    }
    if (Array.isArray(value) && value.some((item) => typeof item !== 'string')) {
      throw configError(
        'default',
        `the options of a group must be text: ${override.input}`,
        placeOf(override),
      );
    }
    const option = value as string | string[];
    if (override.type === 'add') {
      this.appended.push(
        new GroupDefault(
          override.key,
          option,
          override.package,
          false,
          false,
          true,
          `override ${override.input}`,
        ),
      );
    } else {
      this.choices.set(keyElement(override), {
        value: option,
        external: true,
        used: false,
        where: `override ${override.input}`,
        override,
      });
    }
  }

  /** Registers an `override` entry. The walk is backwards, so that the first to register is the last in order, and wins. */
  addOverride(config: string, entry: GroupDefault): void {
    const key = entry.overrideKey();
    if (this.choices.has(key)) return;
    const relativeKey = entry.relativeOverrideKey();
    this.choices.set(key, {
      value: entry.value,
      external: false,
      used: false,
      config,
      relativeKey,
      where: entry.where,
    });
  }

  /** Gives an entry the option chosen for it, if one was. `eligible` limits the keys that count. */
  apply(entry: InputDefault, eligible: ReadonlySet<string> | undefined): void {
    if (!(entry instanceof GroupDefault)) return;
    const key = entry.overrideKey();
    const choice = this.choices.get(key);
    if (choice === undefined || (eligible !== undefined && !eligible.has(key))) return;
    entry.value = choice.value;
    choice.used = true;
  }

  setKnown(entry: InputDefault): void {
    if (!(entry instanceof GroupDefault)) return;
    const key = entry.overrideKey();
    const previous = this.known.get(key);
    if (previous === undefined) this.known.set(key, entry.name);
    else if (previous !== entry.name) {
      throw configError(
        'compose',
        `Multiple values for ${key}. To override a value use 'override ${key}: ${pyStr(previous)}'`,
        {
          ...(entry.where === undefined ? {} : { where: entry.where }),
        },
      );
    }
    const group = entry.groupPath();
    const keys = this.keysOfGroup.get(group) ?? new Set();
    this.keysOfGroup.set(group, keys.add(key));
  }

  /** Marks an entry deleted if the command line says so. */
  deleted(entry: InputDefault): boolean {
    const key = entry instanceof ConfigDefault ? entry.configPath() : entry.overrideKey();
    const deletion = this.deletions.get(key);
    if (deletion === undefined || (deletion.option !== null && deletion.option !== entry.name)) return false;
    if (entry instanceof ConfigDefault && deletion.option !== null) return false;
    deletion.used = true;
    entry.deleted = true;
    return true;
  }

  /**
   * Every choice and deletion must have met an entry. Beyond Hydra, which fails there: `key=value` sets the value where
   * a group has the name of the key but no defaults list takes from the group and the primary config itself holds the
   * key, so that `generate model=DIR` works beside the group of models that `pretrain` chooses from.
   */
  ensureUsed(primaryHas: (key: string) => boolean): void {
    for (const [key, choice] of this.choices) {
      if (choice.used) continue;
      const isValue = choice.override !== undefined && !this.keysOfGroup.has(key) && primaryHas(key);
      if (!isValue) throw this.unused(key, choice);
      this.choices.delete(key);
      this.valueOverrides.push(choice.override!);
    }
    for (const [key, { option, used }] of this.deletions) {
      if (used) continue;
      const what = option === null ? key : `${key}=${option}`;
      throw configError('compose', `Could not delete '${what}'. No match in the defaults list`, {
        where: `override ~${what}`,
      });
    }
  }

  private unused(key: string, choice: Choice): Error {
    const where = choice.where === undefined ? {} : { where: choice.where };
    const shown = pyStr(choice.value);
    if (!choice.external) {
      const message =
        `In '${choice.config}': Invalid Defaults List override '${choice.relativeKey}: ${shown}'.\n` +
        `No earlier Group Default for '${key}' exists to override.`;
      return configError('compose', message, where);
    }
    const candidates = [...(this.keysOfGroup.get(key.split('@')[0]!) ?? [])].sort();
    const meant =
      candidates.length === 0
        ? `Could not override '${key}'. No match in the defaults list.`
        : `Could not override '${key}'.\nDid you mean to override ${candidates.length > 1 ? 'one of ' : ''}${candidates.join(', ')}?`;
    return configError('compose', `${meant}\nTo append to your default list use +${key}=${shown}`, where);
  }
}

function bare(value: Parsed): PyValue {
  return value instanceof QuotedText ? value.text : settledValue(value);
}

function placeOf(override: Override): { where: string } {
  return { where: `override ${override.input}` };
}
