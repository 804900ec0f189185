/** Seconds as a person says them: 42s, 2m42s, 1h02m. */
export const duration = (seconds: number): string => {
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${minutes}m${two(whole % 60)}s`;
  return `${Math.floor(minutes / 60)}h${two(minutes % 60)}m`;
};

/** Bytes in powers of 1000, as podman and docker print them. */
export const byteSize = (bytes: number): string => {
  if (bytes < 1000) return `${bytes} B`;
  let value = bytes;
  for (const unit of ['kB', 'MB', 'GB']) {
    value /= 1000;
    if (value < 999.95) return `${value.toFixed(1)} ${unit}`;
  }
  return `${(value / 1000).toFixed(1)} TB`;
};

/** `sha256:` and the first 12 digits, as podman prints it. */
export const shortDigest = (digest: string): string => digest.slice(0, 'sha256:'.length + 12);

/** How long ago, roughly, as kubectl says it: 42s, 5m, 3h, 12d. */
export const age = (seconds: number): string => {
  const steps = [
    { unit: 'd', seconds: 86_400 },
    { unit: 'h', seconds: 3_600 },
    { unit: 'm', seconds: 60 },
  ];
  const step = steps.find((one) => seconds >= 2 * one.seconds) ?? { unit: 's', seconds: 1 };
  return `${Math.max(0, Math.floor(seconds / step.seconds))}${step.unit}`;
};
