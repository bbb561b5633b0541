/** Where generated text ends: before the first of the stop texts, or null while none has come. */
export function cutAtStop(text: string, stops: readonly string[]): string | null {
  const places = stops.map((stop) => text.indexOf(stop)).filter((place) => place >= 0);
  return places.length > 0 ? text.slice(0, Math.min(...places)) : null;
}
