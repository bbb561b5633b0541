import { configError } from '../config-error.js';

/** An entry of a defaults list. Its group path and package depend on the config that holds the list. */
export type InputDefault = ConfigDefault | GroupDefault;

abstract class DefaultElement {
  package: string | undefined;
  parentBaseDir: string | undefined;
  parentPackage: string | undefined;
  packageHeader: string | undefined;
  primary = false;
  deleted = false;
  readonly optional: boolean;
  /** file:line:column of the entry, where it is in a file. */
  readonly where: string | undefined;

  constructor(pkg: string | undefined, optional: boolean, where: string | undefined) {
    this.package = pkg === '_here_' ? '' : pkg;
    this.optional = optional;
    this.where = where;
  }

  abstract groupPath(): string;
  abstract configPath(): string;
  abstract relativeGroup(): string;
  abstract finalPackage(withHeader?: boolean): string;

  updateParent(baseDir: string, parentPackage: string): void {
    this.parentBaseDir = baseDir;
    this.parentPackage = parentPackage;
  }

  /** A header is always absolute. */
  setHeader(header: string | undefined): void {
    if (header === undefined) return;
    const absolute = header === '_global_' || header.startsWith('_global_.');
    this.packageHeader = absolute ? header : header === '' ? '_global_' : `_global_.${header}`;
  }

  ownPackage(withHeader = true): string | undefined {
    return this.package ?? (withHeader ? this.packageHeader : undefined);
  }

  protected packageUnder(parent: string, withHeader: boolean): string {
    const own = this.ownPackage(withHeader) ?? this.relativeGroup().replaceAll('/', '.');
    const joined = parent === '' ? own : own === '' ? parent : `${parent}.${own}`;
    const global = joined.lastIndexOf('_global_');
    return global < 0 ? joined : joined.slice(global + '_global_'.length + 1);
  }

  /** How overrides name this entry: `db`, or `db@src` when its package is not the group's own. */
  overrideKey(): string {
    const group = this.groupPath();
    const pkg = this.finalPackage(false);
    return pkg === group.replaceAll('/', '.') ? group : `${group}@${pkg === '' ? '_global_' : pkg}`;
  }
}

function under(base: string | undefined, path: string): string {
  if (path.startsWith('/')) return path.slice(1);
  return base === undefined || base === '' ? path : path === '' ? base : `${base}/${path}`;
}

function beforeLastSlash(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

/** `- base`, `- /db/mysql@pkg`, `- _self_`. */
export class ConfigDefault extends DefaultElement {
  path: string;
  constructor(path: string, pkg?: string, optional = false, where?: string) {
    super(pkg, optional, where);
    this.path = path;
  }

  get isSelf(): boolean {
    return this.path === '_self_';
  }

  get isOverride(): false {
    return false;
  }

  get name(): string {
    return this.path.slice(this.path.lastIndexOf('/') + 1);
  }

  get isMissing(): boolean {
    return this.name === '???';
  }

  get isInterpolation(): boolean {
    return this.path.includes('${');
  }

  groupPath(): string {
    if (this.path.startsWith('/')) return beforeLastSlash(this.path.slice(1));
    return under(this.parentBaseDir, beforeLastSlash(this.path));
  }

  configPath(): string {
    return under(this.parentBaseDir, this.path);
  }

  relativeGroup(): string {
    return beforeLastSlash(this.path.replace(/^\//, ''));
  }

  finalPackage(withHeader = true): string {
    return this.packageUnder(this.parentPackage ?? '', withHeader);
  }

  resolveInterpolation(choices: ReadonlyMap<string, string | null>): void {
    const absolute = this.path.startsWith('/');
    const resolved = substituteChoices(absolute ? this.path.slice(1) : this.path, choices);
    this.path = absolute ? `/${resolved.replace(/^\/+/, '')}` : resolved;
  }

  copy(): ConfigDefault {
    const copy = new ConfigDefault(this.path, this.package, this.optional, this.where);
    copy.primary = this.primary;
    return copy;
  }
}

/** `- db: mysql`, `- optional db@src: [a, b]`, `- override /db: null`. */
export class GroupDefault extends DefaultElement {
  group: string;
  value: string | string[] | null;
  readonly isOverride: boolean;
  /** Added by `+group=option` on the command line: always absolute. */
  readonly appended: boolean;

  constructor(
    group: string,
    value: string | string[] | null,
    pkg: string | undefined,
    optional: boolean,
    override: boolean,
    appended: boolean,
    where?: string,
  ) {
    super(pkg, optional, where);
    this.group = group;
    this.value = value;
    this.isOverride = override;
    this.appended = appended;
  }

  get isSelf(): boolean {
    return this.value === '_self_';
  }

  get name(): string | null {
    return Array.isArray(this.value) ? null : this.value;
  }

  get isMissing(): boolean {
    return this.value === '???';
  }

  get isInterpolation(): boolean {
    return typeof this.value === 'string' && this.value.includes('${');
  }

  groupPath(): string {
    return this.appended ? this.group.replace(/^\//, '') : under(this.parentBaseDir, this.group);
  }

  configPath(): string {
    return `${this.groupPath()}/${this.name}`;
  }

  relativeGroup(): string {
    return this.group.replace(/^\//, '');
  }

  finalPackage(withHeader = true): string {
    return this.packageUnder(this.appended ? '' : (this.parentPackage ?? ''), withHeader);
  }

  /** As written in its file, for messages. */
  relativeOverrideKey(): string {
    const own = this.groupPath().replaceAll('/', '.');
    return this.package !== undefined && own !== this.package ? `${this.group}@${this.package}` : this.group;
  }

  resolveInterpolation(choices: ReadonlyMap<string, string | null>): void {
    if (typeof this.value !== 'string') return;
    if (/\$\{defaults\.\d+\./.test(this.value)) {
      throw configError(
        'compose',
        `Defaults list element '${this.overrideKey()}=${this.value}' is using a deprecated interpolation form.`,
        {
          ...(this.where === undefined ? {} : { where: this.where }),
          hint: 'write ${group} for the choice of a group',
        },
      );
    }
    [this.group, this.value] = normalizeOption(this.group, substituteChoices(this.value, choices));
  }

  copy(): GroupDefault {
    return new GroupDefault(
      this.group,
      this.value,
      this.package,
      this.optional,
      this.isOverride,
      this.appended,
      this.where,
    );
  }
}

/** `db: variants/mysql` means the option mysql of the group db/variants. */
export function normalizeOption(group: string, option: string): [group: string, option: string] {
  const slash = option.lastIndexOf('/');
  if (slash < 0 || option.includes('${') || option.split('/').includes('..')) return [group, option];
  return [`${group}/${option.slice(0, slash)}`, option.slice(slash + 1)];
}

/** Puts the choices made so far in for `${group}`. */
function substituteChoices(text: string, choices: ReadonlyMap<string, string | null>): string {
  const result = text.replace(
    /\$\{\s*([^{}]*?)\s*\}/g,
    (whole, key: string) => choices.get(key.trim()) ?? whole,
  );
  if (!result.includes('${')) return result;
  const keys = Array.from(choices.keys());
  const known = keys.length === 0 ? '' : `, possible interpolation keys: ${keys.join(', ')}`;
  throw configError('compose', `Error resolving interpolation '${text}'${known}`);
}
