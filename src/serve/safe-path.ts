import { realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';

/**
 * The file or folder that a URL path means below `root`: absolute, links followed. null where the path has segments that
 * lead elsewhere, names nothing, or passes a link out of `root`.
 */
export async function safePath(root: string, urlPath: string): Promise<string | null> {
  const segments = segmentsOf(urlPath);
  if (segments === null) return null;
  try {
    const [base, path] = await Promise.all([realpath(root), realpath(join(root, ...segments))]);
    return path === base || path.startsWith(base + sep) ? path : null;
  } catch {
    return null;
  }
}

/** The names that a URL path consists of; null where one of them is none of a file: `..`, an encoded slash, a NUL. */
function segmentsOf(urlPath: string): string[] | null {
  const names: string[] = [];
  for (const segment of urlPath.split('/')) {
    if (segment === '') continue;
    let name: string;
    try {
      name = decodeURIComponent(segment);
    } catch {
      return null;
    }
    if (name === '.' || name === '..' || /[/\\\0]/.test(name)) return null;
    names.push(name);
  }
  return names;
}
