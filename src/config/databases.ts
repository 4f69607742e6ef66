/** The entries of `dbs`: checked one by one, then merged where several name the same database or directory. */
import { basename, dirname, join } from 'node:path';
import { DEFAULTS } from './defaults.ts';
import { formatDuration } from './duration.ts';
import type { Located } from './fields.ts';
import type { RawDatabase, RawFile, RawReplica } from './keys.ts';
import { expandPath } from './paths.ts';
import type { Findings, Position } from './problems.ts';
import { type ReplicaDraft, readReplica } from './replica.ts';
import type { ReplicaContext } from './replica-source.ts';
import type { ReplicaSettings } from './replica-types.ts';
import { resolveSchedules } from './snapshot-schedule.ts';
import type { DatabaseOptions, DatabaseSettings, DirectorySettings, SnapshotSchedule } from './types.ts';

/** What reading the entries needs. */
export interface DatabasesInput {
  readonly file: RawFile;
  readonly context: ReplicaContext;
  readonly findings: Findings;
  /** Told the type of every replica. */
  readonly onType: (type: string, at: Position) => void;
}

export interface ReadDatabases {
  readonly databases: readonly DatabaseSettings[];
  readonly directories: readonly DirectorySettings[];
  readonly snapshot: SnapshotSchedule;
}

interface Entry {
  readonly raw: RawDatabase;
  /** 1-based, as messages count. */
  readonly number: number;
  readonly key: string;
  readonly kind: 'path' | 'dir';
  /** Absolute path or dir. */
  readonly id: string;
}

type PathKey = 'path' | 'dir' | 'meta-path' | 'meta-dir';

const filled = <T>(located: Located<T> | undefined): Located<T> | undefined =>
  located?.value === '' ? undefined : located;

/** Metadata directory of a database without `meta-path`. */
export const defaultMetaPath = (databasePath: string): string =>
  join(dirname(databasePath), `.${basename(databasePath)}-litestream`);

const expanded = (
  raw: RawDatabase,
  name: PathKey,
  key: string,
  { context, findings }: DatabasesInput,
): string | undefined => {
  const located = filled(raw[name]);
  if (located === undefined) {
    return undefined;
  }
  try {
    return expandPath(located.value, context);
  } catch (error) {
    const message = error instanceof Error ? error.message : 'the path cannot be expanded';
    findings.problem({ at: located.at, key: `${key}.${name}`, message });
    return undefined;
  }
};

const isGlob = (pattern: string): boolean => /^(?:\\.|\[\^?(?:\\.|[^\]\\])(?:\\.|[^\]\\])*\]|[^[\\])+$/s.test(pattern);

const readEntry = (raw: RawDatabase, index: number, input: DatabasesInput): Entry | undefined => {
  const { findings } = input;
  const key = `dbs[${index}]`;
  const number = index + 1;
  const path = filled(raw.path);
  const dir = filled(raw.dir);
  let isWhole = true;
  const refuse = (at: Position, message: string, database?: string): void => {
    isWhole = false;
    findings.problem({ at, key, message: `database config #${number}: ${message}`, database });
  };
  const id = expanded(raw, dir === undefined ? 'path' : 'dir', key, input);
  if (path !== undefined && dir !== undefined) {
    refuse(dir.at, "cannot specify both 'path' and 'dir'");
  } else if (path === undefined && dir === undefined) {
    refuse(raw.at, "must specify either 'path' or 'dir'");
  }
  const pattern = filled(raw.pattern);
  if (dir !== undefined && pattern === undefined) {
    refuse(dir.at, "'pattern' is required when using 'dir'", id);
  }
  if (pattern !== undefined && (!isGlob(pattern.value) || pattern.value.includes('/'))) {
    refuse(pattern.at, "'pattern' is not a valid glob for a file name", id);
  }
  if (dir === undefined) {
    for (const name of ['watch', 'meta-dir', 'recursive', 'pattern', 'max-depth', 'max-databases'] as const) {
      const located = raw[name];
      if (located !== undefined && located.value !== false && located.value !== '') {
        const text =
          name === 'watch' ? "'watch' can only be enabled with a directory" : `'${name}' can only be used with 'dir'`;
        refuse(located.at, text, id);
      }
    }
  }
  const metaDir = filled(raw['meta-dir']);
  if (metaDir !== undefined && filled(raw['meta-path']) !== undefined) {
    refuse(metaDir.at, "cannot specify both 'meta-path' and 'meta-dir'", id);
  }
  const legacy = raw['max-checkpoint-page-count'];
  if (legacy !== undefined) {
    const message = 'max-checkpoint-page-count has no effect';
    findings.warning({
      at: legacy.at,
      key: `${key}.max-checkpoint-page-count`,
      message,
      suggestion: 'use truncate-page-n',
    });
  }
  return id === undefined || !isWhole ? undefined : { raw, number, key, kind: dir === undefined ? 'path' : 'dir', id };
};

