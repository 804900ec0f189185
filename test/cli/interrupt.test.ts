import { expect, test } from '@jest/globals';
import { interruptible } from '../../src/cli/interrupt.ts';

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s aborts the work, whose end is waited for, and a second one only says so',
  async (name) => {
    const told: string[] = [];
    const result = await interruptible(
      (text) => told.push(text),
      async (signal) => {
        process.emit(name, name);
        process.emit(name, name);
        await new Promise((resolve) => setTimeout(resolve, 10));
        return `cleaned up, aborted: ${signal.aborted}`;
      },
    );
    expect(result).toBe('cleaned up, aborted: true');
    expect(told).toEqual([`${name}: ending the work and cleaning up`, `${name}: still cleaning up`]);
  },
);

test('nothing listens afterwards, also after an error', async () => {
  const before = process.listenerCount('SIGINT');
  await expect(
    interruptible(
      () => undefined,
      () => Promise.reject(new Error('x')),
    ),
  ).rejects.toThrow('x');
  expect(process.listenerCount('SIGINT')).toBe(before);
});
