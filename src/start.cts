// Starts the program. What only prints (a config, help) comes from one file with its bytecode beside it; docs/decisions.md
// says what that saves. Everything else, and whatever goes wrong there, comes from cli.js.
const fs = require('node:fs') as typeof import('node:fs');
const { join } = require('node:path') as typeof import('node:path');
const { Script } = require('node:vm') as typeof import('node:vm');
type Quick = typeof import('./cli/quick.js', { with: { 'resolution-mode': 'import' }});

// dist/src/ -> dist/
const dist = join(__dirname, '..');
const argv = process.argv.slice(2);

const ONLY_PRINTS = /^(--cfg|-c|--info|-i|--help|-h|--hydra-help)(=|$)/;

void start();

async function start(): Promise<void> {
  const answer = argv.some((word) => ONLY_PRINTS.test(word)) ? await quickAnswer() : undefined;
  if (answer === undefined) {
    await import('./cli.js');
    return;
  }
  print(2, answer.stderr);
  print(1, answer.stdout);
}

async function quickAnswer() {
  try {
    return await loadQuick().quickAnswer(argv, join(dist, '..'));
  } catch {
    return undefined; // the ordinary way says why
  }
}

function loadQuick(): Quick {
  const file = join(dist, 'quick.cjs');
  // By the time of the file: V8 knows an older bytecode by the length of its source alone.
  const bytecode = join(dist, `quick.${fs.statSync(file).mtimeMs}.bytecode`);
  const cachedData = fs.existsSync(bytecode) ? fs.readFileSync(bytecode) : undefined;
  const script = new Script(`(function (module, exports, require) {${fs.readFileSync(file, 'utf8')}\n})`, {
    filename: file,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  // Rejected: made by another version of Node. At the exit it holds what this run compiled.
  if (cachedData === undefined || script.cachedDataRejected)
    process.once('exit', () => writeWhole(bytecode, script.createCachedData()));
  const module = { exports: {} };
  script.runInThisContext()(module, module.exports, require);
  return module.exports as Quick;
}

function writeWhole(file: string, bytes: Buffer): void {
  try {
    fs.writeFileSync(`${file}.${process.pid}`, bytes);
    fs.renameSync(`${file}.${process.pid}`, file);
  } catch {
    // A folder that cannot be written to: every start compiles anew.
  }
}

/** At once: opening process.stdout takes milliseconds. */
function print(fd: 1 | 2, text: string): void {
  let bytes = Buffer.from(text);
  try {
    while (bytes.length > 0) bytes = bytes.subarray(fs.writeSync(fd, bytes));
  } catch {
    // A pipe that is full, or closed: the stream knows what to do.
    const stream = fd === 1 ? process.stdout : process.stderr;
    stream.on('error', () => {}); // closed: nobody reads on
    stream.write(bytes);
  }
}
