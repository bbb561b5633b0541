import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { basename, join, relative } from 'node:path';
import { SluiceError } from '../errors.js';
import { isSweepFolder } from '../report/index.js';
import { EventStream } from './event-stream.js';
import { contentType, folderPage } from './files.js';
import { Follower } from './follower.js';
import { indexPage } from './index-page.js';
import { answerHeaders, refusal } from './request-guard.js';
import { RunList } from './run-list.js';
import { safePath } from './safe-path.js';
import { servedReport } from './served-report.js';

/** A running server. */
export interface Serving {
  url: string;
  port: number;
  close(): Promise<void>;
}

/** Where a taken port gives way to the next one, so many are tried. */
const ATTEMPTS = 20;

/**
 * Serves the runs below `outputs` (absolute) on 127.0.0.1, and reads only. `port` null: 8265 or the next free one; 0: any
 * free one. Throws SluiceError `serve.port` where the port asked for cannot be had.
 */
export async function serveRuns(outputs: string, port: number | null): Promise<Serving> {
  const site = new Site(outputs);
  const server = createServer((request, response) => void site.answer(request, response));
  const taken = await listen(server, port);
  site.start();
  return {
    url: `http://127.0.0.1:${taken}/`,
    port: taken,
    async close() {
      site.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

const DEFAULT_PORT = 8265;

async function listen(server: Server, port: number | null): Promise<number> {
  for (let attempt = 0; ; attempt++) {
    const wanted = port ?? DEFAULT_PORT + attempt;
    const error = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
      server.once('error', resolve);
      server.listen(wanted, '127.0.0.1', () => {
        server.off('error', resolve);
        resolve(null);
      });
    });
    if (error === null) return (server.address() as { port: number }).port;
    if (error.code === 'EADDRINUSE' && port === null && attempt < ATTEMPTS) continue;
    throw new SluiceError('serve.port', `port ${wanted} of 127.0.0.1 cannot be had: ${error.message}`, {
      where: `port=${wanted}`,
      hint: port === null ? 'port=… takes another one' : 'without port=… the next free one is taken',
      cause: error,
    });
  }
}

/** What stands at which address. */
class Site {
  private readonly outputs: string;
  private readonly list: RunList;
  private readonly follower: Follower;

  constructor(outputs: string) {
    this.outputs = outputs;
    this.list = new RunList(outputs);
    this.follower = new Follower(this.list);
  }

  start(): void {
    void this.list.refresh().catch(() => {}); // warm before the first one asks
  }

  close(): void {
    this.follower.close();
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const refused = refusal(request);
      if (refused !== null) return text(response, refused.status, refused.text);
      const url = new URL(request.url ?? '/', 'http://127.0.0.1');
      await this.route(url, request, response);
    } catch (error) {
      if (response.headersSent) response.destroy();
      else text(response, 500, error instanceof Error ? error.message : String(error));
    }
  }

  private async route(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (url.pathname === '/') {
      await this.list.refresh();
      return page(response, indexPage(this.list.groups(), this.follower.rowsOf));
    }
    if (url.pathname === '/events') {
      if (request.method === 'HEAD') return text(response, 200, '');
      return this.events(url, response);
    }
    // As sent: new URL() would have resolved what leads upwards.
    const path = /^\/outputs(\/[^?#]*|$|(?=[?#]))/.exec(request.url ?? '');
    if (path === null) return text(response, 404, 'There is nothing here. The runs are at /.');
    return await this.file(path[1]!, request, response);
  }

  private async events(url: URL, response: ServerResponse): Promise<void> {
    const of = url.searchParams.get('of');
    if (of === null) return this.follower.followList(new EventStream(response));
    const folder = await safePath(this.outputs, of.split('/').map(encodeURIComponent).join('/'));
    if (folder === null) return text(response, 404, 'There is no such run.');
    const from = Number(url.searchParams.get('from') ?? 0);
    this.follower.followRun(
      new EventStream(response),
      of,
      folder,
      Number.isSafeInteger(from) && from > 0 ? from : 0,
      url.searchParams.get('state'),
    );
  }

  /** A report is made anew; folders are listed; files are given as they are, none of them as a page of this site. */
  private async file(urlPath: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const isReport = urlPath.endsWith('/report.html');
    const path = await safePath(this.outputs, isReport ? urlPath.slice(0, -'/report.html'.length) : urlPath);
    if (path === null) return text(response, 404, 'There is no such file below the outputs folder.');
    if (isReport) {
      if (!isSweepFolder(path) && (await stat(join(path, 'run.json')).catch(() => null)) === null)
        return text(response, 404, 'This folder is none of a run.');
      const id = relative(this.outputs, path);
      await this.list.refresh();
      return page(response, await servedReport(path, id, this.follower.stateOf(id)));
    }
    const about = await stat(path);
    if (about.isDirectory()) {
      if (!urlPath.endsWith('/')) return redirect(response, `/outputs${urlPath}/`);
      const entries = await readdir(path, { withFileTypes: true });
      return page(response, folderPage(relative(this.outputs, path) || 'outputs', entries));
    }
    if (!about.isFile()) return text(response, 404, 'This is no plain file.');
    const { type, inline } = contentType(path);
    response.writeHead(200, {
      ...answerHeaders,
      'content-type': type,
      'content-length': about.size,
      'content-security-policy': "default-src 'none'; sandbox",
      ...(inline
        ? {}
        : { 'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(basename(path))}` }),
    });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    // A file that grows meanwhile is cut at the length that was told.
    if (about.size === 0) response.end();
    else
      createReadStream(path, { end: about.size - 1 })
        .on('error', () => response.destroy())
        .pipe(response);
  }
}

function page(response: ServerResponse, content: string): void {
  response.writeHead(200, { ...answerHeaders, 'content-type': 'text/html; charset=utf-8' });
  response.end(content);
}

function text(response: ServerResponse, status: number, content: string): void {
  response.writeHead(status, { ...answerHeaders, 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${content}\n`);
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(301, { ...answerHeaders, location });
  response.end();
}
