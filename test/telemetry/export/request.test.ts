import { type AddressInfo, createServer } from 'node:net';
import { expect } from 'chai';
import { requestJson } from '../../../src/telemetry/export/request.js';
import type { ExportProblem } from '../../../src/telemetry/export/tracker.js';

describe('a request to a tracking server', () => {
  const answers: [what: string, answer: string, outcome: RegExp][] = [
    ['speaks no HTTP', 'SSH-2.0-OpenSSH\r\n', /^passing: http\S+ does not answer \(/],
    [
      'breaks off',
      'HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"exp',
      /^passing: http\S+ does not answer \(/,
    ],
    [
      'never ends its answer',
      `HTTP/1.1 200 OK\r\n\r\n${' '.repeat(5 << 20)}`,
      /^passing: .*\(its answer is too long\)/,
    ],
    [
      'is down',
      'HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n',
      /^passing: http\S+ is busy: HTTP 502$/,
    ],
    ['answers with a page', 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>', /^200 \{\}$/],
    ['answers with a list', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]', /^200 \{\}$/],
    // Not followed: the key is for the server it was given for.
    [
      'sends to another',
      'HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1\r\ncontent-length: 0\r\n\r\n',
      /^302 \{\}$/,
    ],
  ];
  for (const [what, answer, outcome] of answers) {
    it(`ends well with one that ${what}`, async () => {
      const server = createServer((socket) => {
        socket.on('error', () => {}).once('data', () => socket.write(answer));
        if (!/^(never|answers|sends)/.test(what)) socket.once('data', () => socket.end());
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const told = await requestJson({ method: 'GET', url, authorization: null }).then(
        ({ status, body }) => `${status} ${JSON.stringify(body)}`,
        (error: ExportProblem) => `${error.isPassing ? 'passing' : 'refused'}: ${error.message}`,
      );
      server.close();
      expect(told).to.match(outcome);
    });
  }
});
