/** Replicas written by real releases give the bytes the real restore gave, for every restore it was asked for. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { restoreDatabase } from '#effects/restore/restore';
import type { RestoreTarget } from '#effects/restore/restore-types';
import {
  digestOf,
  type ExpectedCase,
  type ExpectedRestore,
  fixtureNames,
  readExpected,
  restoreRequest,
  restoreServices,
  temporaryDirectory,
  timedReplica,
} from './support.ts';

const targetOf = (args: readonly string[]): RestoreTarget => {
  const txid = args.indexOf('-txid');
  if (txid >= 0) return { txid: BigInt(`0x${args[txid + 1]}`) };
  const timestamp = args.indexOf('-timestamp');
  if (timestamp >= 0) return { timestampMs: Date.parse(args[timestamp + 1] ?? '') };
  return {};
};

/** Later than everything means the newest state, by URL too; the real program refuses that. */
const isLaterThanAll = (expected: ExpectedCase, target: RestoreTarget): boolean => {
  const times = [...expected.files, ...(expected.v03_files ?? [])].map((file) => file.mtime_ms);
  return target.timestampMs !== undefined && target.timestampMs > Math.max(...times);
};

const names = (await fixtureNames('v0.5')).filter((name) => !['wal', 'cli', 'damaged'].includes(name));

describe.each(names)('%s', async (name) => {
  const expected = (await readExpected('v0.5', name)) as ExpectedCase;
  const final = expected.final === undefined ? [] : [{ ...expected.final, args: [] }];
  const restores: readonly ExpectedRestore[] = [
    ...(expected.restores ?? []),
    ...(expected.unavailable ?? []),
    ...final,
  ];

  test(`all ${restores.length} restores have the outcome of the real one`, async () => {
    await using directory = await temporaryDirectory();
    const storage = await timedReplica(name, expected, directory.path);
    const newest = await outcomeOf(storage, join(directory.path, 'newest.db'), {});
    for (const [index, restore] of restores.entries()) {
      const output = join(directory.path, `${index}.db`);
      const target = targetOf(restore.args ?? []);
      const found = await outcomeOf(storage, output, target);
      const label = `${restore.label ?? ''} ${(restore.args ?? []).join(' ')}`;
      if (isLaterThanAll(expected, target)) expect(found, label).toEqual(newest);
      else if (restore.exit !== 0) expect(found, label).toEqual({ error: 'no matching backup files available' });
      else expect(found, label).toEqual({ size: restore.size, sha256: restore.sha256 });
    }
    expect((await readdir(directory.path)).filter((file) => file.includes('.tmp'))).toEqual([]);
  });
});

const outcomeOf = async (
  storage: Awaited<ReturnType<typeof timedReplica>>,
  output: string,
  target: RestoreTarget,
): Promise<object> => {
  try {
    await restoreDatabase(restoreServices(), restoreRequest(storage, output, { target, integrity: 'full' }));
    return await digestOf(output);
  } catch (error) {
    return { error: (error as Error).message };
  }
};
