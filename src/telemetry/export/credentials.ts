/** Where this room reads the environment: keys are taken from it when a request is made, and stand nowhere else. */
const variable = (name: string): string | undefined => process.env[name] || undefined;

const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

export const mlflowUri = () => variable('MLFLOW_TRACKING_URI');

/** The `Authorization` that MLflow's own client would send; null without one. */
export function mlflowAuthorization(): string | null {
  const token = variable('MLFLOW_TRACKING_TOKEN');
  const user = variable('MLFLOW_TRACKING_USERNAME');
  if (user !== undefined) return basic(user, variable('MLFLOW_TRACKING_PASSWORD') ?? '');
  return token === undefined ? null : `Bearer ${token}`;
}

export const wandbUrl = () => variable('WANDB_BASE_URL');

/** As W&B's own client sends its key. */
export function wandbAuthorization(): string | null {
  const key = variable('WANDB_API_KEY');
  return key === undefined ? null : basic('api', key);
}
