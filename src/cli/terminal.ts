import { styleText } from 'node:util';
import type { Config } from '../config.ts';
import { sanitizeText } from './sanitize.ts';

export type Color = 'red' | 'green' | 'yellow' | 'dim' | 'bold';
export type Paint = (color: Color, text: string) => string;

export const paintWith =
  (colors: boolean): Paint =>
  (color, text) =>
    colors ? styleText(color, text, { validateStream: false }) : text;

/** Where a command writes: results to standard output, all that is for a person watching to standard error. */
export interface Terminal {
  /** A result, as it is. */
  readonly result: (text: string) => void;
  /** Words for a person, made safe to show: they may quote what a file or a build said. */
  readonly tell: (text: string) => void;
  /** Text for standard error that is drawn here and already safe. */
  readonly draw: (text: string) => void;
  /** For results. */
  readonly paint: Paint;
  /** For `draw`. */
  readonly paintProgress: Paint;
  /** Standard error is a terminal that a person watches. */
  readonly liveLines: boolean;
  /** Its rows, now. */
  readonly height: () => number;
}

export const terminalOf = (config: Config): Terminal => {
  const { stdout, stderr } = process;
  const ends = (text: string): string => (text.endsWith('\n') ? text : `${text}\n`);
  return {
    result: (text) => stdout.write(ends(text)),
    tell: (text) => stderr.write(ends(sanitizeText(text))),
    draw: (text) => stderr.write(text),
    paint: paintWith(config.colors && stdout.isTTY),
    paintProgress: paintWith(config.colors && stderr.isTTY),
    liveLines: config.liveLines && stderr.isTTY,
    // Undefined where it is no terminal, and 0 in some that do not know.
    height: () => stderr.rows || Infinity,
  };
};

/**
 * A reader that went away (`edgebuild build | head -1`, a closed terminal) is no reason to leave a build half cleaned
 * up: what is written to it is lost, and the program goes on.
 */
export const outliveReaders = (): void => {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    });
};
