import type { ArchitectureName } from '../src/emulation/architectures.ts';

/**
 * The machine code of the probes. Each is this program, without a library, and without memory but its stack:
 *
 *     write(1, text, text[-1]);              the byte before the text is its length
 *     for (p = argv[0]; *p++ != 0; );
 *     p[-1] = '\n';
 *     write(1, argv[0], p - argv[0]);
 *     exit(86);
 *
 * The text stands at 0x400200. At start the stack pointer points at argc, and argv[0] is next to it, unless said
 * otherwise. Numbers and registers of system calls: syscall(2), and each architecture's asm/unistd.h in Linux.
 *
 * Each line is one instruction with its assembly in GNU as's words, from which it was made, and behind `;` what it is
 * for (MicroBlaze and big-endian Xtensa by hand: Debian has no assembler for them). The test runs every one under QEMU.
 */
export interface ProbeCode {
  /**
   * How many bytes the processor reads as one number when it reads instructions. Each is written here with its highest
   * byte first, and stored in the program's byte order.
   */
  readonly unit: 1 | 2 | 3 | 4;
  readonly instructions: readonly string[];
  /** Where instructions have another byte order than data. */
  readonly byteOrder?: 'little';
  /** e_flags, beside those that tell architectures apart. */
  readonly flags?: number;
}

/** A64. Instructions are little-endian whatever the data is. */
const aarch64 = [
  'f94007f3', // ldr x19, [sp, #8]  ; argv[0]
  'd2a00801', // mov x1, #0x400000
  '91080021', // add x1, x1, #0x200
  '385ff022', // ldurb w2, [x1, #-1]  ; length of the text
  'd2800020', // mov x0, #1
  'd2800808', // mov x8, #64
  'd4000001', // svc #0  ; write the text
  'aa1303e1', // mov x1, x19
  '38401663', // 1: ldrb w3, [x19], #1  ; over argv[0] to its NUL,
  '35ffffe3', // cbnz w3, 1b
  '52800143', // mov w3, #10
  '381ff263', // sturb w3, [x19, #-1]  ; which becomes a line feed
  'cb010262', // sub x2, x19, x1
  'd2800020', // mov x0, #1
  'd4000001', // svc #0  ; write argv[0]
  'd2800ac0', // mov x0, #86
  'd2800ba8', // mov x8, #93
  'd4000001', // svc #0  ; exit
];

/** Alpha with BWX (byte loads and stores, EV56). Register $31 is zero; call_pal 0x83 is callsys. */
const alpha = [
  'a53e0008', // ldq $9, 8($30)  ; argv[0]
  '263f0040', // ldah $17, 0x40($31)
  '22310200', // lda $17, 0x200($17)
  '2a51ffff', // ldbu $18, -1($17)  ; length of the text
  '221f0001', // lda $16, 1($31)
  '201f0004', // lda $0, 4($31)
  '00000083', // call_pal 0x83  ; write the text
  '47e90411', // mov $9, $17
  '28290000', // 1: ldbu $1, 0($9)  ; over argv[0] to its NUL,
  '41203409', // addq $9, 1, $9
  'f43ffffd', // bne $1, 1b
  '203f000a', // lda $1, 10($31)
  '3829ffff', // stb $1, -1($9)  ; which becomes a line feed
  '41310532', // subq $9, $17, $18
  '221f0001', // lda $16, 1($31)
  '201f0004', // lda $0, 4($31)
  '00000083', // call_pal 0x83  ; write argv[0]
  '221f0056', // lda $16, 86($31)
  '201f0001', // lda $0, 1($31)
  '00000083', // call_pal 0x83  ; exit
];

