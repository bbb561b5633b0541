import { floatText } from '../python-text.js';
import { Float, type Key, PyDict, type PyValue, type Scalar } from '../python-value.js';
import { type Analysis, analyze, type Style, writeScalar } from './emit-scalar.js';
import { needsQuotes } from './resolve-tag.js';

/**
 * A value as YAML text, character for character as the reference prints it: block style, two-space indent, sequences
 * level with their key, lines folded after 80 columns, text quoted only where it would read back as something else.
 */
export function emitYaml(value: PyValue): string {
  const emitter = new Emitter();
  emitter.node(value, { indent: -1, inMapping: false, afterIndicator: false });
  return emitter.finish();
}

interface Place {
  /** Columns of the enclosing collection; -1 at the top. */
  indent: number;
  inMapping: boolean;
  /** Directly after `- `, `? ` or `: `: a collection starts on the same line. */
  afterIndicator: boolean;
}

class Emitter {
  private readonly lines: string[] = [];
  /** The line being written. */
  private line = '';

  finish(): string {
    if (this.line !== '') this.lines.push(this.line);
    return `${this.lines.join('\n')}\n`;
  }

  node(value: PyValue, place: Place): void {
    if (Array.isArray(value)) {
      if (value.length === 0) this.flow('[]', place);
      else this.sequence(value, place);
    } else if (value instanceof PyDict) {
      if (value.size === 0) this.flow('{}', place);
      else this.mapping(value, place);
    } else {
      this.scalar(value, place.indent, false, place);
    }
  }

  private flow(text: string, place: Place): void {
    this.line += place.indent < 0 && this.line === '' ? text : ` ${text}`;
  }

  private sequence(items: PyValue[], place: Place): void {
    // A sequence that is the value of a mapping key is not indented further than the key.
    const indent = place.indent < 0 ? 0 : place.inMapping ? place.indent : place.indent + 2;
    const inline = place.afterIndicator && !place.inMapping;
    items.forEach((item, index) => {
      if (index > 0 || !inline) this.newLine(indent);
      else this.line += ' ';
      this.line += '-';
      this.node(item, { indent, inMapping: false, afterIndicator: true });
    });
  }

  private mapping(dict: PyDict, place: Place): void {
    const indent = place.indent < 0 ? 0 : place.indent + 2;
    let first = true;
    for (const [key, value] of dict) {
      if (!first || place.inMapping || !place.afterIndicator) this.newLine(indent);
      else this.line += ' ';
      first = false;
      const simple = this.simpleKey(key, indent);
      if (simple) {
        this.line += ':';
      } else {
        this.line += '?';
        this.scalar(key, indent, false, { indent, inMapping: true, afterIndicator: true });
        this.newLine(indent);
        this.line += ':';
      }
      // After a key of its own line, a collection starts behind the colon.
      this.node(value, { indent, inMapping: simple, afterIndicator: true });
    }
  }

  /** Writes a key on one line if it fits there; otherwise writes nothing and returns false. */
  private simpleKey(key: Key, indent: number): boolean {
    if (typeof key === 'string' && isWord(key)) {
      this.line += key;
      return true;
    }
    const { text, style, prefix } = present(key, true);
    const analysis = analyze(text);
    if (text === '' || analysis.multiline || text.length + prefix.length >= 128) return false;
    this.line += prefix === '' ? '' : `${prefix} `;
    this.write(text, chooseStyle(style, analysis, true), indent, false);
    return true;
  }

  private scalar(value: Scalar, parentIndent: number, key: boolean, place: Place): void {
    if (place.afterIndicator) this.line += ' ';
    if (typeof value === 'string' && isWord(value)) {
      this.line += value;
      return;
    }
    const { text, style, prefix } = present(value, false);
    if (prefix !== '') this.line += `${prefix} `;
    const chosen = chooseStyle(style, analyze(text), key);
    // Plain nothing leaves no space behind the colon.
    this.write(text, chosen, parentIndent < 0 ? 2 : parentIndent + 2, !key);
  }

  private write(text: string, style: Style, indent: number, fold: boolean): void {
    const parts = writeScalar(text, style, this.line.length, indent, fold).split('\n');
    this.line += parts[0];
    for (const part of parts.slice(1)) {
      this.lines.push(this.line);
      this.line = part;
    }
  }

  private newLine(indent: number): void {
    if (this.line !== '') this.lines.push(this.line);
    this.line = ' '.repeat(indent);
  }
}

interface Presentation {
  text: string;
  /** Undefined: plain where the text allows it. */
  style: Style | undefined;
  /** `!!binary`. */
  prefix: string;
}

const BOOLEAN_WORDS =
  /^(?:y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/;
const PYTHON_INT = /^\s*[-+]?\d+(?:_\d+)*\s*$/u;
const PYTHON_FLOAT =
  /^\s*[-+]?(?:(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:[eE][-+]?\d+(?:_\d+)*)?|inf|infinity|nan)\s*$/iu;

const WORD = /^[a-zA-Z_][\w./-]{0,99}$/;
const NOT_WORDS = /^(?:y|n|yes|no|true|false|on|off|null|inf|infinity|nan)$/i;

/** Text that is written as it is, wherever it stands: the shortest way for nearly all of it. */
function isWord(text: string): boolean {
  return WORD.test(text) && !NOT_WORDS.test(text);
}

function present(value: Scalar, _key: boolean): Presentation {
  const plain = (text: string): Presentation => ({ text, style: undefined, prefix: '' });
  if (value === null) return plain('null');
  if (typeof value === 'boolean') return plain(value ? 'true' : 'false');
  if (value instanceof Float) return plain(yamlFloat(value.value));
  if (value instanceof Uint8Array) {
    const base64 = Buffer.from(value)
      .toString('base64')
      .replace(/(.{76})(?=.)/g, '$1\n');
    return { text: `${base64}\n`, style: 'literal', prefix: '!!binary' };
  }
  if (typeof value !== 'string') return plain(value.toString());
  if (BOOLEAN_WORDS.test(value) || PYTHON_INT.test(value) || PYTHON_FLOAT.test(value)) {
    return { text: value, style: 'single', prefix: '' };
  }
  return needsQuotes(value) ? { text: value, style: 'single', prefix: '' } : plain(value);
}

function yamlFloat(value: number): string {
  if (Number.isNaN(value)) return '.nan';
  if (!Number.isFinite(value)) return value > 0 ? '.inf' : '-.inf';
  const text = floatText(value);
  return text.includes('.') ? text : text.replace('e', '.0e');
}

function chooseStyle(wanted: Style | undefined, analysis: Analysis, key: boolean): Style {
  if (wanted === 'literal') return wanted;
  if (wanted === undefined && analysis.allowPlain && !(key && (analysis.empty || analysis.multiline)))
    return 'plain';
  return analysis.allowSingle && !(key && analysis.multiline) ? 'single' : 'double';
}
