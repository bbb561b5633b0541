import { ExportProblem } from './tracker.js';

export interface JsonRequest {
  method: 'GET' | 'POST';
  url: string;
  /** Of the request's `Authorization`; in no message. */
  authorization: string | null;
  body?: string;
}

export interface JsonAnswer {
  status: number;
  ok: boolean;
  /** `{}` where the answer is no JSON object. */
  body: Record<string, unknown>;
}

// A server that is slower than this is as good as away.
const patienceMilliseconds = 15_000;
// Answers we ask for have some hundred bytes.
const longestAnswer = 4 << 20;

/**
 * One HTTP request with a JSON answer. Throws ExportProblem where there is no answer, or one that says to try later (429,
 * 5xx); other answers are for the caller to judge.
 */
export async function requestJson({ method, url, authorization, body }: JsonRequest): Promise<JsonAnswer> {
  const where = new URL(url).origin;
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(url, {
      method,
      headers: {
        ...(authorization !== null && { authorization }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body }),
      redirect: 'manual', // a key is for the server it was given for
      signal: AbortSignal.timeout(patienceMilliseconds),
    });
    text = await readText(answer);
  } catch (error) {
    throw new ExportProblem(`${where} does not answer (${reason(error)})`, true);
  }
  if (answer.status === 429 || answer.status >= 500) {
    const seconds = Number(answer.headers.get('retry-after') ?? Number.NaN);
    throw new ExportProblem(
      `${where} is busy: HTTP ${answer.status}`,
      true,
      Number.isFinite(seconds) ? seconds : undefined,
    );
  }
  return { status: answer.status, ok: answer.ok, body: parsed(text) };
}

async function readText(answer: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of answer.body ?? []) {
    pieces.push(piece as Uint8Array);
    length += (piece as Uint8Array).length;
    if (length > longestAnswer) throw new Error('its answer is too long');
  }
  return Buffer.concat(pieces).toString();
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function reason(error: unknown): string {
  const { name, message, cause } = error as Error & { cause?: { code?: string; message?: string } };
  if (name === 'TimeoutError') return 'no answer in time';
  return cause?.code ?? cause?.message ?? message;
}
