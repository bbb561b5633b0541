import type { ServerResponse } from 'node:http';
import { answerHeaders } from './request-guard.js';

/** An answer that stays open and tells what happens (server-sent events). */
export class EventStream {
  private readonly response: ServerResponse;

  constructor(response: ServerResponse) {
    this.response = response;
    response.writeHead(200, { ...answerHeaders, 'content-type': 'text/event-stream; charset=utf-8' });
    response.write('retry: 2000\n\n');
  }

  get isOpen(): boolean {
    return !this.response.destroyed && !this.response.writableEnded;
  }

  send(event: string, data: unknown): void {
    // A reader that has stopped reading misses events rather than filling the memory here.
    if (this.isOpen && this.response.writableLength < 1 << 24)
      this.response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** A comment: shows both sides that the other one is still there. */
  beat(): void {
    if (this.isOpen) this.response.write(':\n\n');
  }

  close(): void {
    this.response.end();
  }
}