/** A32, ARMv5, EABI. Big-endian programs without EF_ARM_BE8 have big-endian instructions (BE32). */
const arm = [
  'e59d4004', // ldr r4, [sp, #4]  ; argv[0]
  'e3a01501', // mov r1, #0x400000
  'e2811c02', // add r1, r1, #0x200
  'e5512001', // ldrb r2, [r1, #-1]  ; length of the text
  'e3a00001', // mov r0, #1
  'e3a07004', // mov r7, #4
  'ef000000', // svc #0  ; write the text
  'e1a01004', // mov r1, r4
  'e4d43001', // 1: ldrb r3, [r4], #1  ; over argv[0] to its NUL,
  'e3530000', // cmp r3, #0
  '1afffffc', // bne 1b
  'e3a0300a', // mov r3, #10
  'e5443001', // strb r3, [r4, #-1]  ; which becomes a line feed
  'e0442001', // sub r2, r4, r1
  'e3a00001', // mov r0, #1
  'ef000000', // svc #0  ; write argv[0]
  'e3a00056', // mov r0, #86
  'e3a07001', // mov r7, #1
  'ef000000', // svc #0  ; exit
];

/**
 * PA-RISC 1.1. The stack grows upwards; argv comes in r24. 0x100 in space 2 is the kernel's gateway. The instruction
 * behind a branch runs before the jump.
 */
const hppa = [
  '0f001083', // ldw 0(%r24), %r3  ; argv[0]
  '23200008', // ldil L%0x400000, %r25
  '37390400', // ldo 0x200(%r25), %r25
  '0f3f1018', // ldb -1(%r25), %r24  ; length of the text
  '341a0002', // ldi 1, %r26
  'e4008200', // ble 0x100(%sr2, %r0)  ; write the text
  '34140008', // ldi 4, %r20
  '08030259', // copy %r3, %r25
  '0c601013', // 1: ldb 0(%r3), %r19  ; over argv[0] to its NUL,
  '8e603fed', // cmpib,<> 0, %r19, 1b
  '34630002', // ldo 1(%r3), %r3
  '34130014', // ldi 10, %r19
  '0c73121f', // stb %r19, -1(%r3)  ; which becomes a line feed
  '0b230418', // sub %r3, %r25, %r24
  '341a0002', // ldi 1, %r26
  'e4008200', // ble 0x100(%sr2, %r0)  ; write argv[0]
  '34140008', // ldi 4, %r20
  '341a00ac', // ldi 86, %r26
  'e4008200', // ble 0x100(%sr2, %r0)  ; exit
  '34140002', // ldi 1, %r20
];

/** 80386. Instructions have no byte order. */
const i386 = [
  '8b742404', // mov esi, [esp+4]  ; argv[0]
  'b900024000', // mov ecx, 0x400200
  '0fb651ff', // movzx edx, byte ptr [ecx-1]  ; length of the text
  'bb01000000', // mov ebx, 1
  'b804000000', // mov eax, 4
  'cd80', // int 0x80  ; write the text
  '89f1', // mov ecx, esi
  '46', // 1: inc esi  ; over argv[0] to its NUL,
  '807eff00', // cmp byte ptr [esi-1], 0
  '75f9', // jne 1b
  'c646ff0a', // mov byte ptr [esi-1], 10  ; which becomes a line feed
  '89f2', // mov edx, esi
  '29ca', // sub edx, ecx
  'bb01000000', // mov ebx, 1
  'b804000000', // mov eax, 4
  'cd80', // int 0x80  ; write argv[0]
  'bb56000000', // mov ebx, 86
  'b801000000', // mov eax, 1
  'cd80', // int 0x80  ; exit
];

/** 68000. */
const m68k = [
  '206f0004', // move.l 4(%sp), %a0  ; argv[0]
  '243c00400200', // move.l #0x400200, %d2
  '2242', // move.l %d2, %a1
  '7600', // moveq #0, %d3
  '1629ffff', // move.b -1(%a1), %d3  ; length of the text
  '7201', // moveq #1, %d1
  '7004', // moveq #4, %d0
  '4e40', // trap #0  ; write the text
  '2408', // move.l %a0, %d2
  '4a18', // 1: tst.b (%a0)+  ; over argv[0] to its NUL,
  '66fc', // bne.s 1b
  '117c000affff', // move.b #10, -1(%a0)  ; which becomes a line feed
  '2608', // move.l %a0, %d3
  '9682', // sub.l %d2, %d3
  '7201', // moveq #1, %d1
  '7004', // moveq #4, %d0
  '4e40', // trap #0  ; write argv[0]
  '7256', // moveq #86, %d1
  '7001', // moveq #1, %d0
  '4e40', // trap #0  ; exit
];

