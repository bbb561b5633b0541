/**
 * Keys that Transformers types as float: a whole value must be written `1.0` there, as 5.x refuses the integer `1`,
 * and JavaScript cannot tell the two apart once a config is read.
 */
const floatKey =
  /(dropout|pdrop|eps|epsilon|theta|_range|coef|factor|softcapping|mscale|mscale_all_dim|beta_fast|beta_slow|jitter_noise|clip_qkv|_weight|_std|_mean|_var|w_mean|w_var|lambda_var)$/;

/** The text of a config.json or adapter_config.json. */
export function configText(config: Readonly<Record<string, unknown>>): string {
  const text = JSON.stringify(config, null, 2).replace(
    /^(\s*"([^"]+)": -?\d+)(,?)$/gm,
    (line, start: string, key: string, comma: string) => (floatKey.test(key) ? `${start}.0${comma}` : line),
  );
  return `${text}\n`;
}
