import type { SluiceError } from '../../errors.js';
import { configError } from '../config-error.js';
import type { Token, TokenType } from './cursor.js';
import { Scanner } from './scan.js';

/** A node of the document before its type is decided. Aliases are the same object as what they name. */
export type YamlNode = ScalarNode | SequenceNode | MappingNode;

interface Placed {
  line: number;
  column: number;
  /** Explicit tag with its handle resolved (`tag:yaml.org,2002:int`, `!custom`), or undefined. */
  tag: string | undefined;
}

export interface ScalarNode extends Placed {
  kind: 'scalar';
  text: string;
  plain: boolean;
}

export interface SequenceNode extends Placed {
  kind: 'sequence';
  items: YamlNode[];
}

export interface MappingNode extends Placed {
  kind: 'mapping';
  entries: [YamlNode, YamlNode][];
}

/**
 * The only document of a YAML text, undefined when the text holds none.
 * Throws `config.yaml` (with file:line:column) for anything the reference's reader refuses, a second document included.
 */
export function parseYaml(text: string, source: string): YamlNode | undefined {
  return new Parser(new Scanner(text, source).scan(), source).document();
}

const DOCUMENT_STARTS: TokenType[] = ['directive', 'document-start'];
const DOCUMENT_ENDS: TokenType[] = [...DOCUMENT_STARTS, 'document-end', 'stream-end'];
const MAPPING_ENDS: TokenType[] = ['key', 'value', 'block-end'];
const SEQUENCE_ENDS: TokenType[] = ['block-entry', 'block-end'];
const INDENTLESS_ENDS: TokenType[] = ['block-entry', ...MAPPING_ENDS];
const NODE_LIMIT = 512; // nesting; deeper text is an attack or a mistake

class Parser {
  private position = 0;
  private depth = 0;
  private readonly anchors = new Map<string, YamlNode>();
  private handles = new Map<string, string>();
  private readonly tokens: Token[];
  private readonly source: string;

  constructor(tokens: Token[], source: string) {
    this.tokens = tokens;
    this.source = source;
  }

  document(): YamlNode | undefined {
    if (this.at('stream-end')) return undefined;
    const explicit = this.atOneOf(DOCUMENT_STARTS);
    if (explicit) this.documentStart();
    const root = explicit && this.atOneOf(DOCUMENT_ENDS) ? this.empty() : this.node(true, false);
    while (this.at('document-end')) this.position++;
    if (this.at('stream-end')) return root;
    if (this.atOneOf(DOCUMENT_STARTS))
      throw this.error('expected a single document, but found another document');
    throw this.error('did not find expected <document start>');
  }

  private documentStart(): void {
    this.handles = new Map([
      ['!', '!'],
      ['!!', 'tag:yaml.org,2002:'],
    ]);
    const seen = new Set<string>();
    for (; this.at('directive'); this.position++) {
      const [name = '', handle = '', prefix = ''] = this.token.text.split(/\s+/);
      const key = name === 'TAG' ? `TAG ${handle}` : name;
      if (seen.has(key) && (name === 'TAG' || name === 'YAML'))
        throw this.error(`found duplicate %${key} directive`);
      seen.add(key);
      if (name === 'YAML' && !handle.startsWith('1.')) throw this.error('found incompatible YAML document');
      if (name === 'TAG') this.handles.set(handle, prefix);
    }
    if (!this.at('document-start')) throw this.error('did not find expected <document start>');
    this.position++;
  }

  private node(block: boolean, indentless: boolean): YamlNode {
    const { type, line, column, text, plain } = this.token;
    if (type === 'scalar') {
      this.position++;
      return { kind: 'scalar', line, column, tag: undefined, text, plain };
    }
    if (++this.depth > NODE_LIMIT) throw this.error(`nesting is deeper than ${NODE_LIMIT} levels`);
    const node = this.nodeWithProperties(block, indentless);
    this.depth--;
    return node;
  }

