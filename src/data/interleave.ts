/**
 * Who gets place `place` when sources take turns by their `rates` (any scale): the source, and how many places it had before.
 * Of the first n places each source has its share of n, give or take two, so every batch is mixed by the rates. Closed form:
 * the first source takes its share of all places, evenly spaced, the next its share of what is left, and so on.
 */
export function sourceAt(place: number, rates: readonly number[]): { source: number; index: number } {
  let left = place;
  for (const [source, share] of sharesOfRest(rates).entries()) {
    const index = taken(left, share);
    if (taken(left + 1, share) > index) return { source, index };
    left -= index;
  }
  throw new RangeError(`no rate of [${rates}] is above 0`);
}

/** How many of the first `places` places each source has. */
export function countsBefore(places: number, rates: readonly number[]): number[] {
  let left = places;
  return sharesOfRest(rates).map((share) => {
    const count = taken(left, share);
    left -= count;
    return count;
  });
}

const taken = (places: number, share: number): number => Math.floor(places * share + 0.5);

/** Each rate as a share of it and those after it; the last that is not 0 takes all that is left. */
function sharesOfRest(rates: readonly number[]): number[] {
  let rest = 0;
  return rates
    .toReversed()
    .map((rate) => {
      rest += rate;
      return rate === 0 ? 0 : rate / rest;
    })
    .toReversed();
}
