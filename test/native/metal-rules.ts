/** What Metal forbids and clang's C++ for OpenCL allows, found in clang's dump of the syntax tree (`-ast-dump`). */
export function brokenRules(dump: string): string[] {
  const broken = new Set<string>();
  let [functionId, functionName] = ['', ''];
  let implicitDepth = Infinity;
  for (const line of dump.split('\n')) {
    const [, lead, kind, rest] = /^([ |`-]*)(\w+) (.*)$/.exec(line) ?? [];
    if (lead === undefined || kind === undefined || rest === undefined) continue;
    // what the compiler adds to a struct (copies, moves) is not written in any language
    if (lead.length > implicitDepth) continue;
    implicitDepth = / implicit /.test(rest) ? lead.length : Infinity;
    if (implicitDepth < Infinity) continue;

    const name = / (\w+) '/.exec(rest)?.[1] ?? '';
    const isOutermost = lead.length === 2;
    if (kind === 'FunctionDecl') [functionId, functionName] = [rest.split(' ')[0]!, name];
    if (kind === 'FunctionDecl' && / prev 0x/.test(rest))
      broken.add(`${name} is declared before it is defined`);
    if (/Decl$|CastExpr$/.test(kind) && kind !== 'ImplicitCastExpr' && /'[^']*__generic/.test(rest))
      broken.add(`a pointer or reference of ${name || functionName} names no address space`);
    if (kind === 'VarDecl' && isOutermost && !/'const __constant /.test(rest))
      broken.add(`${name} lies outside functions and is not constant`);
    if (kind === 'DeclRefExpr' && rest.includes(`Function ${functionId} `))
      broken.add(`${functionName} calls itself`);
    if (kind === 'LambdaExpr' || kind === 'GotoStmt') broken.add(`${functionName} has a ${kind}`);
  }
  return [...broken];
}
