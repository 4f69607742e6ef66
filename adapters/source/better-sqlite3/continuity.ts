/** Where reading begins when nothing was held: what the files prove against the newest local file (D-1), or a full copy. */
import fs from 'node:fs';
import { decideContinuity, type SyncedEnd, snapshotReasons } from '#domain/continuity';
import { ReplicationError } from '#errors/replication-error';
import { walOffsetAfter } from '#format/wal/frame';
import { lookAtGenerationEnd } from '#format/wal/generation-end';
import { WAL_HEADER_BYTES } from '#format/wal/header';
import { readLevelZeroPage, type VerifiedFile } from './local-files.ts';
import { observe, startOf } from './observe.ts';
import type { FollowedDatabase, SourceContext, WalEnd } from './state.ts';
import { readWal, withWal } from './wal-file.ts';
import { describeDatabaseFile, readWalMemory, writeWalMemory } from './wal-memory.ts';

/** Where to read on, and why not from there: present when the next file must be a full copy. */
export interface StartingPoint {
  readonly end: WalEnd;
  readonly reason: string | undefined;
}

/** Asked under the pin, with at least one frame in the log. */
export const findStart = (
  db: Pick<FollowedDatabase, 'context' | 'control' | 'descriptor' | 'pageSize'>,
  newest: VerifiedFile | undefined,
): StartingPoint => {
  const { settings, files } = db.context;
  return withWal(files, `${settings.databasePath}-wal`, (walFd) => {
    const seen = observe(db, walFd);
    const header = seen?.reading.header;
    if (seen === undefined || header === undefined || walFd === undefined || header.pageSize !== db.pageSize) {
      throw unsettled(settings.databasePath);
    }
    const start = startOf(seen.reading.bytes, header);
    const memory = readWalMemory(settings.metaPath);
    if (newest === undefined) return { end: start, reason: snapshotReasons.firstFile };
    if (memory !== undefined && memory.database !== describeDatabaseFile(db.descriptor)) {
      return { end: start, reason: 'database file replaced, snapshotting' };
    }
    const synced = syncedEnd(newest);
    const remembered = memory === undefined ? undefined : Buffer.from(memory.walHeader, 'hex');
    const end = lookTwice(db.context, { walFd, synced, newest });
    const decision = decideContinuity({
      synced,
      header: { ...header, bytes: compareHeader(remembered, seen.reading.bytes, synced) },
      lastFrame: end.lastFrame,
      atEnd: end.atEnd,
      pin: 'broken',
      logFrames: seen.log,
    });
    if (decision.kind === 'wait') throw unsettled(settings.databasePath);
    if (decision.kind === 'snapshot') return { end: start, reason: decision.reason };
    if (decision.from === WAL_HEADER_BYTES) return { end: start, reason: undefined };
    // Frames that SQLite does not count are no commits, however intact they look.
    const isCounted = decision.from <= walOffsetAfter(seen.log, db.pageSize);
    if (!isCounted || end.chain === undefined) return { end: start, reason: snapshotReasons.fileShorter };
    return { end: { ...start, offset: decision.from, ...end.chain }, reason: undefined };
  });
};

/** What the newest file says of the WAL. */
const syncedEnd = ({ header }: VerifiedFile): SyncedEnd => ({
  salt1: header.walSalt1,
  salt2: header.walSalt2,
  endOffset: Number(header.walOffset + header.walSize),
  pageSize: header.pageSize,
});

/** The remembered header counts only when it is that of the generation the newest file was read from. */
const compareHeader = (
  remembered: Buffer | undefined,
  current: Buffer,
  { salt1, salt2 }: SyncedEnd,
): 'same' | 'different' | 'unknown' => {
  if (remembered === undefined || remembered.length !== WAL_HEADER_BYTES) return 'unknown';
  if (remembered.readUInt32BE(16) !== salt1 || remembered.readUInt32BE(20) !== salt2) return 'unknown';
  return remembered.equals(current) ? 'same' : 'different';
};

/**
 * The frame before E is looked at again after what stands at E: a writer of the next generation overwrites from the start, so if
 * the frame before is intact afterwards, what was read at E had not been touched either.
 */
const lookTwice = (
  { workspace, files }: SourceContext,
  { walFd, synced, newest }: { readonly walFd: number; readonly synced: SyncedEnd; readonly newest: VerifiedFile },
) => {
  const look = () =>
    lookAtGenerationEnd({
      synced,
      remembered: {
        kind: 'page',
        pageImage: (pageNumber) => readLevelZeroPage(workspace, { file: newest, pageNumber, files }),
      },
      fileBytes: fs.fstatSync(walFd).size,
      read: (at, length) => readWal(walFd, at, length),
    });
  const first = look();
  const second = look();
  return first.lastFrame === second.lastFrame ? first : { ...first, lastFrame: 'changed' as const };
};

/** Remembers the header for the next process. */
export const rememberHeader = ({ context, descriptor, end }: FollowedDatabase): void => {
  const memory = { walHeader: end.header.toString('hex'), database: describeDatabaseFile(descriptor) };
  writeWalMemory(context.files, context.settings.metaPath, memory);
};

/** What to tell when the WAL does not come to rest. */
export const unsettled = (path: string): ReplicationError =>
  new ReplicationError('DATABASE_BUSY', `the WAL of ${path} changes faster than it can be looked at`, {
    retryable: true,
    hint: 'It is tried again.',
    details: { path },
  });