const checkNumbers = ({ raw, key, id }: Entry, findings: Findings): void => {
  const refuse = (name: string, at: Position, reason: string): void =>
    findings.problem({ at, key: `${key}.${name}`, message: `dbs[${id}].${name}: ${reason}`, database: id });
  const monitor = raw['monitor-interval'];
  if (monitor !== undefined && monitor.value <= 0) {
    refuse(
      'monitor-interval',
      monitor.at,
      `monitor interval must be greater than 0 (got ${formatDuration(monitor.value)})`,
    );
  }
  for (const name of ['checkpoint-interval', 'busy-timeout'] as const) {
    const located = raw[name];
    if (located !== undefined && located.value < 0) {
      refuse(name, located.at, `must not be negative (got ${formatDuration(located.value)})`);
    }
  }
  const pages = raw['min-checkpoint-page-count'];
  if (pages !== undefined && pages.value <= 0) {
    refuse('min-checkpoint-page-count', pages.at, `minimum checkpoint page count required (got ${pages.value})`);
  }
  const walBytes = raw['max-sync-wal-bytes'];
  if (walBytes !== undefined && walBytes.value < 0) {
    refuse('max-sync-wal-bytes', walBytes.at, `must not be negative (got ${walBytes.value})`);
  }
  for (const name of ['max-depth', 'max-databases'] as const) {
    const located = raw[name];
    if (located !== undefined && located.value < 1) {
      refuse(name, located.at, `must be at least 1 (got ${located.value})`);
    }
  }
  const drill = raw.drill?.value.interval;
  if (drill !== undefined && drill.value <= 0) {
    refuse('drill.interval', drill.at, `must be greater than 0 (got ${formatDuration(drill.value)})`);
  }
};

interface PlacedReplica {
  readonly raw: RawReplica;
  readonly key: string;
  readonly displayKey: string;
}

const replicasOf = ({ raw, key, id }: Entry, findings: Findings): readonly PlacedReplica[] => {
  const { replica, replicas } = raw;
  if (replica !== undefined && replicas !== undefined) {
    const message = "cannot specify 'replica' and 'replicas' on a database";
    findings.problem({ at: replicas.at, key: `${key}.replicas`, message, database: id });
    return [];
  }
  if (replica !== undefined) {
    return [{ raw: replica.value, key: `${key}.replica`, displayKey: `dbs[${id}].replica` }];
  }
  if (replicas === undefined || replicas.value.length === 0) {
    const hasProblem = findings.problems.some((problem) => problem.key.startsWith(`${key}.replica`));
    if (!hasProblem) {
      const suggestion = 'add "replica:" with a url or a path';
      findings.problem({ at: raw.at, key, message: 'must specify replica for database', suggestion, database: id });
    }
    return [];
  }
  return replicas.value.map(({ value }, index) => ({
    raw: value,
    key: `${key}.replicas[${index}]`,
    displayKey: `dbs[${id}].replicas[${index}]`,
  }));
};

const checkAge = (
  located: Located<boolean> | undefined,
  key: string,
  database: string | undefined,
  findings: Findings,
): void => {
  if (located === undefined) {
    return;
  }
  const whose = database === undefined ? 'every replica of the file' : `database ${database}`;
  if (located.value) {
    findings.problem({ kind: 'age', at: located.at, key, message: `${whose} asks for age encryption`, database });
  } else {
    findings.warning({
      at: located.at,
      key,
      message: 'age is empty and has no effect',
      suggestion: 'remove it',
      database,
    });
  }
};

/** Keys that must agree when several entries name one database. */
const MERGED_KEYS = [
  'meta-path',
  'meta-dir',
  'recursive',
  'watch',
  'max-depth',
  'max-databases',
  'monitor-interval',
  'checkpoint-interval',
  'busy-timeout',
  'min-checkpoint-page-count',
  'truncate-page-n',
  'max-sync-wal-bytes',
] as const;

type MergedKey = (typeof MERGED_KEYS)[number];

