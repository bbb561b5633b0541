/**
 * Does work on items in their order, `atOnce` at a time. Where `goesOn` says no, or some work throws, no more is begun;
 * what was begun is waited for, then the first error is thrown.
 */
export async function inParallel<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<void>,
  goesOn: () => boolean,
): Promise<void> {
  const errors: unknown[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length && errors.length === 0 && goesOn())
      await work(items[next++]!).catch((error: unknown) => void errors.push(error));
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  if (errors.length > 0) throw errors[0];
}
