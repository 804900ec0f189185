import type { ElfTarget, Platform } from '../../api/platforms.ts';

/**
 * The smallest program of each platform: it writes one word and exits with a status of its own, so that "it ran" can
 * be told from a crash, a refusal and a shell's error. It uses no library, no stack and no memory but itself.
 */
export const probeWord = 'edgebuild\n';
export const probeStatus = 42;

/**
 * Machine code of `write(1, word, 10); exit(42)`, by OCI architecture. Made from the assembly beside it with GNU as.
 * The word stands at 0x400078 (64-bit) or 0x400054 (32-bit): right behind the headers, loaded at 0x400000.
 */
const machineCode: Record<string, { readonly code: string; readonly flags?: number }> = {
  // mov $1,%eax; mov $1,%edi; mov $0x400078,%esi; mov $10,%edx; syscall; mov $60,%eax; mov $42,%edi; syscall
  amd64: { code: 'b801000000bf01000000be78004000ba0a0000000f05b83c000000bf2a0000000f05' },
  // mov x0,#1; movz x1,#0x40,lsl #16; movk x1,#0x78; mov x2,#10; mov x8,#64; svc #0; mov x0,#42; mov x8,#93; svc #0
  arm64: { code: '200080d20108a0d2010f80f2420180d2080880d2010000d4400580d2a80b80d2010000d4' },
  // mov r0,#1; mov r1,#0x400000; orr r1,r1,#0x54; mov r2,#10; mov r7,#4; svc #0; mov r0,#42; mov r7,#1; svc #0
  // e_flags: EABI 5
  arm: {
    code: '0100a0e30115a0e3541081e30a20a0e30470a0e3000000ef2a00a0e30170a0e3000000ef',
    flags: 0x05000000,
  },
  // mov $4,%eax; mov $1,%ebx; mov $0x400054,%ecx; mov $10,%edx; int $0x80; mov $1,%eax; mov $42,%ebx; int $0x80
  386: { code: 'b804000000bb01000000b954004000ba0a000000cd80b801000000bb2a000000cd80' },
  // li 0,4; li 3,1; lis 4,0x40; ori 4,4,0x78; li 5,10; sc; li 0,1; li 3,42; sc.   e_flags: ELFv2
  ppc64le: { code: '04000038010060384000803c780084600a00a03802000044010000382a00603802000044', flags: 2 },
  // lghi %r2,1; llilf %r3,0x400078; lghi %r4,10; svc 4; lghi %r2,42; svc 1
  s390x: { code: 'a7290001c03f00400078a749000a0a04a729002a0a010707' },
  // addi a0,zero,1; lui a1,0x400; addi a1,a1,0x78; addi a2,zero,10; addi a7,zero,64; ecall;
  // addi a0,zero,42; addi a7,zero,93; ecall
  riscv64: { code: '13051000b7054000938585071306a00093080004730000001305a0029308d00573000000' },
  // li $2,5001; li $4,1; lui $5,0x40; ori $5,$5,0x78; li $6,10; syscall; li $2,5058; li $4,42; syscall   e_flags: mips64r2
  mips64le: {
    code: '89130224010004244000053c7800a5340a0006240c000000c21302242a0004240c000000',
    flags: 0x80000000,
  },
};

const loadAddress = 0x400000n;

/** The probe of a platform as the bytes of a static ELF executable of under 200 bytes. */
export const probeOf = (platform: Platform): Buffer => {
  const program = machineCode[platform.architecture];
  if (program === undefined) throw new Error(`no probe for ${platform.name}`);
  const code = Buffer.from(program.code, 'hex');
  const word = Buffer.alloc(16);
  word.write(probeWord);
  return Buffer.concat([headers(platform.elf, word.length + code.length, program.flags ?? 0), word, code]);
};

/** ELF header and one program header that loads the whole file, readable and executable (System V ABI, chapter 4). */
const headers = (elf: ElfTarget, payload: number, flags: number): Buffer => {
  const wide = elf.class === 64;
  const [headerSize, programHeaderSize] = wide ? [64, 56] : [52, 32];
  const size = headerSize + programHeaderSize;
  const bytes = Buffer.alloc(size);
  let at = 0;
  const put = (width: 2 | 4 | 8, value: bigint): void => {
    for (let i = 0; i < width; i++) {
      const shift = BigInt(8 * (elf.byteOrder === 'little' ? i : width - 1 - i));
      bytes[at + i] = Number((value >> shift) & 0xffn);
    }
    at += width;
  };
  const half = (value: number): void => {
    put(2, BigInt(value));
  };
  const word = (value: number): void => {
    put(4, BigInt(value));
  };
  const address = (value: bigint): void => {
    put(wide ? 8 : 4, value);
  };

  bytes.write('\x7fELF', 'latin1');
  bytes.set([wide ? 2 : 1, elf.byteOrder === 'little' ? 1 : 2, 1], 4);
  at = 16;
  half(2); // e_type: executable
  half(elf.machine);
  word(1);
  // The code stands 16 bytes behind the word.
  address(loadAddress + BigInt(size + 16));
  address(BigInt(headerSize)); // e_phoff
  address(0n);
  word(flags);
  half(headerSize);
  half(programHeaderSize);
  half(1);
  half(0);
  half(0);
  half(0);

  word(1); // PT_LOAD
  if (wide) word(5);
  address(0n);
  address(loadAddress);
  address(loadAddress);
  address(BigInt(size + payload));
  address(BigInt(size + payload));
  if (!wide) word(5);
  address(0x10000n);
  return bytes;
};