/** MicroBlaze. `imm` gives the upper half of the number in the next instruction. */
const microblaze = [
  'ea610004', // lwi r19, r1, 4  ; argv[0]
  'b0000040', // imm 0x40
  '30c00200', // addik r6, r0, 0x200
  'e0e6ffff', // lbui r7, r6, -1  ; length of the text
  '30a00001', // addik r5, r0, 1
  '31800004', // addik r12, r0, 4
  'b9cc0008', // brki r14, 8  ; write the text
  '30d30000', // addik r6, r19, 0
  'e0730000', // 1: lbui r3, r19, 0  ; over argv[0] to its NUL,
  '32730001', // addik r19, r19, 1
  'bc23fff8', // bnei r3, 1b
  '3060000a', // addik r3, r0, 10
  'f073ffff', // sbi r3, r19, -1  ; which becomes a line feed
  '14e69800', // rsubk r7, r6, r19
  '30a00001', // addik r5, r0, 1
  '31800004', // addik r12, r0, 4
  'b9cc0008', // brki r14, 8  ; write argv[0]
  '30a00056', // addik r5, r0, 86
  '31800001', // addik r12, r0, 1
  'b9cc0008', // brki r14, 8  ; exit
];

/** MIPS I, o32. The instruction behind a branch runs before the jump. */
const mips = [
  '8fb00004', // lw $s0, 4($sp)  ; argv[0]
  '3c050040', // lui $a1, 0x40
  '34a50200', // ori $a1, $a1, 0x200
  '90a6ffff', // lbu $a2, -1($a1)  ; length of the text
  '24040001', // li $a0, 1
  '24020fa4', // li $v0, 4004
  '0000000c', // syscall  ; write the text
  '02002821', // addu $a1, $s0, $zero
  '92080000', // 1: lbu $t0, 0($s0)  ; over argv[0] to its NUL,
  '1500fffe', // bnez $t0, 1b
  '26100001', // addiu $s0, $s0, 1
  '2408000a', // li $t0, 10
  'a208ffff', // sb $t0, -1($s0)  ; which becomes a line feed
  '02053023', // subu $a2, $s0, $a1
  '24040001', // li $a0, 1
  '24020fa4', // li $v0, 4004
  '0000000c', // syscall  ; write argv[0]
  '24040056', // li $a0, 86
  '24020fa1', // li $v0, 4001
  '0000000c', // syscall  ; exit
];

/** MIPS III, n32. The instruction behind a branch runs before the jump. */
const mipsn32 = [
  '8fb00004', // lw $s0, 4($sp)  ; argv[0]
  '3c050040', // lui $a1, 0x40
  '34a50200', // ori $a1, $a1, 0x200
  '90a6ffff', // lbu $a2, -1($a1)  ; length of the text
  '24040001', // li $a0, 1
  '24021771', // li $v0, 6001
  '0000000c', // syscall  ; write the text
  '02002821', // addu $a1, $s0, $zero
  '920c0000', // 1: lbu $t0, 0($s0)  ; over argv[0] to its NUL,
  '1580fffe', // bnez $t0, 1b
  '26100001', // addiu $s0, $s0, 1
  '240c000a', // li $t0, 10
  'a20cffff', // sb $t0, -1($s0)  ; which becomes a line feed
  '02053023', // subu $a2, $s0, $a1
  '24040001', // li $a0, 1
  '24021771', // li $v0, 6001
  '0000000c', // syscall  ; write argv[0]
  '24040056', // li $a0, 86
  '240217aa', // li $v0, 6058
  '0000000c', // syscall  ; exit
];

