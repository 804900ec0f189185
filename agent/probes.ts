import {
  architectureNamed,
  type Architecture,
  type ArchitectureName,
} from '../src/emulation/architectures.ts';
import { probeCode } from './probe-code.ts';

/**
 * The probes: per architecture the smallest program that proves its emulator. It writes `edgebuild-probe <name> `, its
 * argv[0] and a line feed to its standard output and exits with a status of its own. The word, argv[0] and the status
 * together tell a working emulator from a crash, a refusal (ENOEXEC), a shell that took the file for a script, another
 * architecture's emulator, and a handler registered without P (argv[0] is then the program's path).
 *
 * Layout, the same for all: ELF header and one program header at 0, the code at 0x80, the length of the text in the byte
 * at 0x1ff, the text at 0x200. All of it is loaded at 0x400000, to be read and executed, never written. Static, nothing
 * to relocate. Source: System V ABI, chapters 4 and 5.
 */
export const probeStatus = 86;

/** What an architecture's probe writes. */
export const probeOutput = (name: ArchitectureName, argument0: string): string =>
  `${probeText(name)}${argument0}\n`;

const probeText = (name: ArchitectureName): string => `edgebuild-probe ${name} `;

const loadAddress = 0x400000;
const codeAt = 0x80;
const textAt = 0x200;

/** An architecture's probe as the bytes of an ELF executable of less than 1 KiB. */
export const probeOf = (name: ArchitectureName): Buffer => {
  const { elf, flags } = architectureNamed(name);
  const code = probeCode[name];
  const instructions = code.instructions.flatMap((instruction) =>
    inUnits(instruction, code.unit, code.byteOrder ?? elf.byteOrder),
  );
  const text = Buffer.from(probeText(name));
  const size = textAt + text.length;
  const program = Buffer.alloc(size);
  program.set(headers(elf, ((flags?.value ?? 0) | (code.flags ?? 0)) >>> 0, size));
  const machineCode = Buffer.concat(instructions);
  if (codeAt + machineCode.length >= textAt)
    throw new RangeError(`the code of ${name} reaches into its text`);
  program.set(machineCode, codeAt);
  program.set([text.length, ...text], textAt - 1);
  return program;
};

const headers = (elf: Architecture['elf'], flags: number, size: number): Buffer => {
  const wide = elf.class === 64;
  const [headerSize, programHeaderSize] = wide ? [64, 56] : [52, 32];
  const number = (width: number, value: number): Buffer => inOrder(hexOf(value, width), elf.byteOrder);
  const half = (value: number): Buffer => number(2, value);
  const word = (value: number): Buffer => number(4, value);
  const address = (value: number): Buffer => number(wide ? 8 : 4, value);
  const readAndExecute = word(5);
  return Buffer.concat([
    Buffer.from('\x7fELF', 'latin1'),
    Buffer.from([wide ? 2 : 1, elf.byteOrder === 'little' ? 1 : 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ...[half(2), half(elf.machine), word(1)], // e_type: executable; e_version
    ...[address(loadAddress + codeAt), address(headerSize), address(0), word(flags)], // e_entry, e_phoff, e_shoff
    ...[half(headerSize), half(programHeaderSize), half(1), half(0), half(0), half(0)],
    word(1), // PT_LOAD
    ...(wide ? [readAndExecute] : []),
    ...[address(0), address(loadAddress), address(loadAddress), address(size), address(size)],
    ...(wide ? [] : [readAndExecute]),
    address(0x10000), // aligned for every size of pages
  ]);
};

/** The bytes of an instruction, of `unit` bytes or a multiple. */
const inUnits = (instruction: string, unit: number, order: 'little' | 'big'): readonly Buffer[] =>
  (instruction.match(new RegExp(`.{${2 * unit}}`, 'g')) ?? []).map((hex) => inOrder(hex, order));

const hexOf = (value: number, width: number): string => value.toString(16).padStart(2 * width, '0');

/** Bytes of a number that is written with its highest byte first. */
const inOrder = (hex: string, order: 'little' | 'big'): Buffer =>
  order === 'little' ? Buffer.from(hex, 'hex').reverse() : Buffer.from(hex, 'hex');
