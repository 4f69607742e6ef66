/** Things the restore tests share: a silent log, temporary directories, services over the real file system. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '#ports/log';

/** A log that keeps nothing. */
export const silentLog: Log = { write: () => undefined, with: () => silentLog };

/** A directory that is removed when it leaves scope. */
export const temporaryDirectory = async (): Promise<AsyncDisposable & { readonly path: string }> => {
  const path = await mkdtemp(join(tmpdir(), 'restore-test-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
};
