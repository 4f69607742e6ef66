/** Replicas with one damaged file: refused with the file named, or restored exactly as from an undamaged one. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createMemoryStorage } from '#adapters/storage/memory/memory-storage';
import { restoreDatabase } from '#effects/restore/restore';
import {
  digestOf,
  fixtureBucket,
  fixturePath,
  readExpected,
  restoreRequest,
  restoreServices,
  temporaryDirectory,
} from './support.ts';

interface DamagedCase {
  readonly name: string;
  readonly txid: number;
  readonly restore: { readonly exit: number; readonly same_as_good: boolean; readonly stderr?: string };
}

const expected = (await readExpected('v0.5', 'damaged')) as {
  readonly good: { readonly size: number; readonly sha256: string };
  readonly cases: readonly DamagedCase[];
};

/** Accepted by the real program, refused here: the format forbids them. */
const STRICTER = new Set(['made-page-above-commit', 'made-lock-page', 'made-post-with-nochecksum']);

/** Errors that come before any file is read keep the real wording. */
const SAME_WORDS = /^(?:zero-length|cut-00[059])/;

test.each(expected.cases)('$name', async ({ name, txid, restore }) => {
  await using directory = await temporaryDirectory();
  const bucket = await fixtureBucket('damaged');
  const range = { minTxid: BigInt(txid), maxTxid: BigInt(txid) };
  const bytes = await readFile(fixturePath('v0.5', 'damaged', 'files', `${name}.ltx`));
  bucket.put({ info: { ...range, level: 0, sizeBytes: bytes.length, createdAtMs: 1_795_395_860_146 }, bytes });
  const output = join(directory.path, 'out.db');
  const work = restoreDatabase(restoreServices(), restoreRequest(createMemoryStorage({ bucket }), output));
  if (restore.exit === 0 && !STRICTER.has(name)) {
    await work;
    const { size, sha256 } = expected.good;
    expect(await digestOf(output)).toEqual({ size, sha256 });
    return;
  }
  const error: unknown = await work.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: 'ReplicationError', retryable: false, code: expect.stringMatching(/^LTX_/) });
  const { message } = error as Error;
  if (SAME_WORDS.test(name)) expect(`Error: ${message}\n`).toBe(restore.stderr);
  else expect(message).toMatch(/^decode database: /);
  expect(await readdir(directory.path)).toEqual([]);
});