const shownValue = (name: MergedKey, value: unknown): string =>
  typeof value === 'number' && /-(?:interval|timeout)$/.test(name) ? formatDuration(value) : String(value);

/** The entry whose value of a key counts: the first that sets it. Others must agree. */
const checkAgreement = (entries: readonly Entry[], findings: Findings): void => {
  for (const name of MERGED_KEYS) {
    const given = entries.filter(({ raw }) => raw[name] !== undefined);
    const [first] = given;
    const other = given.find(({ raw }) => raw[name]?.value !== first?.raw[name]?.value);
    if (first !== undefined && other !== undefined) {
      const a = `${shownValue(name, first.raw[name]?.value)} in database config #${first.number}`;
      const b = `${shownValue(name, other.raw[name]?.value)} in database config #${other.number}`;
      findings.problem({
        at: other.raw[name]?.at ?? other.raw.at,
        key: `${other.key}.${name}`,
        message: `database "${first.id}" has two values of ${name}: ${a}, ${b}`,
        suggestion: 'set it in one entry only',
        database: first.id,
      });
    }
  }
};

const firstValue = <K extends MergedKey>(
  entries: readonly Entry[],
  name: K,
): NonNullable<RawDatabase[K]>['value'] | undefined => {
  for (const { raw } of entries) {
    const located = raw[name];
    if (located !== undefined) {
      return located.value;
    }
  }
  return undefined;
};

const optionsOf = (entries: readonly Entry[], context: ReplicaContext): DatabaseOptions => {
  const drill = entries.find(({ raw }) => raw.drill !== undefined)?.raw.drill?.value;
  const drillPath = drill?.path?.value;
  return {
    monitorIntervalMs: firstValue(entries, 'monitor-interval') ?? DEFAULTS.monitorIntervalMs,
    checkpointIntervalMs: firstValue(entries, 'checkpoint-interval') ?? DEFAULTS.checkpointIntervalMs,
    busyTimeoutMs: firstValue(entries, 'busy-timeout') ?? DEFAULTS.busyTimeoutMs,
    minCheckpointPageCount: firstValue(entries, 'min-checkpoint-page-count') ?? DEFAULTS.minCheckpointPageCount,
    truncatePageN: Math.max(0, firstValue(entries, 'truncate-page-n') ?? DEFAULTS.truncatePageN),
    maxSyncWalBytes: firstValue(entries, 'max-sync-wal-bytes') ?? DEFAULTS.maxSyncWalBytes,
    restoreIfDbNotExists: entries.some(({ raw }) => raw['restore-if-db-not-exists']?.value === true),
    drill:
      drill === undefined
        ? undefined
        : {
            intervalMs: drill.interval?.value ?? 0,
            path: drillPath === undefined || drillPath === '' ? undefined : expandPath(drillPath, context),
          },
  };
};

/** Gives every replica of one database a name of its own: explicit, else the type, `type-2`, … */
const nameReplicas = (
  drafts: readonly ReplicaDraft[],
  database: string,
  findings: Findings,
): readonly ReplicaSettings[] => {
  const taken = new Set<string>();
  for (const { name, key } of drafts) {
    if (name !== undefined && name.value !== '') {
      if (taken.has(name.value)) {
        const message = `two replicas of database ${database} have the name "${name.value}"`;
        findings.problem({ at: name.at, key: `${key}.name`, message, database });
      }
      taken.add(name.value);
    }
  }
  return drafts.map(({ settings, name }) => {
    if (name !== undefined && name.value !== '') {
      return { ...settings, name: name.value };
    }
    let candidate: string = settings.type;
    for (let number = 2; taken.has(candidate); number++) {
      candidate = `${settings.type}-${number}`;
    }
    taken.add(candidate);
    return { ...settings, name: candidate };
  });
};

interface Group {
  readonly entries: Entry[];
  readonly drafts: ReplicaDraft[];
}

const groupKey = ({ kind, id, raw }: Entry): string =>
  kind === 'path' ? `path ${id}` : `dir ${id} ${raw.pattern?.value}`;

/** Two replicas at one destination overwrite each other; the same directory may send two patterns to one place. */
const checkDestinations = (groups: readonly Group[], findings: Findings): void => {
  const seen = new Map<string, { readonly owner: string; readonly group: Group; readonly draft: ReplicaDraft }>();
  for (const group of groups) {
    for (const draft of group.drafts) {
      const owner = group.entries[0]?.id ?? '';
      const { location } = draft.settings;
      const earlier = seen.get(location);
      if (earlier === undefined) {
        seen.set(location, { owner, group, draft });
      } else if (earlier.group === group || earlier.owner !== owner) {
        findings.problem({
          at: draft.at,
          key: draft.key,
          message: `replica of ${owner} has the same destination as ${earlier.draft.key} of ${earlier.owner}: ${location}`,
          suggestion: 'give each replica a path of its own',
          database: owner,
        });
      }
    }
  }
};