/** MIPS III, n64. The instruction behind a branch runs before the jump. */
const mips64 = [
  'dfb00008', // ld $s0, 8($sp)  ; argv[0]
  '3c050040', // lui $a1, 0x40
  '34a50200', // ori $a1, $a1, 0x200
  '90a6ffff', // lbu $a2, -1($a1)  ; length of the text
  '24040001', // li $a0, 1
  '24021389', // li $v0, 5001
  '0000000c', // syscall  ; write the text
  '0200282d', // daddu $a1, $s0, $zero
  '920c0000', // 1: lbu $t0, 0($s0)  ; over argv[0] to its NUL,
  '1580fffe', // bnez $t0, 1b
  '66100001', // daddiu $s0, $s0, 1
  '240c000a', // li $t0, 10
  'a20cffff', // sb $t0, -1($s0)  ; which becomes a line feed
  '0205302f', // dsubu $a2, $s0, $a1
  '24040001', // li $a0, 1
  '24021389', // li $v0, 5001
  '0000000c', // syscall  ; write argv[0]
  '24040056', // li $a0, 86
  '240213c2', // li $v0, 5058
  '0000000c', // syscall  ; exit
];

/** PowerPC, from the second instruction on: the first depends on the size of a pointer. */
const powerpc = (first: string): readonly string[] => [
  first, // argv[0]
  '3c800040', // lis 4, 0x40
  '60840200', // ori 4, 4, 0x200
  '88a4ffff', // lbz 5, -1(4)  ; length of the text
  '38600001', // li 3, 1
  '38000004', // li 0, 4
  '44000002', // sc  ; write the text
  '7fe4fb78', // mr 4, 31
  '88df0000', // 1: lbz 6, 0(31)  ; over argv[0] to its NUL,
  '3bff0001', // addi 31, 31, 1
  '2c060000', // cmpwi 6, 0
  '4082fff4', // bne 1b
  '38c0000a', // li 6, 10
  '98dfffff', // stb 6, -1(31)  ; which becomes a line feed
  '7ca4f850', // subf 5, 4, 31
  '38600001', // li 3, 1
  '38000004', // li 0, 4
  '44000002', // sc  ; write argv[0]
  '38600056', // li 3, 86
  '38000001', // li 0, 1
  '44000002', // sc  ; exit
];

/** RISC-V without compressed instructions, from the second on: the first depends on the size of a pointer. */
const riscv = (first: string): readonly string[] => [
  first, // argv[0]
  '004005b7', // lui a1, 0x400
  '20058593', // addi a1, a1, 0x200
  'fff5c603', // lbu a2, -1(a1)  ; length of the text
  '00100513', // li a0, 1
  '04000893', // li a7, 64
  '00000073', // ecall  ; write the text
  '00040593', // mv a1, s0
  '00044283', // 1: lbu t0, 0(s0)  ; over argv[0] to its NUL,
  '00140413', // addi s0, s0, 1
  'fe029ce3', // bnez t0, 1b
  '00a00293', // li t0, 10
  'fe540fa3', // sb t0, -1(s0)  ; which becomes a line feed
  '40b40633', // sub a2, s0, a1
  '00100513', // li a0, 1
  '00000073', // ecall  ; write argv[0]
  '05600513', // li a0, 86
  '05d00893', // li a7, 93
  '00000073', // ecall  ; exit
];

/** z/Architecture with long displacements (z990). Instructions of 2, 4 and 6 bytes, always big-endian. */
const s390x = [
  'e360f0080004', // lg %r6, 8(%r15)  ; argv[0]
  'a53e0040', // llilh %r3, 0x40
  'a73b0200', // aghi %r3, 0x200
  'e3403fffff90', // llgc %r4, -1(%r3)  ; length of the text
  'a7290001', // lghi %r2, 1
  '0a04', // svc 4  ; write the text
  'b9040036', // lgr %r3, %r6
  '95006000', // 1: cli 0(%r6), 0  ; over argv[0] to its NUL,
  '41606001', // la %r6, 1(%r6)
  'a774fffc', // jne 1b
  'b9040046', // lgr %r4, %r6
  'b9090043', // sgr %r4, %r3
  'a76bffff', // aghi %r6, -1
  '920a6000', // mvi 0(%r6), 10  ; which becomes a line feed
  'a7290001', // lghi %r2, 1
  '0a04', // svc 4  ; write argv[0]
  'a7290056', // lghi %r2, 86
  '0a01', // svc 1  ; exit
];

