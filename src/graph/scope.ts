// What an op's scope says besides the place in the model.

const gradientMark = ' (gradient)';
const recomputedMark = ' (recomputed)';

/** The scope of the ops that differentiate the op of `scope`. */
export const gradientScope = (scope: string): string => (scope ? scope + gradientMark : 'gradient');

/** Whether an op of this scope belongs to the backward pass. */
export const isGradient = (scope: string): boolean => scope === 'gradient' || scope.endsWith(gradientMark);

/** The scope of an op that repeats the one of `scope`. */
export const recomputedScope = (scope: string): string => scope + recomputedMark;

/** Whether an op of this scope repeats one of the forward pass. */
export const isRecomputed = (scope: string): boolean => scope.endsWith(recomputedMark);
