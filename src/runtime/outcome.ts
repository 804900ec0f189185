/**
 * What a reconcile says of its object when it returns. To throw is the fifth answer: something failed, and it is tried
 * again with a back-off.
 *
 * A reconcile is level-based: it is told which object, never what happened. It looks at what there is, does what is
 * missing, and may be started again at any time, also when nothing has changed.
 */
export type Outcome =
  /** All is as it should be. The next change starts it again. */
  | { readonly type: 'done' }
  /** All is well so far; look again after this time, in milliseconds, even if nothing changes. */
  | { readonly type: 'again'; readonly afterMs: number }
  /** Something else must happen first, and a watch will tell: `on` says what, for the log. */
  | { readonly type: 'waiting'; readonly on: string }
  /** A person must act, and the object's status says so: it is not tried again until something changes. */
  | { readonly type: 'terminal'; readonly reason: string };

export const done: Outcome = { type: 'done' };
export const again = (afterMs: number): Outcome => ({ type: 'again', afterMs });
export const waiting = (on: string): Outcome => ({ type: 'waiting', on });
export const terminal = (reason: string): Outcome => ({ type: 'terminal', reason });
