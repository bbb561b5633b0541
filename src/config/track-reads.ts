/**
 * A view of a config that remembers which values were read. `unread()` lists the dotted paths that never were, a container as a
 * whole where nothing in it was.
 *
 *     const { config, unread } = trackReads(composed.config());
 *     await stage.run({ config });
 *     unread();   // ['training.lora.target_modules']
 *
 * Reading means getting a scalar (or an empty container); walking through a container on the way does not count. Enumerating
 * or serialising a container reads what is in it. The view cannot be structured-cloned.
 */
export function trackReads<Config extends object>(config: Config): { config: Config; unread(): string[] } {
  const read = new Set<string>();
  const views = new WeakMap<object, object>();
  const view = (target: object, path: string): object => {
    const known = views.get(target);
    if (known !== undefined) return known;
    const proxy = new Proxy(target, {
      get(object, key, receiver) {
        const value: unknown = Reflect.get(object, key, receiver);
        if (typeof key === 'symbol' || !Object.hasOwn(object, key)) return value;
        const child = childPath(object, path, key);
        if (!isContainer(value) || Object.keys(value).length === 0) read.add(child);
        return isContainer(value) ? view(value, child) : value;
      },
    });
    views.set(target, proxy);
    return proxy;
  };
  return { config: view(config, '') as Config, unread: () => unreadIn(config, '', read) };
}

function unreadIn(value: unknown, path: string, read: ReadonlySet<string>): string[] {
  if (!isContainer(value) || Object.keys(value).length === 0)
    return read.has(path) || path === '' ? [] : [path];
  const inside: string[] = [];
  let whole = true;
  for (const key of Object.keys(value)) {
    const child = childPath(value, path, key);
    const missed = unreadIn((value as Record<string, unknown>)[key], child, read);
    inside.push(...missed);
    if (missed.length !== 1 || missed[0] !== child) whole = false;
  }
  return whole && path !== '' ? [path] : inside;
}

function childPath(container: object, path: string, key: string): string {
  if (Array.isArray(container)) return `${path}[${key}]`;
  return path === '' ? key : `${path}.${key}`;
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}
