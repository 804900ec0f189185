import { describe, expect, test } from '@jest/globals';
import { plainProgress } from '../../src/cli/progress.ts';
import { frame, liveProgress } from '../../src/cli/live-progress.ts';
import { paintWith } from '../../src/cli/terminal.ts';
import type { Progress } from '../../src/engines/progress.ts';
import { sink } from './sink.ts';

const events: readonly Progress[] = [
  { kind: 'activity', text: 'fetching the source' },
  { kind: 'step', platform: 'linux/arm64', step: 2, steps: 5, text: 'RUN apt-get update \\\n   && true' },
  { kind: 'output', platform: 'linux/arm64', line: '::error::\u001b[2Jnot for the terminal' },
  { kind: 'warning', platform: 'linux/arm64', text: 'the base says amd64' },
];

describe('plain lines', () => {
  test('say time, platform and what, each in one line that begins with the time', () => {
    const { state, ...where } = sink();
    const view = plainProgress(where);
    for (const event of events) {
      view.report(event);
      state.milliseconds += 62_000;
    }
    view.end();
    expect(state.text.split('\n')).toEqual([
      '    0s  fetching the source',
      ' 1m02s  linux/arm64  step 2/5: RUN apt-get update \\ && true',
      ' 2m04s  linux/arm64  | ::error::not for the terminal',
      ' 3m06s  linux/arm64  warning: the base says amd64',
      '',
    ]);
  });
});

describe('live lines', () => {
  const plain = paintWith(false);

  test('show platform, time in this step, and step', () => {
    const lines = [
      { label: 'linux/arm64', text: 'step 2/5: RUN make', since: 0 },
      { label: 'linux/386', text: 'verifying', since: 60_000 },
    ];
    expect(frame(lines, 62_900, plain)).toEqual([
      '⠏  linux/arm64   1m02s  step 2/5: RUN make',
      '⠏  linux/386        2s  verifying',
    ]);
  });

  test('leave nothing but the warnings when they end', () => {
    const { state, ...where } = sink();
    const view = liveProgress({ ...where, paint: plain });
    for (const event of events) view.report(event);
    view.end();
    expect(shown(state.text)).toEqual(['linux/arm64  warning: the base says amd64', '']);
  });

  test('hold one row a platform, and no output of the build', () => {
    const { state, ...where } = sink();
    const view = liveProgress({ ...where, paint: plain });
    for (const event of events.slice(0, 3)) view.report(event);
    view.report({ kind: 'activity', platform: 'linux/386', text: 'verifying' });
    expect(shown(state.text)).toEqual([
      '⠋  linux/arm64      0s  step 2/5: RUN apt-get update \\ && true',
      '⠋  linux/386        0s  verifying',
      '',
    ]);
    view.end();
  });

  test('are one line while something concerns all platforms', () => {
    const { state, ...where } = sink();
    const view = liveProgress({ ...where, paint: plain });
    for (const event of events.slice(0, 3)) view.report(event);
    view.report({ kind: 'activity', text: 'publishing' });
    expect(shown(state.text)).toEqual(['⠋      0s  publishing', '']);
    view.end();
  });
});

/** What a terminal shows after `text`: it knows the sequences that the live lines use, and no others. */
const shown = (text: string): readonly string[] => {
  const rows = [''];
  let row = 0;
  for (const part of text.split(/(\u001b\[[?\d]*[a-zA-Z]|\r|\n)/u)) {
    const up = /^\u001b\[(\d+)A$/u.exec(part);
    if (up !== null) row -= Number(up[1]);
    else if (part === '\u001b[J') rows.splice(row, rows.length, '');
    else if (part === '\n') row += 1;
    else if (!['\r', '\u001b[?7l', '\u001b[?7h'].includes(part)) rows[row] = (rows[row] ?? '') + part;
    rows[row] ??= '';
  }
  return rows;
};
