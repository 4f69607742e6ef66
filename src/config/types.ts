/**
 * The validated configuration: what the rest of the program sees of the YAML file. Every value is final (defaults applied,
 * inherited, resolved to absolute paths) and deeply frozen. Durations are milliseconds and may be fractional.
 */
import type { ReplicaSettings } from './replica-types.ts';

export type * from './replica-types.ts';

/** The whole file. */
export interface Configuration {
  /** `path` entries, in file order; entries with the same path are merged into one. */
  readonly databases: readonly DatabaseSettings[];
  /** `dir` entries, in file order; entries with the same directory and pattern are merged into one. */
  readonly directories: readonly DirectorySettings[];
  /** Compaction levels 1..8, ascending; empty: only level 0 and snapshots. */
  readonly levels: readonly LevelSettings[];
  /** The schedule replicas have unless a narrower one is set; see {@link ReplicaCommonSettings.snapshot}. */
  readonly snapshot: SnapshotSchedule;
  /** Minimum age of a level-0 file before retention; 0: never deleted by time. */
  readonly l0RetentionMs: number;
  /** Pause between two level-0 retention runs, > 0. */
  readonly l0RetentionCheckIntervalMs: number;
  /** False: remote files are never deleted. */
  readonly retentionEnabled: boolean;
  /** Check TXID continuity of the target level after each compaction. */
  readonly verifyCompaction: boolean;
  /** Pause between two background checks of the levels; 0: off. */
  readonly validationIntervalMs: number;
  /** Deadline of all final uploads together; 0: one attempt. */
  readonly shutdownSyncTimeoutMs: number;
  /** Pause between two attempts of a final upload, > 0. */
  readonly shutdownSyncIntervalMs: number;
  readonly heartbeat: HeartbeatSettings | undefined;
  /** Metrics listener; undefined: off. */
  readonly metricsAddress: BindAddress | undefined;
  /** MCP over HTTP; undefined: off. */
  readonly mcp: McpSettings | undefined;
  /** Inspection endpoint; undefined: off. */
  readonly inspectAddress: BindAddress | undefined;
  /** The child command as written (`exec` string); undefined: none. */
  readonly exec: string | undefined;
  /** Commands run once in order after all databases are initialised (`exec` list); program and arguments each. */
  readonly startupHooks: readonly (readonly string[])[];
  readonly socket: SocketSettings;
  readonly logging: LoggingSettings;
  readonly hooks: HookSettings;
  /** Folder of the fact log, absolute; undefined: the default place. */
  readonly statePath: string | undefined;
  /** Close the connections of a database that rests this long; undefined: off below 1,000 databases, else 1 h; 0: off. */
  readonly dormantAfterMs: number | undefined;
  /** Warnings of this file are errors. */
  readonly strict: boolean;
}

/** Values every database has, also those found through a directory. */
export interface DatabaseOptions {
  /** Pause between two looks at the WAL, > 0. */
  readonly monitorIntervalMs: number;
  /** Age of the database file that asks for a PASSIVE checkpoint; 0: off. */
  readonly checkpointIntervalMs: number;
  /** How long a busy database is retried before it counts as busy, >= 0. */
  readonly busyTimeoutMs: number;
  /** WAL pages from which a PASSIVE checkpoint is asked for, >= 1. */
  readonly minCheckpointPageCount: number;
  /** WAL pages from which the alarm is raised; 0: off. */
  readonly truncatePageN: number;
  /** WAL bytes after which a pass is cut at a commit; 0: never cut. */
  readonly maxSyncWalBytes: number;
  /** Restore before replication when the file is missing. */
  readonly restoreIfDbNotExists: boolean;
  readonly drill: DrillSettings | undefined;
}

/** One database with all its replicas. */
export interface DatabaseSettings extends DatabaseOptions {
  /** Absolute path of the database file. */
  readonly path: string;
  /** Absolute path of the metadata directory. */
  readonly metaPath: string;
  /** At least one; names are unique within the database. */
  readonly replicas: readonly ReplicaSettings[];
}

/** A directory whose databases come and go. `databaseInDirectory` (directory.ts) makes a {@link DatabaseSettings} of a file. */
export interface DirectorySettings extends DatabaseOptions {
  /** Absolute path of the directory. */
  readonly dir: string;
  /** Glob on the base name: `*`, `?`, `[a-z]`, `[^a]`, `\` escape. */
  readonly pattern: string;
  readonly recursive: boolean;
  readonly watch: boolean;
  /** Base of metadata directories `META-PATH/RELDIR/.FILE-litestream`; undefined: beside the database. */
  readonly metaPath: string | undefined;
  /** Base of metadata directories `META-DIR/REL-litestream`; never together with `metaPath`. */
  readonly metaDir: string | undefined;
  readonly maxDepth: number;
  readonly maxDatabases: number;
  /** Destinations of the directory itself; each database goes below them at its relative path. */
  readonly replicas: readonly ReplicaSettings[];
}

/** One compaction level. */
export interface LevelSettings {
  /** 1..8 */
  readonly level: number;
  readonly intervalMs: number;
  /** Age limit of the level's files; undefined: only the snapshot rule applies. */
  readonly retentionMs: number | undefined;
}

/** How often level-9 snapshots are made and how long they are kept; both > 0. */
export interface SnapshotSchedule {
  readonly intervalMs: number;
  readonly retentionMs: number;
}

/** Restore drills of one database; `intervalMs` 0: only on request. `path` undefined: the system's temporary folder. */
export interface DrillSettings {
  readonly intervalMs: number;
  readonly path: string | undefined;
}

/** `url` is a secret as far as its path goes: never print it whole. */
export interface HeartbeatSettings {
  readonly url: string;
  readonly intervalMs: number;
}

/** A TCP listener. */
export interface BindAddress {
  /** Empty: every interface. */
  readonly host: string;
  /** 0..65535 */
  readonly port: number;
}

/** MCP over HTTP. */
export interface McpSettings {
  readonly address: BindAddress;
  /** Bearer token, a secret; undefined: no authentication. */
  readonly token: string | undefined;
  readonly readOnly: boolean;
  /** The only folder in which the restore tool may write; undefined: no restore over MCP. */
  readonly restoreDirectory: string | undefined;
}

/** The control socket. */
export interface SocketSettings {
  readonly enabled: boolean;
  readonly path: string;
  /** Mode bits, 0..0o777. */
  readonly permissions: number;
  /** Failing to open the socket is fatal. */
  readonly required: boolean;
}

/** Form of the log lines. */
export type LoggingType = 'text' | 'json' | 'pretty';

/** Least level that is logged. */
export type LoggingLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** The log of the process: `stderr` instead of stdout, `source` adds the caller's file and line. */
export interface LoggingSettings {
  readonly level: LoggingLevel;
  readonly type: LoggingType;
  readonly stderr: boolean;
  readonly source: boolean;
}

/** One thing to do when something changed. */
export type Hook =
  | { readonly kind: 'cmd'; readonly cmd: readonly string[] }
  | { readonly kind: 'url'; readonly url: string };

/** What to run when something changed, by event. */
export interface HookSettings {
  readonly failure: readonly Hook[];
  readonly recovery: readonly Hook[];
  /** `overMs` undefined: no limit was given, the hooks never run. */
  readonly lag: { readonly overMs: number | undefined; readonly run: readonly Hook[] };
  readonly drill: readonly Hook[];
}
