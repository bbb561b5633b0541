/** `training.learning_rate` -> `learning_rate`, unless another of the keys ends in the same. */
export function shortKey(key: string, keys: readonly string[]): string {
  const last = (text: string) => text.split('.').at(-1)!;
  return keys.filter((other) => last(other) === last(key)).length <= 1 ? last(key) : key;
}
