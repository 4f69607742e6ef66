/** Waiting for something observable, with a deadline that names what never came. */
import { setTimeout as pause } from 'node:timers/promises';

/** How often a condition is looked at. */
const pollingIntervalMs = 5;

/** Long enough for a loaded two-core machine; a healthy run never gets near it. */
export const patienceMs = 60_000;

/**
 * Resolves with the first value that is neither `undefined`, `null` nor `false`; throws after `timeoutMs`. `describe` is
 * asked only then, and should say what was seen instead.
 */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  options: { readonly timeoutMs?: number; readonly describe?: () => string } = {},
): Promise<Exclude<T, undefined | null | false>> {
  const timeoutMs = options.timeoutMs ?? patienceMs;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await look();
    if (value !== undefined && value !== null && value !== false) {
      return value as Exclude<T, undefined | null | false>; // narrowed by the line above, which TypeScript cannot follow
    }
    if (performance.now() > deadline) {
      const seen = options.describe?.();
      throw new Error(`waited ${timeoutMs} ms in vain for: ${what}${seen === undefined ? '' : `\n${seen}`}`);
    }
    await pause(pollingIntervalMs);
  }
}
