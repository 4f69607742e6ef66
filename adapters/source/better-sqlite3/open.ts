/** Opening and closing one database: all or nothing, in the order that keeps locks and WAL (I-13, I-35). */
import fs from 'node:fs';
import { dirname } from 'node:path';
import { ReplicationError } from '#errors/replication-error';
import {
  type ControlConnection,
  checkSqliteVersion,
  openControl,
  openKeeper,
  openTransactions,
  type TransactionConnection,
} from './connections.ts';
import { rememberHeader } from './continuity.ts';
import { foreignCodeOf, isAbsent, onSource, toSourceError } from './errors.ts';
import { checkIdentity, descriptorIdentity, readIdentity } from './identity.ts';
import { makeMetadataDirectory } from './level-zero-writer.ts';
import { removeTemporaryFiles, verifyNewest } from './local-files.ts';
import { lockMetadata } from './metadata-lock.ts';
import { closeConnections, pinAndFindStart, publishedOf } from './reopen.ts';
import type { FollowedDatabase, SourceContext } from './state.ts';

/** Undefined when there is no file at the path. Nothing is held after an error. */
export const openDatabase = (context: SourceContext): FollowedDatabase | undefined => {
  const { settings, files } = context;
  const { databasePath, metaPath } = settings;
  checkSqliteVersion();
  if (!checkAccess(databasePath)) return undefined;
  makeMetadataDirectory(files, metaPath, databasePath);
  const lock = lockMetadata({ metaPath, databasePath });
  const undo: (() => void)[] = [() => lock.release()];
  try {
    onSource('clean', metaPath, () => removeTemporaryFiles(files, metaPath));
    const newest = verifyNewest(context.workspace, { metaPath, files });
    const control = onSource('open', databasePath, () => openControl(databasePath));
    undo.push(() => control.close());
    const descriptor = onSource('open', databasePath, () => files.open(databasePath, 'r'));
    // Closing it drops the locks of the process, so it comes last of all.
    undo.unshift(() => files.closeDatabase(descriptor));
    const pinned = onSource('open', databasePath, () => openTransactions(databasePath));
    undo.push(() => pinned.close());
    const db = start({ context, lock, control, descriptor, pinned }, publishedOf(newest));
    undo.push(
      () => pinned.rollback(),
      () => db.second?.close(),
    );
    onSource('prepare', databasePath, () => pinned.createTablesIfMissing());
    pinAndFindStart(db, newest);
    checkIdentity(databasePath, { ...db.identity, database: descriptorIdentity(descriptor) });
    return db;
  } catch (error) {
    for (const step of undo.reverse()) attempt(step);
    throw error;
  }
};

interface Opened {
  readonly context: SourceContext;
  readonly lock: FollowedDatabase['lock'];
  readonly control: ControlConnection;
  readonly descriptor: number;
  readonly pinned: TransactionConnection;
}

const start = (opened: Opened, published: FollowedDatabase['published']): FollowedDatabase => ({
  ...opened,
  pageSize: onSource('read', opened.context.settings.databasePath, () => opened.control.pageSize()),
  second: undefined,
  identity: readIdentity(opened.context.settings.databasePath),
  pin: { log: 0, isPending: false, pageCount: 0 },
  published,
  end: { header: Buffer.alloc(0), salt1: 0, salt2: 0, offset: 0, checksum1: 0, checksum2: 0 },
  required: undefined,
  seenVersion: undefined,
  seenLog: -1,
  lostPin: undefined,
  secondUsedAtMs: 0,
  unreadableLooks: 0,
  hasSyncedSinceCheckpoint: false,
  failedSeals: 0,
  blockedAtFrames: undefined,
  sealAtMs: 0,
  violations: 0,
});

/** False when there is no file. */
const checkAccess = (path: string): boolean => {
  try {
    if (!fs.statSync(path).isFile()) {
      throw new ReplicationError('DATABASE_NOT_A_DATABASE', `${path} is not a file`, {
        retryable: true,
        hint: 'Check the path of the database.',
        details: { path },
      });
    }
    fs.accessSync(path, fs.constants.R_OK);
  } catch (error) {
    if (isAbsent(error) || foreignCodeOf(error) === 'ENOTDIR') return false;
    throw toSourceError(error, 'read', path);
  }
  for (const target of [path, dirname(path)]) {
    try {
      fs.accessSync(target, fs.constants.W_OK);
    } catch (error) {
      throw new ReplicationError('DATABASE_READ_ONLY', `cannot write ${target}: ${foreignCodeOf(error)}`, {
        retryable: true,
        hint: 'Replication needs to write the database (WAL mode) and its directory.',
        details: { path: target },
        cause: error,
      });
    }
  }
  return true;
};

/** Gives everything back, whatever fails on the way; the first failure is thrown at the end. */
export const closeDatabase = (db: FollowedDatabase): void => {
  const { files } = db.context;
  const failures = [
    () => rememberHeader(db),
    () => closeConnections(db),
    () => files.closeDatabase(db.descriptor),
    () => db.lock.release(),
  ].flatMap(attempt);
  if (failures.length > 0) throw toSourceError(failures[0], 'close', db.context.settings.databasePath);
};

/**
 * As if the process had died: connections and locks go, nothing is finished and nothing is remembered. What would harm another
 * connection of this process if it were closed now (the descriptor), and what a dead process leaves behind (the WAL, kept by
 * a read-only connection), ends with the returned function.
 */
export const abandonDatabase = (db: FollowedDatabase): (() => void) => {
  const { files, settings } = db.context;
  const keeper = openKeeper(settings.databasePath);
  const { control, pinned, second, lock, descriptor } = db;
  for (const step of [
    () => pinned.rollback(),
    () => pinned.close(),
    () => second?.close(),
    () => control.close(),
    () => lock.release(),
  ]) {
    attempt(step);
  }
  return () => {
    keeper.close();
    files.closeDatabase(descriptor);
  };
};

/** Runs a step; its failure as a list of one. */
const attempt = (step: () => void): readonly unknown[] => {
  try {
    step();
    return [];
  } catch (error) {
    return [error];
  }
};