  private nodeWithProperties(block: boolean, indentless: boolean): YamlNode {
    const start = this.token;
    if (start.type === 'alias') {
      this.position++;
      const named = this.anchors.get(start.text);
      if (named === undefined) throw this.error(`found undefined alias '${start.text}'`, start);
      return named;
    }
    let anchor: string | undefined;
    let tag: string | undefined;
    for (;;) {
      if (this.at('anchor') && anchor === undefined) anchor = this.next().text;
      else if (this.at('tag') && tag === undefined) tag = this.resolveTag(this.next());
      else break;
    }
    const { line, column } = start;
    const adopt = <Node extends YamlNode>(node: Node): Node => {
      if (anchor === undefined) return node;
      if (this.anchors.has(anchor)) throw this.error(`found duplicate anchor '${anchor}'`, start);
      this.anchors.set(anchor, node);
      return node;
    };
    if (indentless && this.at('block-entry')) {
      return this.blockSequence(adopt({ kind: 'sequence', line, column, tag, items: [] }), true);
    }
    if (this.at('scalar')) {
      const { text, plain } = this.next();
      return adopt({ kind: 'scalar', line, column, tag, text, plain });
    }
    const sequence = (): SequenceNode => adopt({ kind: 'sequence', line, column, tag, items: [] });
    const mapping = (): MappingNode => adopt({ kind: 'mapping', line, column, tag, entries: [] });
    if (this.at('flow-sequence-start')) return this.flowSequence(sequence());
    if (this.at('flow-mapping-start')) return this.flowMapping(mapping());
    if (block && this.at('block-sequence-start')) {
      this.position++;
      return this.blockSequence(sequence(), false);
    }
    if (block && this.at('block-mapping-start')) return this.blockMapping(mapping());
    if (anchor !== undefined || tag !== undefined)
      return adopt({ kind: 'scalar', line, column, tag, text: '', plain: true });
    throw this.error(`while parsing a ${block ? 'block' : 'flow'} node: did not find expected node content`);
  }

  private blockSequence(node: SequenceNode, indentless: boolean): SequenceNode {
    const ends = indentless ? INDENTLESS_ENDS : SEQUENCE_ENDS;
    while (this.at('block-entry')) {
      this.position++;
      node.items.push(this.atOneOf(ends) ? this.empty() : this.node(true, false));
    }
    if (indentless) return node;
    if (!this.at('block-end')) {
      throw this.error("while parsing a block collection: did not find expected '-' indicator");
    }
    this.position++;
    return node;
  }

  private blockMapping(node: MappingNode): MappingNode {
    this.position++;
    while (this.at('key')) {
      this.position++;
      const key = this.atOneOf(MAPPING_ENDS) ? this.empty() : this.node(true, true);
      const given = this.at('value');
      if (given) this.position++;
      const value = !given || this.atOneOf(MAPPING_ENDS) ? this.empty() : this.node(true, true);
      node.entries.push([key, value]);
    }
    if (!this.at('block-end')) throw this.error('while parsing a block mapping: did not find expected key');
    this.position++;
    return node;
  }

  private flowSequence(node: SequenceNode): SequenceNode {
    this.position++;
    for (let first = true; !this.at('flow-sequence-end'); first = false) {
      if (!first) {
        if (!this.at('flow-entry'))
          throw this.error("while parsing a flow sequence: did not find expected ',' or ']'");
        this.position++;
        if (this.at('flow-sequence-end')) break;
      }
      if (this.at('key')) {
        const { line, column } = this.token;
        const entry = this.flowEntry('flow-sequence-end');
        node.items.push({ kind: 'mapping', line, column, tag: undefined, entries: [entry] });
      } else {
        node.items.push(this.node(false, false));
      }
    }
    this.position++;
    return node;
  }

  private flowMapping(node: MappingNode): MappingNode {
    this.position++;
    for (let first = true; !this.at('flow-mapping-end'); first = false) {
      if (!first) {
        if (!this.at('flow-entry'))
          throw this.error("while parsing a flow mapping: did not find expected ',' or '}'");
        this.position++;
        if (this.at('flow-mapping-end')) break;
      }
      node.entries.push(
        this.at('key') ? this.flowEntry('flow-mapping-end') : [this.node(false, false), this.empty()],
      );
    }
    this.position++;
    return node;
  }

  private flowEntry(end: TokenType): [YamlNode, YamlNode] {
    this.position++;
    const atEnd = () => this.at('flow-entry') || this.at(end);
    const key = this.at('value') || atEnd() ? this.empty() : this.node(false, false);
    if (!this.at('value')) return [key, this.empty()];
    this.position++;
    return [key, atEnd() ? this.empty() : this.node(false, false)];
  }

  private resolveTag(token: Token): string {
    const [handle = '', suffix = ''] = token.text.split(' ');
    if (handle === '') return suffix;
    const prefix = this.handles.get(handle) ?? { '!': '!', '!!': 'tag:yaml.org,2002:' }[handle];
    if (prefix === undefined) throw this.error('while parsing a node: found undefined tag handle', token);
    return prefix + decodeUri(suffix);
  }

  private empty(): ScalarNode {
    const { line, column } = this.token;
    return { kind: 'scalar', line, column, tag: undefined, text: '', plain: true };
  }

  private get token(): Token {
    return this.tokens[this.position]!;
  }

  private next(): Token {
    return this.tokens[this.position++]!;
  }

  private at(type: TokenType): boolean {
    return this.token.type === type;
  }

  private atOneOf(types: readonly TokenType[]): boolean {
    return types.includes(this.token.type);
  }

  private error(problem: string, at: Token = this.token): SluiceError {
    return configError('yaml', problem, { where: `${this.source}:${at.line + 1}:${at.column + 1}` });
  }
}

function decodeUri(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
