/** A token: its pattern (sticky), the characters it can start with, its type, and what else a lexer keeps with it. */
export type Rule<Type, Extra = undefined> = [pattern: RegExp, starts: RegExp, type: Type, extra?: Extra];

/** Rules in a grammar's order: the longest match wins, the earlier rule on a tie. */
export class RuleSet<Type, Extra = undefined> {
  private readonly rules: Rule<Type, Extra>[];
  private readonly byFirst = new Map<string, Rule<Type, Extra>[]>();

  constructor(rules: Rule<Type, Extra>[]) {
    this.rules = rules;
  }

  without(type: Type): RuleSet<Type, Extra> {
    return new RuleSet(this.rules.filter(([, , each]) => each !== type));
  }

  /** The rule for what stands at an index of a text, and where that ends. */
  match(text: string, index: number): { rule: Rule<Type, Extra>; end: number } | undefined {
    let best: Rule<Type, Extra> | undefined;
    let end = index;
    for (const rule of this.candidates(text[index]!)) {
      const pattern = rule[0];
      pattern.lastIndex = index;
      if (pattern.test(text) && pattern.lastIndex > end) {
        best = rule;
        end = pattern.lastIndex;
      }
    }
    return best === undefined ? undefined : { rule: best, end };
  }

  private candidates(first: string): Rule<Type, Extra>[] {
    let known = this.byFirst.get(first);
    if (known === undefined) {
      known = this.rules.filter(([, starts]) => starts.test(first));
      this.byFirst.set(first, known);
    }
    return known;
  }
}
