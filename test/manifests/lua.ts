import { execa } from 'execa';

/** What a script of Argo CD's answered. */
export interface Health {
  readonly status: string;
  readonly message: string;
}

/**
 * Runs health scripts as Argo CD does: Lua 5.1, `obj` is the object, and of the libraries there is the basic one and `table`
 * alone [argo-cd, util/lua/lua.go].
 *
 * @throws ExecaError: no such program, or a script that fails.
 */
export const runHealthScripts = async (
  runs: readonly { readonly script: string; readonly object: object }[],
): Promise<readonly Health[]> => {
  const rows = runs.map(({ script, object }) => `{script = ${literal(script)}, obj = ${literal(object)}},`);
  const { stdout } = await execa('lua5.1', ['-'], {
    input: `local runs = {\n${rows.join('\n')}\n}\n${loop}`,
  });
  const parts = stdout.split('\0');
  return runs.map((_, at) => ({ status: parts[2 * at] ?? '', message: parts[2 * at + 1] ?? '' }));
};

const loop = `
for _, run in ipairs(runs) do
  local script = assert(loadstring(run.script, "=health.lua"))
  local names = {"assert", "error", "ipairs", "next", "pairs", "pcall", "select", "tonumber", "tostring", "type", "table"}
  local environment = {obj = run.obj}
  for _, name in ipairs(names) do environment[name] = _G[name] end
  setfenv(script, environment)
  local health = script()
  assert(type(health) == "table", "expect table output from Lua script")
  io.write(tostring(health.status), "\\0", tostring(health.message), "\\0")
end
`;

/** As gopher-json decodes JSON: what is null is not there, a list begins at 1. */
const literal = (value: unknown): string => {
  if (typeof value === 'string')
    return `"${[...Buffer.from(value)].map((byte) => `\\${String(byte).padStart(3, '0')}`).join('')}"`;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return `{${value.map(literal).join(', ')}}`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).map(([key, field]) => `[${literal(key)}] = ${literal(field)}`);
    return `{${fields.join(', ')}}`;
  }
  return 'nil';
};
