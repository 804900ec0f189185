import { stripVTControlCharacters } from 'node:util';

/** Longer lines are cut: a person reads none to their end, and one step can print a gigabyte without a line break. */
const longest = 2000;

/**
 * C0 and C1 control characters (C1 holds the one-byte CSI and OSC of ECMA-48), and the characters of Unicode that
 * reorder what a reader sees (UAX #9, 2.1 to 2.6).
 */
const invisible = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/**
 * One line of foreign text, safe to show: a Dockerfile is foreign code, and what it prints must not move the cursor, set
 * the window's title, answer for the user, or look like other text than it is. Escape sequences go, other control
 * characters become U+FFFD. Of a line redrawn by carriage returns (progress bars) the last drawing stays.
 */
export const sanitizeLine = (line: string): string => {
  const kept = line.slice(-1) === '\r' ? line.slice(0, -1) : line;
  const drawn = kept.slice(kept.lastIndexOf('\r') + 1);
  const cut = drawn.length > longest ? `${drawn.slice(0, longest)}…` : drawn;
  return stripVTControlCharacters(cut).replaceAll('\t', '  ').replace(invisible, '\ufffd').trimEnd();
};

/** A text of several lines, each made safe. */
export const sanitizeText = (text: string): string => text.split('\n').map(sanitizeLine).join('\n');
