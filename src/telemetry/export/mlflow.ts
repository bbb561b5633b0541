import { posix } from 'node:path';
import { mlflowAuthorization, mlflowUri } from './credentials.js';
import type { MetricsRow } from './metrics-file.js';
import { type JsonAnswer, requestJson } from './request.js';
import { flatConfig, type RunEnd, type RunInfo } from './run-info.js';
import { serverAddress } from './server-address.js';
import { ExportProblem, type MetricsPart, type RemoteRun, type Tracker } from './tracker.js';

export interface MlflowOptions {
  /** null: MLFLOW_TRACKING_URI. */
  tracking_uri?: string | null;
  /** Made where it is not there. */
  experiment?: string;
  /** null: the run's id. */
  run_name?: string | null;
}

// Of one runs/log-batch request: mlflow.org/docs/latest/rest-api.html, Log Batch.
const maxMetrics = 1000;
const maxParams = 100;
// Older servers refuse longer values of params.
const maxParamValue = 500;
const maxKey = 250;
const maxTagValue = 5000;

const statuses = { done: 'FINISHED', failed: 'FAILED', interrupted: 'KILLED' } as const;

/**
 * An MLflow tracking server, over its REST API 2.0. Values are sent with the times they were logged at, and a server with a
 * database keeps one of two that agree in name, step, time and value: sending again doubles nothing.
 */
export class MlflowTracker implements Tracker {
  private readonly options: MlflowOptions;

  constructor(options: MlflowOptions) {
    this.options = options;
  }

  get server(): string {
    const { tracking_uri } = this.options;
    const uri = tracking_uri ?? mlflowUri();
    if (uri === undefined)
      throw new ExportProblem('MLFLOW_TRACKING_URI is not set, and tracking_uri is null', false);
    return serverAddress(uri, tracking_uri == null ? 'MLFLOW_TRACKING_URI' : 'tracking_uri');
  }

  async begin(run: RunInfo): Promise<RemoteRun> {
    const experiment_id = await this.experiment();
    const key = `${run.host}:${run.id}:${run.startedAt}`;
    const run_id =
      (await this.findRun(experiment_id, key)) ?? (await this.createRun(experiment_id, key, run));
    const named = new Map(flatConfig(run.config).map(([name, value]) => [nameOf(name), value]));
    const params = [...named].map(([key, value]) => ({ key, value: cut(value, maxParamValue) }));
    for (let at = 0; at < params.length; at += maxParams)
      await this.post('runs/log-batch', { run_id, params: params.slice(at, at + maxParams) });
    return { experiment_id, run_id };
  }

  async send({ run_id }: RemoteRun, _: RunInfo, { rows }: MetricsPart): Promise<void> {
    await this.log(run_id!, rows);
  }

  async end({ run_id }: RemoteRun, _: RunInfo, end: RunEnd, last: MetricsRow | null): Promise<void> {
    const seconds = Date.parse(end.endedAt) / 1000;
    const values = Object.fromEntries(
      Object.entries(end.result).map(([name, value]) => [`result/${name}`, value]),
    );
    if (Object.keys(values).length > 0) await this.log(run_id!, [{ step: last?.step ?? 0, seconds, values }]);
    const end_time = Math.round(seconds * 1000);
    await this.post('runs/update', { run_id, status: statuses[end.status], end_time });
  }

  private async experiment(): Promise<string> {
    const name = this.options.experiment ?? 'sluice';
    const found = await this.findExperiment(name);
    if (found !== undefined) return found;
    const made = await this.call('POST', 'experiments/create', { name });
    // Another run may have been quicker.
    const id =
      made.body.error_code === 'RESOURCE_ALREADY_EXISTS'
        ? await this.findExperiment(name)
        : accepted(made, 'experiments/create').experiment_id;
    return text(id, 'experiments/create');
  }

