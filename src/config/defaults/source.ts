import { isUtf8 } from 'node:buffer';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { isAbsolute, join, resolve, sep } from 'node:path';
import { configError } from '../config-error.js';
import type { PlainValue } from '../tree/node.js';

/** A config as in its file. */
export interface ConfigText {
  text: string;
}

/** A config as plain data, with what its `# @package` line would say. */
export interface BuiltInConfig {
  data: Record<string, PlainValue>;
  package?: string;
}

/** A place that holds config files by path (`db/mysql`). */
export interface ConfigSource {
  /** Who put it on the search path: `hydra`, `main`, `hydra.searchpath in main`, … */
  provider: string;
  /** As printed: `file:///…`, `builtin://hydra`. */
  url: string;
  available: boolean;
  /** A config and the name it has in messages; undefined when there is none. */
  read(path: string): ((ConfigText | BuiltInConfig) & { name: string }) | undefined;
  isConfig(path: string): boolean;
  isGroup(path: string): boolean;
  /** Names of the configs (without extension) or groups directly in a group. */
  list(group: string, kind: 'config' | 'group'): string[];
}

/** A folder of `.yaml` files. Listings are read once; the files when asked for. */
export function folderSource(provider: string, path: string, cwd: string): ConfigSource {
  const folder = resolve(cwd, path);
  const listings = new Map<string, Map<string, 'file' | 'folder'>>();
  const listing = (group: string): Map<string, 'file' | 'folder'> | undefined => {
    const known = listings.get(group);
    if (known !== undefined) return known.size === 0 ? undefined : known;
    const entries = readFolder(join(folder, group));
    listings.set(group, entries);
    return entries.size === 0 ? undefined : entries;
  };
  const kindOf = (path: string): 'file' | 'folder' | undefined => {
    const clean = path.replace(/^\/+|\/+$/g, '');
    const slash = clean.lastIndexOf('/');
    return listing(clean.slice(0, Math.max(slash, 0)))?.get(clean.slice(slash + 1));
  };
  return {
    provider,
    url: `file://${isAbsolute(path) ? path : folder}`,
    available: isFolder(folder),
    read(path) {
      const file = `${folder}${sep}${withExtension(path)}`;
      const text = readText(file);
      return text === undefined ? undefined : { text, name: shortName(file, cwd) };
    },
    isConfig: (path) => kindOf(withExtension(path)) === 'file',
    isGroup: (path) => (path === '' ? isFolder(folder) : kindOf(path) === 'folder'),
    list(group, kind) {
      const names = [...(listing(group.replace(/^\/+|\/+$/g, '')) ?? [])];
      return names.flatMap(([name, type]) => {
        if (kind === 'group') return type === 'folder' ? [name] : [];
        return type === 'file' && name.endsWith('.yaml') ? [name.slice(0, -5)] : [];
      });
    },
  };
}

/** Configs that come with the program, by path without extension. */
export function builtInSource(
  provider: string,
  url: string,
  configs: Readonly<Record<string, BuiltInConfig>>,
): ConfigSource {
  const clean = (path: string) => withExtension(path).slice(0, -5);
  const has = (path: string) => Object.hasOwn(configs, clean(path));
  const groups = new Set(
    Object.keys(configs).flatMap((path) =>
      path.split('/').map((_, index, all) => all.slice(0, index).join('/')),
    ),
  );
  return {
    provider,
    url,
    available: true,
    read: (path) =>
      has(path) ? { ...configs[clean(path)]!, name: `${url}/${clean(path)}.yaml` } : undefined,
    isConfig: has,
    isGroup: (path) => path !== '' && groups.has(path),
    list(group, kind) {
      const prefix = group === '' ? '' : `${group}/`;
      const all = kind === 'config' ? Object.keys(configs) : [...groups].filter((name) => name !== '');
      return all
        .filter((path) => path.startsWith(prefix) && !path.slice(prefix.length).includes('/'))
        .map((path) => path.slice(prefix.length));
    },
  };
}

function withExtension(path: string): string {
  if (path.endsWith('.yml')) {
    throw configError(
      'file',
      "Unsupported config file extension '.yml'. Hydra config files must use the '.yaml' extension.",
      {
        hint: `rename it to ${path.slice(0, -4)}.yaml`,
      },
    );
  }
  return path.endsWith('.yaml') ? path : `${path}.yaml`;
}

/** As messages show it: relative to the working directory where the file is below it. */
function shortName(file: string, cwd: string): string {
  return file.startsWith(`${cwd}${sep}`) ? file.slice(cwd.length + 1) : file;
}

function readFolder(folder: string): Map<string, 'file' | 'folder'> {
  const entries = new Map<string, 'file' | 'folder'>();
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const folderLike = entry.isSymbolicLink() ? isFolder(join(folder, entry.name)) : entry.isDirectory();
      entries.set(entry.name, folderLike ? 'folder' : 'file');
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      throw configError('file', `cannot read the folder ${folder}`, { cause: error });
  }
  return entries;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Undefined when there is no such file. */
function readText(file: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined;
    throw configError('file', `cannot read ${file}: ${code}`, { where: file, cause: error });
  }
  // The replacement character: written in the file, or in the place of bytes that are no UTF-8.
  if (text.includes('\uFFFD') && !isUtf8(readFileSync(file)))
    throw configError('yaml', `${file} is not UTF-8 text`, { where: file });
  return text;
}