/** SH-4. Byte loads extend the sign: the text is shorter than 128 bytes. */
const sh4 = [
  '58f1', // mov.l @(4, r15), r8  ; argv[0]
  'e540', // mov #0x40, r5
  '4528', // shll16 r5
  'e102', // mov #2, r1
  '4118', // shll8 r1
  '351c', // add r1, r5
  '6153', // mov r5, r1
  '71ff', // add #-1, r1
  '6610', // mov.b @r1, r6  ; length of the text
  'e401', // mov #1, r4
  'e304', // mov #4, r3
  'c313', // trapa #0x13  ; write the text
  '6583', // mov r8, r5
  '6184', // 1: mov.b @r8+, r1  ; over argv[0] to its NUL,
  '2118', // tst r1, r1
  '8bfc', // bf 1b
  '6683', // mov r8, r6
  '3658', // sub r5, r6
  'e10a', // mov #10, r1
  '2814', // mov.b r1, @-r8  ; which becomes a line feed
  'e401', // mov #1, r4
  'e304', // mov #4, r3
  'c313', // trapa #0x13  ; write argv[0]
  'e456', // mov #86, r4
  'e301', // mov #1, r3
  'c311', // trapa #0x11  ; exit
];

/**
 * SPARC V8+. 64 bytes at the stack pointer are for a register window. The instruction behind a branch runs before the
 * jump.
 */
const sparc32plus = [
  'e003a044', // ld [%sp+68], %l0  ; argv[0]
  '13001000', // sethi %hi(0x400200), %o1
  '92126200', // or %o1, 0x200, %o1
  'd40a7fff', // ldub [%o1-1], %o2  ; length of the text
  '90102001', // mov 1, %o0
  '82102004', // mov 4, %g1
  '91d02010', // ta 0x10  ; write the text
  '92100010', // mov %l0, %o1
  'd60c0000', // 1: ldub [%l0], %o3  ; over argv[0] to its NUL,
  '80a2e000', // cmp %o3, 0
  '12bffffe', // bne 1b
  'a0042001', // add %l0, 1, %l0
  '9610200a', // mov 10, %o3
  'd62c3fff', // stb %o3, [%l0-1]  ; which becomes a line feed
  '94240009', // sub %l0, %o1, %o2
  '90102001', // mov 1, %o0
  '82102004', // mov 4, %g1
  '91d02010', // ta 0x10  ; write argv[0]
  '90102056', // mov 86, %o0
  '82102001', // mov 1, %g1
  '91d02010', // ta 0x10  ; exit
];

/** Xtensa without density. A call’s number is in a2, its arguments in a6, a3, a4. */
const xtensa = [
  '0121c2', // l32i a12, a1, 4  ; argv[0]
  '40a032', // movi a3, 64
  '113300', // slli a3, a3, 16
  '00a242', // movi a4, 0x200
  '803340', // add a3, a3, a4
  'ffc342', // addi a4, a3, -1
  '000442', // l8ui a4, a4, 0  ; length of the text
  '01a062', // movi a6, 1
  '0da022', // movi a2, 13
  '005000', // syscall  ; write the text
  '203cc0', // or a3, a12, a12
  '000c52', // 1: l8ui a5, a12, 0  ; over argv[0] to its NUL,
  '01ccc2', // addi a12, a12, 1
  'ff6556', // bnez a5, 1b
  'ffcc42', // addi a4, a12, -1
  '0aa052', // movi a5, 10
  '004452', // s8i a5, a4, 0  ; which becomes a line feed
  'c04c30', // sub a4, a12, a3
  '01a062', // movi a6, 1
  '0da022', // movi a2, 13
  '005000', // syscall  ; write argv[0]
  '56a062', // movi a6, 86
  '76a022', // movi a2, 118
  '005000', // syscall  ; exit
];