const checkMetaPaths = (
  databases: readonly { readonly settings: DatabaseSettings; readonly entry: Entry }[],
  findings: Findings,
): void => {
  const seen = new Map<string, string>();
  for (const { settings, entry } of databases) {
    const earlier = seen.get(settings.metaPath);
    if (earlier === undefined) {
      seen.set(settings.metaPath, settings.path);
    } else {
      const at = entry.raw['meta-path']?.at ?? entry.raw.at;
      const message = `meta-path collision: ${earlier} and ${settings.path} both use ${settings.metaPath}`;
      findings.problem({ at, key: `${entry.key}.meta-path`, message, database: settings.path });
    }
  }
};

/** Reads all entries. Those with problems are left out where they cannot be told; the problems are in the findings. */
export const readDatabases = (input: DatabasesInput): ReadDatabases => {
  const { file, context, findings, onType } = input;
  checkAge(file.age, 'age', undefined, findings);
  const raws = file.dbs?.value ?? [];
  const ids = raws.map(({ value }) => filled(value.path)?.value ?? filled(value.dir)?.value);
  raws.forEach(
    ({ value }, index) => void checkAge(value.age, `dbs[${index}].age`, ids[index] ?? `#${index + 1}`, findings),
  );
  const entries = raws.flatMap(({ value }, index) => readEntry(value, index, input) ?? []);
  const schedules = resolveSchedules(file, entries, findings);
  const groups = new Map<string, Group>();
  entries.forEach((entry, index) => {
    checkNumbers(entry, findings);
    const group = groups.get(groupKey(entry)) ?? { entries: [], drafts: [] };
    groups.set(groupKey(entry), group);
    group.entries.push(entry);
    for (const { raw, key, displayKey } of replicasOf(entry, findings)) {
      checkAge(raw.age, `${key}.age`, entry.id, findings);
      const draft = readReplica({ raw, inherited: file, key, displayKey, database: entry.id, context, findings });
      if (draft !== undefined) {
        onType(draft.settings.type, draft.at);
        const schedule = schedules.entries[index] ?? schedules.global;
        const snapshot = {
          intervalMs: draft.snapshotIntervalMs ?? schedule.intervalMs,
          retentionMs: draft.retentionMs ?? schedule.retentionMs,
        };
        group.drafts.push({ ...draft, settings: { ...draft.settings, snapshot } });
      }
    }
  });
  const databases: { readonly settings: DatabaseSettings; readonly entry: Entry }[] = [];
  const directories: DirectorySettings[] = [];
  for (const group of groups.values()) {
    const [entry] = group.entries;
    if (entry === undefined) {
      continue;
    }
    checkAgreement(group.entries, findings);
    const replicas = nameReplicas(group.drafts, entry.id, findings);
    const options = optionsOf(group.entries, context);
    const owner = (name: MergedKey): RawDatabase =>
      group.entries.find(({ raw }) => raw[name] !== undefined)?.raw ?? entry.raw;
    const metaPath = expanded(owner('meta-path'), 'meta-path', entry.key, input);
    if (entry.kind === 'path') {
      const settings = { path: entry.id, metaPath: metaPath ?? defaultMetaPath(entry.id), ...options, replicas };
      databases.push({ settings, entry });
    } else {
      directories.push({
        dir: entry.id,
        pattern: entry.raw.pattern?.value ?? '',
        recursive: firstValue(group.entries, 'recursive') ?? false,
        watch: firstValue(group.entries, 'watch') ?? false,
        metaPath,
        metaDir: expanded(owner('meta-dir'), 'meta-dir', entry.key, input),
        maxDepth: firstValue(group.entries, 'max-depth') ?? DEFAULTS.maxDepth,
        maxDatabases: firstValue(group.entries, 'max-databases') ?? DEFAULTS.maxDatabases,
        ...options,
        replicas,
      });
    }
  }
  checkDestinations([...groups.values()], findings);
  checkMetaPaths(databases, findings);
  return { databases: databases.map(({ settings }) => settings), directories, snapshot: schedules.global };
};
