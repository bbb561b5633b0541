import { hostname } from 'node:os';
import type { Now } from '../report/index.js';
import { shownStatus } from '../runner/runs/shown-status.js';

/** `lost` for what says `running` and whose process is gone from this host, also of records that lack half of it. */
export const shownStatusOf: Now['statusOf'] = ({ status, pid, processStart, host }) =>
  status === 'running' && pid !== undefined && host === hostname()
    ? shownStatus({ status, pid, processStart: processStart ?? null, host })
    : status;
