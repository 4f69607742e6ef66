/** One live SQLite database as a source (ports/source). Synchronous inside: a call is over when its promise is made. */
import fs from 'node:fs';
import { laterTxid } from '#domain/txid';
import { InvariantViolation } from '#errors/replication-error';
import { walOffsetAfter } from '#format/wal/frame';
import type { Clock } from '#ports/clock';
import type {
  CheckpointInput,
  CloseOutcome,
  LookOutcome,
  OpenOutcome,
  PassOutcome,
  SourceDatabase,
  SourceSettings,
} from '#ports/source';
import { checkIdentity } from './identity.ts';
import { adoptStaged, trimLocal } from './local-state.ts';
import { abandonDatabase, closeDatabase, openDatabase } from './open.ts';
import { advance } from './pass.ts';
import { reopenConnections } from './reopen.ts';
import { checkpointPassively, seal } from './seal.ts';
import { nodeSourceFiles, type SourceFiles } from './source-files.ts';
import type { FollowedDatabase, SourceContext } from './state.ts';
import type { Workspace } from './workspace.ts';

/** After so long without use the third connection is given back. */
const SECOND_IDLE_MS = 10_000;

/** What a source is made of. */
export interface BetterSqlite3SourceOptions {
  readonly settings: SourceSettings;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Kernel memory of this thread, shared by all its sources. */
  readonly workspace: Workspace;
  /** Default: Node's. */
  readonly files?: SourceFiles;
  /** Default: the system's monotonic clock. */
  readonly monotonicMs?: () => number;
}

/** A source that a simulation can crash. */
export interface BetterSqlite3Source extends SourceDatabase {
  /** As if the process had died; call the result when the simulated world ends. The source is closed afterwards. */
  abandon(): () => void;
}

/** A source that is closed. */
export const createBetterSqlite3Source = ({
  settings,
  clock,
  workspace,
  files = nodeSourceFiles,
  monotonicMs = () => performance.now(),
}: BetterSqlite3SourceOptions): BetterSqlite3Source => {
  const context: SourceContext = { settings, clock, workspace, files, monotonicMs };
  let opened: FollowedDatabase | undefined;

  const current = (): FollowedDatabase => {
    if (opened === undefined) throw new InvariantViolation(`the source of ${settings.databasePath} is not open`);
    return opened;
  };

  return {
    open: async (): Promise<OpenOutcome> => {
      opened ??= openDatabase(context);
      if (opened === undefined) return { kind: 'absent' };
      const { log } = opened.control.noop();
      const walBytes = walOffsetAfter(Math.max(0, log), opened.pageSize);
      return { kind: 'opened', position: opened.published.position, pageSize: opened.pageSize, walBytes };
    },
    look: async () => look(current()),
    pass: async () => pass(current()),
    checkpoint: async (mode) => {
      const db = current();
      prepare(db);
      return mode === 'passive' ? checkpointPassively(db) : seal(db).outcome;
    },
    requireSnapshot: async ({ after, reason }) => {
      const db = current();
      db.required = { reason, above: laterTxid(after, db.required?.above ?? 0n) };
      db.seenVersion = undefined;
    },
    adopt: async (staged) => adoptStaged(current(), staged),
    trim: async (txids) => trimLocal(current(), txids),
    abandon: () => {
      const db = opened;
      opened = undefined;
      return db === undefined ? () => undefined : abandonDatabase(db);
    },
    close: async ({ finalPass }): Promise<CloseOutcome> => {
      const db = opened;
      if (db === undefined) return { position: 0n, written: [] };
      try {
        const written = finalPass ? finish(db) : [];
        return { position: db.published.position, written };
      } finally {
        opened = undefined;
        closeDatabase(db);
      }
    },
  };
};

const look = (db: FollowedDatabase): LookOutcome => {
  try {
    // Our connections follow the file they opened: of another one at the path they would never notice a change.
    checkIdentity(db.context.settings.databasePath, db.identity);
    releaseIdleSecond(db);
    const { log } = db.control.noop();
    const walBytes = walOffsetAfter(Math.max(0, log), db.pageSize);
    const isKnown =
      db.required === undefined &&
      db.lostPin === undefined &&
      db.seenVersion !== undefined &&
      db.seenLog === log &&
      db.control.dataVersion() === db.seenVersion;
    return { hasChanged: !isKnown, walBytes };
  } catch {
    return { hasChanged: true, walBytes: db.end.offset };
  }
};

const releaseIdleSecond = (db: FollowedDatabase): void => {
  if (db.second === undefined || db.context.clock.nowMs() - db.secondUsedAtMs < SECOND_IDLE_MS) return;
  db.second.close();
  db.second = undefined;
};

/** The files are still those that were opened, and there is a pin: one that could not be begun again is begun now. */
const prepare = (db: FollowedDatabase): void => {
  checkIdentity(db.context.settings.databasePath, db.identity);
  if (db.lostPin !== undefined) reopenConnections(db, db.lostPin);
};

const pass = (db: FollowedDatabase): PassOutcome => {
  const { settings } = db.context;
  prepare(db);
  const violationsBefore = db.violations;
  db.seenVersion = undefined;
  const version = db.control.dataVersion();
  const advanced = advance(db, { limitBytes: settings.maxSyncWalBytes });
  const sealed = isSealDue(db) ? seal(db) : undefined;
  if (!advanced.isCut) {
    db.seenVersion = version;
    db.seenLog = db.control.noop().log;
  }
  const { log } = db.control.noop();
  const isGrowing = walOffsetAfter(Math.max(0, log), db.pageSize) > db.end.offset;
  // A seal that failed against somebody who goes on writing is tried again in the next pass, which has something to read.
  const isSealOwed = sealed !== undefined && sealed.outcome.result !== 'notNeeded' && isGrowing;
  const isMoreWaiting = advanced.isCut || sealed?.outcome.result === 'restarted' || isSealOwed;
  return {
    position: db.published.position,
    written: [...advanced.written, ...(sealed?.written ?? [])],
    isMoreWaiting,
    checkpointInput: checkpointInput(db, log),
    ...(sealed === undefined ? {} : { sealed: sealed.outcome }),
    violations: db.violations - violationsBefore,
  };
};

/** The log has grown past the threshold, and no reader stopped the last attempt a moment ago. */
const isSealDue = (db: FollowedDatabase): boolean => {
  const { sealAtPages } = db.context.settings;
  if (sealAtPages <= 0 || db.pin.isPending || db.required !== undefined) return false;
  if (db.sealAtMs > db.context.clock.nowMs()) return false;
  return db.end.offset >= walOffsetAfter(sealAtPages, db.pageSize);
};

const checkpointInput = (db: FollowedDatabase, log: number): CheckpointInput => ({
  walBytes: Math.min(db.end.offset, walOffsetAfter(Math.max(0, log), db.pageSize)),
  pageSize: db.pageSize,
  hasSyncedSinceCheckpoint: db.hasSyncedSinceCheckpoint,
  databaseAgeMs: Math.max(0, db.context.clock.nowMs() - fs.fstatSync(db.descriptor).mtimeMs),
});

/** The last pass, without a limit. */
const finish = (db: FollowedDatabase): CloseOutcome['written'] => {
  prepare(db);
  return advance(db, { limitBytes: 0 }).written;
};