/** The same for big-endian processors, whose instructions have their fields in the reverse order. */
const xtensaeb = [
  '2c1201', // l32i a12, a1, 4  ; argv[0]
  '230a40', // movi a3, 64
  '003311', // slli a3, a3, 16
  '242a00', // movi a4, 0x200
  '043308', // add a3, a3, a4
  '243cff', // addi a4, a3, -1
  '244000', // l8ui a4, a4, 0  ; length of the text
  '260a01', // movi a6, 1
  '220a0d', // movi a2, 13
  '000500', // syscall  ; write the text
  '0cc302', // or a3, a12, a12
  '25c000', // 1: l8ui a5, a12, 0  ; over argv[0] to its NUL,
  '2ccc01', // addi a12, a12, 1
  '655ff6', // bnez a5, 1b
  '24ccff', // addi a4, a12, -1
  '250a0a', // movi a5, 10
  '254400', // s8i a5, a4, 0  ; which becomes a line feed
  '03c40c', // sub a4, a12, a3
  '260a01', // movi a6, 1
  '220a0d', // movi a2, 13
  '000500', // syscall  ; write argv[0]
  '260a56', // movi a6, 86
  '220a76', // movi a2, 118
  '000500', // syscall  ; exit
];

// prettier-ignore
export const probeCode: Readonly<Record<ArchitectureName, ProbeCode>> = {
  aarch64: { unit: 4, instructions: aarch64 },
  aarch64_be: { unit: 4, instructions: aarch64, byteOrder: 'little' },
  alpha: { unit: 4, instructions: alpha },
  arm: { unit: 4, instructions: arm, flags: 0x0500_0000 }, // EF_ARM_EABI_VER5
  armeb: { unit: 4, instructions: arm, flags: 0x0500_0000 },
  hppa: { unit: 4, instructions: hppa, flags: 0x0210 }, // EFA_PARISC_1_1
  i386: { unit: 1, instructions: i386 },
  m68k: { unit: 2, instructions: m68k },
  microblaze: { unit: 4, instructions: microblaze },
  microblazeel: { unit: 4, instructions: microblaze },
  mips: { unit: 4, instructions: mips, flags: 0x1000 }, // EF_MIPS_ABI_O32
  mipsel: { unit: 4, instructions: mips, flags: 0x1000 },
  mipsn32: { unit: 4, instructions: mipsn32, flags: 0x2000_0000 }, // EF_MIPS_ARCH_3
  mipsn32el: { unit: 4, instructions: mipsn32, flags: 0x2000_0000 },
  mips64: { unit: 4, instructions: mips64, flags: 0x2000_0000 },
  mips64el: { unit: 4, instructions: mips64, flags: 0x2000_0000 },
  ppc: { unit: 4, instructions: powerpc('83e10004') }, // lwz 31, 4(1)
  ppc64: { unit: 4, instructions: powerpc('ebe10008'), flags: 2 }, // ld 31, 8(1)  ; ELFv2: the entry is code, not a descriptor
  ppc64le: { unit: 4, instructions: powerpc('ebe10008'), flags: 2 },
  riscv32: { unit: 4, instructions: riscv('00412403') }, // lw s0, 4(sp)
  riscv64: { unit: 4, instructions: riscv('00813403') }, // ld s0, 8(sp)
  s390x: { unit: 1, instructions: s390x },
  sh4: { unit: 2, instructions: sh4, flags: 9 }, // EF_SH4
  sh4eb: { unit: 2, instructions: sh4, flags: 9 },
  sparc32plus: { unit: 4, instructions: sparc32plus, flags: 0x0100 }, // EF_SPARC_32PLUS
  xtensa: { unit: 3, instructions: xtensa, flags: 0x0300 }, // EF_XTENSA_XT_INSN, EF_XTENSA_XT_LIT
  xtensaeb: { unit: 3, instructions: xtensaeb, flags: 0x0300 },
};
