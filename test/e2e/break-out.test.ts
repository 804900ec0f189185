import { afterAll, describe, expect, test } from '@jest/globals';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { inline, newWorkshop } from '../support/workshop.ts';
import { leaveChroot } from '../support/programs.ts';

const shop = newWorkshop();
const amd64 = shop.base('amd64', {
  platform: 'linux/amd64',
  members: [{ name: 'leave-chroot', body: leaveChroot, mode: 0o755 }],
});

/** Of the machine, readable by all and writable by its owner alone; not below /tmp, which sandboxes hide. */
const outside = mkdtempSync('/var/tmp/edgebuild-outside-');
afterAll(() => {
  rmSync(outside, { recursive: true });
});
chmodSync(outside, 0o755);
const file = `${outside}/marker`;
const marker = `a secret of the machine: ${basename(outside)}\n`;
writeFileSync(file, marker, { mode: 0o644 });

/** What the shell out there says goes to one stream alone: two would be mixed within a line. */
const build = (script: string) =>
  shop.build(
    {
      ...inline('FROM base', `RUN ["/leave-chroot", "-c", ${JSON.stringify(`exec 2>/dev/null; ${script}`)}]`),
      platforms: ['linux/amd64'],
    },
    ['--base', `base=${amd64}`],
  );

describe('a build step that breaks out of its chroot', () => {
  test('is out: it reads what everybody may read on the machine', async () => {
    expect(existsSync(`${outside}/marker`)).toBe(true);
    const ended = await build(`cat ${file}; id -u`);
    expect(ended.stderr).toContain(`| ${marker}`);
    expect(ended.stderr).toContain('| 0\n');
  });

  test('is nobody there: it can write no file of the machine, and create, chmod or remove none', async () => {
    const created = `/etc/${basename(outside)}`;
    const attempts = [
      `echo broken >>${file}`,
      `echo broken >${created}`,
      `: >${outside}/new`,
      `chmod 666 ${file}`,
      `rm -f ${file}`,
    ];
    const script = attempts.map((attempt, at) => `(${attempt}) && echo succeeded ${at}`).join('; ');
    const ended = await build(`${script}; cat ${file}; echo tried`);
    expect(ended.stderr).toContain('| tried');
    expect(ended.stderr).not.toMatch(/\| succeeded/);
    expect(readFileSync(file, 'utf8')).toBe(marker);
    expect([existsSync(created), existsSync(`${outside}/new`)]).toEqual([false, false]);
  });

  test('cannot enter what is closed to others on the machine', async () => {
    chmodSync(outside, 0o700);
    const ended = await build(`cat ${file} && echo entered; echo tried`);
    chmodSync(outside, 0o755);
    expect(ended.stderr).toContain('| tried');
    expect(ended.stderr).not.toMatch(/\| (entered|a secret)/);
  });

  test('sees no process of the machine', async () => {
    const ended = await build(
      'for p in /proc/[0-9]*; do cat $p/cmdline; done | tr "\\\\0" " "; echo; echo looked',
    );
    expect(ended.stderr).toContain('| looked');
    expect(ended.stderr).not.toContain('src/main.ts');
    expect(await shop.remains()).toEqual([]);
  });
});
