/** What the builder tells of its Build while it works, and how long each part took. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Details, Stage, Step } from '../kinds.ts';
import { say } from './programs.ts';

/** As OpenShift's builder: about 25 s in all, and then it goes on without. */
const waits = [25, 50, 100, 200, 400, 800, 1600, 3200, 6400, 12_800];

export const putDetails = async (url: string, details: Details): Promise<void> => {
  const headers = { 'content-type': 'application/json' };
  for (const wait of waits) {
    const answer = await fetch(url, { method: 'PUT', headers, body: JSON.stringify(details) }).catch(() => undefined);
    if (answer?.ok === true) return;
    await pause(wait);
  }
  say('error: Unable to update build status');
}; // prettier-ignore

/** Why a build failed: words of the Build's status. */
export class BuildError extends Error {
  override readonly name = 'BuildError';
  readonly reason: string;
  readonly said: string;

  /** @param said the Build's `message`; the error's own is for the log. */
  constructor(reason: string, said: string, message: string) {
    super(message);
    this.reason = reason;
    this.said = said;
  }
}

const toSecond = (at: number): string => `${new Date(at).toISOString().slice(0, 19)}Z`;

export interface Timing {
  /** Measures a step, whether it succeeds or not. */
  readonly step: <T>(stage: string, name: string, work: () => Promise<T>) => Promise<T>;
  readonly stages: () => readonly Stage[];
}

export const startTiming = (): Timing => {
  const stages = new Map<string, Step[]>();
  return {
    step: async (stage, name, work) => {
      const began = Date.now();
      try {
        return await work();
      } finally {
        const step = { name, startTime: toSecond(began), durationMilliseconds: Date.now() - began };
        stages.set(stage, [...(stages.get(stage) ?? []), step]);
      }
    },
    stages: () =>
      [...stages].map(([name, steps]) => ({
        name,
        startTime: steps[0]?.startTime ?? toSecond(Date.now()),
        durationMilliseconds: steps.reduce((sum, step) => sum + step.durationMilliseconds, 0),
        steps,
      })),
  };
};
