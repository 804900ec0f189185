import { test } from '@jest/globals';

export const asRoot = process.getuid?.() === 0;

/** A test of what only root can set up. Elsewhere its name says that it did not run; in CI that is a failure. */
export const testAsRoot = (name: string, body: () => Promise<void>): void => {
  if (asRoot) {
    test(name, body);
    return;
  }
  const unmet = `${name} (not run: only root can set this up)`;
  if (process.env['CI'] === undefined) test.skip(unmet, body);
  else
    test(unmet, () => {
      throw new Error('CI runs the tests as root, and this is another user');
    });
};
