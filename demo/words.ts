/** How the demo speaks: what it does, with the time since it began, and what came of it. */
const started = Number(process.env['EDGEBUILD_DEMO_STARTED'] ?? Date.now());
process.env['EDGEBUILD_DEMO_STARTED'] = String(started);

export const say = (text = ''): void => {
  process.stdout.write(`${text}\n`);
};

export const heading = (text: string): void => {
  say(`\n[${String(Math.round((Date.now() - started) / 1000)).padStart(3)} s] ${text}`);
};

export const quote = (line: string): void => {
  say(`        ${line}`);
};
