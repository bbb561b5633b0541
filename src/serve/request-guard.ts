import type { IncomingMessage } from 'node:http';

/**
 * Why a request is refused; null for one that is fine. A web page elsewhere can make a browser send requests here, under
 * a name of its own that it let point to this machine (DNS rebinding): then `Host` is that name. The port may be another
 * one, as that of a tunnel.
 */
export function refusal({ method, headers }: IncomingMessage): { status: number; text: string } | null {
  if (!/^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/i.test(headers.host ?? ''))
    return { status: 403, text: 'This page is served to 127.0.0.1 and localhost alone.' };
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, text: 'There is nothing to change here.' };
  return null;
}

/** Of every answer: nothing is kept, framed, sniffed, or readable by other sites. */
export const answerHeaders = {
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;