  private async findExperiment(name: string): Promise<string | undefined> {
    const path = `experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`;
    const answer = await this.call('GET', path, undefined);
    if (answer.body.error_code === 'RESOURCE_DOES_NOT_EXIST') return undefined;
    const { experiment } = accepted(answer, 'experiments/get-by-name') as {
      experiment?: { experiment_id?: unknown; lifecycle_stage?: unknown };
    };
    if (experiment?.lifecycle_stage === 'deleted')
      throw new ExportProblem(
        `the experiment ${name} was deleted on the server: restore it there, or name another`,
        false,
      );
    return text(experiment?.experiment_id, 'experiments/get-by-name');
  }

  private async createRun(experiment_id: string, key: string, run: RunInfo): Promise<string> {
    const tags = {
      'sluice.key': key,
      'sluice.run': run.id,
      'sluice.stage': run.stage,
      'sluice.config_sha256': run.configSha256,
      'mlflow.source.name': run.command,
      'mlflow.source.type': 'LOCAL',
      ...(run.commit !== null && { 'mlflow.source.git.commit': run.commit.split(',')[0]! }),
    };
    const request = {
      experiment_id,
      run_name: this.options.run_name ?? run.id,
      start_time: Date.parse(run.startedAt),
      tags: Object.entries(tags).map(([name, value]) => ({ key: name, value: cut(value, maxTagValue) })),
    };
    const made = (await this.post('runs/create', request)) as {
      run?: { info?: { run_id?: unknown } };
    };
    return text(made.run?.info?.run_id, 'runs/create');
  }

  private async findRun(experiment_id: string, key: string): Promise<string | undefined> {
    const filter = `tags.\`sluice.key\` = '${key.replaceAll("'", "''")}'`;
    const request = { experiment_ids: [experiment_id], filter, max_results: 1 };
    const found = (await this.post('runs/search', request)) as {
      runs?: { info?: { run_id?: string } }[];
    };
    return found.runs?.[0]?.info?.run_id;
  }

  private async log(run_id: string, rows: readonly MetricsRow[]): Promise<void> {
    const metrics = rows.flatMap(metricsOf);
    for (let at = 0; at < metrics.length; at += maxMetrics)
      await this.post('runs/log-batch', { run_id, metrics: metrics.slice(at, at + maxMetrics) });
  }

  private async post(path: string, body: object): Promise<Record<string, unknown>> {
    return accepted(await this.call('POST', path, body), path);
  }

  private call(method: 'GET' | 'POST', path: string, body: object | undefined): Promise<JsonAnswer> {
    const url = `${this.server}/api/2.0/mlflow/${path}`;
    return requestJson({
      method,
      url,
      authorization: mlflowAuthorization(),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }
}

function accepted({ ok, status, body }: JsonAnswer, path: string): Record<string, unknown> {
  if (ok) return body;
  const why =
    typeof body.error_code === 'string'
      ? `${body.error_code}: ${cut(String(body.message ?? ''), 200)}`
      : `HTTP ${status}`;
  throw new ExportProblem(`the server refuses ${path}: ${why}`, false);
}

function text(value: unknown, path: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new ExportProblem(`the answer to ${path} is not that of an MLflow server`, false);
}

const metricsOf = ({ step, seconds, values }: MetricsRow) =>
  Object.entries(values).map(([name, value]) => ({
    key: nameOf(name),
    // Protocol buffers' own JSON has words for what JSON has no number for.
    value: Number.isFinite(value) ? value : String(value),
    timestamp: Math.round(seconds * 1000),
    step,
  }));

// Every server allows letters, digits, `_`, `-`, `.`, blank and `/`, in names that as paths would stay as they are.
function nameOf(name: string): string {
  const plain = cut(name.replace(/[^\w\-. /]/g, '_'), maxKey);
  const isPath = posix.join(plain) === plain && !/^(\/|\.\.?(\/|$))|\/$/.test(plain);
  return isPath ? plain : plain.replace(/^\.+|\//g, '_');
}

const cut = (value: string, length: number) =>
  value.length <= length ? value : `${value.slice(0, length - 3)}...`;
