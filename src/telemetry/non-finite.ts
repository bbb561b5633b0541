/** For JSON.stringify: NaN and the infinities, which JSON has no words for, as the strings "NaN", "Infinity", "-Infinity". */
export const nameNonFinite = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
