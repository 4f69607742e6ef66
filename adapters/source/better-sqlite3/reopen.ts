/** Opens and closes the connections of one database in the order that keeps its locks and its WAL (I-13). */
import type { Txid } from '#domain/txid';
import { openControl, openKeeper, openTransactions } from './connections.ts';
import { findStart, rememberHeader, type StartingPoint } from './continuity.ts';
import { onSource } from './errors.ts';
import { checkIdentity, readIdentity } from './identity.ts';
import type { VerifiedFile } from './local-files.ts';
import { establishPin } from './pin.ts';
import type { FollowedDatabase } from './state.ts';

/** Closes every connection; the keeper last, so that SQLite neither checkpoints nor deletes the WAL. Goes on after failures. */
export const closeConnections = (db: Pick<FollowedDatabase, 'context' | 'control' | 'pinned' | 'second'>): void => {
  const { databasePath } = db.context.settings;
  let keeper: { close(): void } | undefined;
  try {
    keeper = openKeeper(databasePath);
  } catch {
    // The file is gone or unreadable: then there is no WAL left to keep.
  }
  const { pinned, second, control } = db;
  const steps = [
    () => pinned.rollback(),
    () => pinned.close(),
    () => second?.close(),
    () => control.close(),
    () => keeper?.close(),
  ];
  const failures: unknown[] = [];
  for (const step of steps) {
    try {
      step();
    } catch (error) {
      failures.push(error);
    }
  }
  db.second = undefined;
  if (failures.length > 0) throw failures[0];
};

/** All connections anew after the pin was lost; the next file is a full copy. Throws `DATABASE_REPLACED` for other files. */
export const reopenConnections = (db: FollowedDatabase, reason: string): void => {
  const { databasePath } = db.context.settings;
  closeConnections(db);
  onSource('open', databasePath, () => {
    db.control = openControl(databasePath);
    db.pinned = openTransactions(databasePath);
  });
  const identity = readIdentity(databasePath);
  checkIdentity(databasePath, { ...identity, database: db.identity.database });
  pinAndFindStart(db, undefined);
  db.required = { reason, above: db.required?.above ?? 0n };
  db.lostPin = undefined;
};

/** Begins the pin where there is none, and decides where to read on against the newest local file. */
export const pinAndFindStart = (db: FollowedDatabase, newest: VerifiedFile | undefined): void => {
  establishPin(db, (pin) => {
    const start = findStart(db, newest);
    db.pin = pin;
    applyStart(db, start);
  });
  db.identity = readIdentity(db.context.settings.databasePath);
  rememberHeader(db);
};

const applyStart = (db: FollowedDatabase, { end, reason }: StartingPoint): void => {
  db.end = end;
  db.seenVersion = undefined;
  if (reason !== undefined) db.required = { above: 0n, ...db.required, reason };
};

/** What the newest local file says of the position. */
export const publishedOf = (
  newest: VerifiedFile | undefined,
): { readonly position: Txid; readonly commit: number; readonly timestampMs: number } => ({
  position: newest?.header.maxTxid ?? 0n,
  commit: newest?.header.commit ?? 0,
  timestampMs: newest?.header.timestampMs ?? Number.MIN_SAFE_INTEGER,
});
