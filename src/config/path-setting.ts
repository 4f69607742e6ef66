/** Reads a key that holds a local path. */
import type { Located } from './fields.ts';
import { expandPath, type PathContext } from './paths.ts';
import type { Findings } from './problems.ts';

/** The absolute path; undefined when absent, empty, or without a home directory to expand (a problem of the key). */
export const pathOf = (
  located: Located<string> | undefined,
  key: string,
  context: PathContext,
  findings: Findings,
): string | undefined => {
  if (located === undefined || located.value === '') {
    return undefined;
  }
  try {
    return expandPath(located.value, context);
  } catch (error) {
    const message = error instanceof Error ? error.message : 'the path cannot be expanded';
    findings.problem({ at: located.at, key, message });
    return undefined;
  }
};
