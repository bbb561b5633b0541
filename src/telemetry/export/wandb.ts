import { createHash } from 'node:crypto';
import { wandbAuthorization, wandbUrl } from './credentials.js';
import type { MetricsRow } from './metrics-file.js';
import { requestJson } from './request.js';
import type { RunEnd, RunInfo } from './run-info.js';
import { serverAddress } from './server-address.js';
import { ExportProblem, type MetricsPart, type RemoteRun, type Tracker } from './tracker.js';

export interface WandbOptions {
  /** null: WANDB_BASE_URL, or W&B's own server. */
  base_url?: string | null;
  project?: string;
  /** null: the key's own. */
  entity?: string | null;
  /** null: none. */
  group?: string | null;
  /** null: the run's id. */
  run_name?: string | null;
}

const ownServer = 'https://api.wandb.ai';

// The fields that we use of the mutation that W&B's open client sends.
const upsertBucket = `
mutation UpsertBucket($name: String, $project: String, $entity: String, $groupName: String, $displayName: String, $commit: String, $config: JSONString, $host: String, $program: String, $jobType: String, $summaryMetrics: JSONString) {
  upsertBucket(input: {name: $name, modelName: $project, entityName: $entity, groupName: $groupName, displayName: $displayName, commit: $commit, config: $config, host: $host, jobProgram: $program, jobType: $jobType, summaryMetrics: $summaryMetrics}) {
    bucket { id name displayName project { name entity { name } } }
    inserted
  }
}`;

/**
 * A W&B server, as its open client speaks to it: the run is made by the GraphQL mutation `upsertBucket`, its history goes
 * to `file_stream` as numbered lines of wandb-history.jsonl. The run's name there follows from the run itself and lines
 * have numbers: sending again doubles nothing. There is no written protocol; this is what the client of version 0.30 sends.
 */
export class WandbTracker implements Tracker {
  private readonly options: WandbOptions;

  constructor(options: WandbOptions) {
    this.options = options;
  }

  get server(): string {
    const { base_url } = this.options;
    return serverAddress(
      base_url ?? wandbUrl() ?? ownServer,
      base_url == null ? 'WANDB_BASE_URL' : 'base_url',
    );
  }

  async begin(run: RunInfo): Promise<RemoteRun> {
    const { project = 'sluice', entity = null, group = null, run_name = null } = this.options;
    const config = Object.fromEntries(Object.entries(run.config).map(([key, value]) => [key, { value }]));
    const variables = {
      name: runName(run),
      project,
      entity,
      groupName: group,
      displayName: run_name ?? run.id,
      commit: run.commit?.split(',')[0] ?? null,
      config: JSON.stringify({ ...config, _wandb: { value: {} } }),
      host: run.host,
      program: run.command,
      jobType: run.stage,
      summaryMetrics: null,
    };
    const answer = await this.post('graphql', {
      query: upsertBucket,
      variables,
      operationName: 'UpsertBucket',
    });
    const { data, errors } = answer as {
      data?: { upsertBucket?: { bucket?: Bucket } | null };
      errors?: { message?: string }[];
    };
    const bucket = data?.upsertBucket?.bucket;
    const owner = bucket?.project?.entity?.name;
    if (bucket?.project?.name === undefined || owner === undefined) {
      const why = errors?.[0]?.message ?? 'its answer is not that of a W&B server';
      throw new ExportProblem(`${this.server} does not take the run: ${String(why).slice(0, 200)}`, false);
    }
    return { entity: owner, project: bucket.project.name, run: bucket.name ?? variables.name };
  }

  async send(remote: RemoteRun, run: RunInfo, { rows, sent, last }: MetricsPart): Promise<void> {
    const content = rows.map((row) => lineOf(historyOf(row, run)));
    const files = {
      'wandb-history.jsonl': { offset: sent, content },
      'wandb-summary.json': summaryOf(historyOf(last, run), clockOf(last, run)._runtime),
    };
    await this.stream(remote, { files });
  }

  async end(remote: RemoteRun, run: RunInfo, end: RunEnd, last: MetricsRow | null): Promise<void> {
    const seconds = (Date.parse(end.endedAt) - Date.parse(run.startedAt)) / 1000;
    const result = Object.fromEntries(
      Object.entries(end.result).map(([name, value]) => [`result/${name}`, value]),
    );
    const logged = last === null ? {} : historyOf(last, run);
    const files = { 'wandb-summary.json': summaryOf({ ...logged, ...result }, seconds) };
    await this.stream(remote, { files, complete: true, exitcode: end.exitCode });
  }

  private async stream({ entity, project, run }: RemoteRun, body: object): Promise<void> {
    const path = ['files', entity!, project!, run!].map(encodeURIComponent).join('/');
    await this.post(`${path}/file_stream`, body);
  }

  private async post(path: string, body: object): Promise<Record<string, unknown>> {
    const authorization = wandbAuthorization();
    if (authorization === null) throw new ExportProblem('WANDB_API_KEY is not set', false);
    const url = `${this.server}/${path}`;
    const answer = await requestJson({
      method: 'POST',
      url,
      authorization,
      body: JSON.stringify(body),
    });
    if (answer.ok) return answer.body;
    const why = [401, 403].includes(answer.status)
      ? 'it does not take WANDB_API_KEY'
      : `HTTP ${answer.status}`;
    throw new ExportProblem(`${this.server} refuses ${path}: ${why}`, false);
  }
}

interface Bucket {
  name?: string;
  project?: { name?: string; entity?: { name?: string } };
}

// Letters and digits, as W&B's own; the same whenever the run is sent again.
function runName({ host, id, startedAt }: RunInfo): string {
  return createHash('sha256').update(`${host}:${id}:${startedAt}`).digest('hex').slice(0, 12);
}

const clockOf = ({ seconds }: MetricsRow, { startedAt }: RunInfo) => ({
  _timestamp: seconds,
  _runtime: seconds - Date.parse(startedAt) / 1000,
});

const historyOf = (row: MetricsRow, run: RunInfo) => ({
  ...row.values,
  ...clockOf(row, run),
  _step: row.step,
});

// One line, written anew each time.
const summaryOf = (values: Record<string, unknown>, seconds: number) => ({
  offset: 0,
  content: [lineOf({ ...values, _wandb: { runtime: Math.round(seconds) } })],
});

// As the client writes what is not finite: bare, as Python's json does.
function lineOf(values: Record<string, unknown>): string {
  const entries = Object.entries(values).map(([name, value]) => {
    const isOdd = typeof value === 'number' && !Number.isFinite(value);
    return `${JSON.stringify(name)}:${isOdd ? String(value) : JSON.stringify(value)}`;
  });
  return `{${entries.join(',')}}`;
}
