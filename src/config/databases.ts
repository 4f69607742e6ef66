/** The entries of `dbs`: checked one by one, then merged where several name the same database or directory. */

import {
  checkAge,
  checkNumbers,
  defaultMetaPath,
  type Entry,
  filled,
  readEntry,
  replicasOf,
} from './database-entry.ts';
import { DEFAULTS } from './defaults.ts';
import { formatDuration } from './duration.ts';
import type { RawDatabase, RawFile } from './keys.ts';
import { pathOf } from './path-setting.ts';
import type { Findings, Position } from './problems.ts';
import { type ReplicaDraft, readReplica } from './replica.ts';
import type { ReplicaContext } from './replica-source.ts';
import type { ReplicaSettings } from './replica-types.ts';
import { resolveSchedules } from './snapshot-schedule.ts';
import type { DatabaseOptions, DatabaseSettings, DirectorySettings, DrillSettings, SnapshotSchedule } from './types.ts';

/** What reading the entries needs. */
export interface DatabasesInput {
  readonly file: RawFile;
  readonly context: ReplicaContext;
  readonly findings: Findings;
  /** Told the type of every replica. */
  readonly onType: (type: string, at: Position) => void;
}

/** What the `dbs` list gives: single databases, watched directories, and the schedule replicas start from. */
export interface ReadDatabases {
  readonly databases: readonly DatabaseSettings[];
  readonly directories: readonly DirectorySettings[];
  readonly snapshot: SnapshotSchedule;
}

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

const drillOf = (entries: readonly Entry[], { context, findings }: DatabasesInput): DrillSettings | undefined => {
  const entry = entries.find(({ raw }) => raw.drill !== undefined);
  const drill = entry?.raw.drill?.value;
  return drill === undefined
    ? undefined
    : {
        intervalMs: drill.interval?.value ?? 0,
        path: pathOf(drill.path, `${entry?.key}.drill.path`, context, findings),
      };
};

const optionsOf = (entries: readonly Entry[], input: DatabasesInput): DatabaseOptions => ({
  monitorIntervalMs: firstValue(entries, 'monitor-interval') ?? DEFAULTS.monitorIntervalMs,
  checkpointIntervalMs: firstValue(entries, 'checkpoint-interval') ?? DEFAULTS.checkpointIntervalMs,
  busyTimeoutMs: firstValue(entries, 'busy-timeout') ?? DEFAULTS.busyTimeoutMs,
  minCheckpointPageCount: firstValue(entries, 'min-checkpoint-page-count') ?? DEFAULTS.minCheckpointPageCount,
  truncatePageN: Math.max(0, firstValue(entries, 'truncate-page-n') ?? DEFAULTS.truncatePageN),
  maxSyncWalBytes: firstValue(entries, 'max-sync-wal-bytes') ?? DEFAULTS.maxSyncWalBytes,
  restoreIfDbNotExists: entries.some(({ raw }) => raw['restore-if-db-not-exists']?.value === true),
  drill: drillOf(entries, input),
});

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
      // A file replica without a path has been refused already.
      const earlier = location === 'file://' ? undefined : seen.get(location);
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

/** A database and the first entry that names it. */
interface PlacedDatabase {
  readonly settings: DatabaseSettings;
  readonly entry: Entry;
}

const checkMetaPaths = (databases: readonly PlacedDatabase[], findings: Findings): void => {
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

/** A path key of the first entry that sets it. */
const mergedPath = (
  entries: readonly Entry[],
  name: 'meta-path' | 'meta-dir',
  { context, findings }: DatabasesInput,
) => {
  const entry = entries.find(({ raw }) => filled(raw[name]) !== undefined);
  return entry === undefined ? undefined : pathOf(entry.raw[name], `${entry.key}.${name}`, context, findings);
};

const databaseOf = ({ entries, drafts }: Group, entry: Entry, input: DatabasesInput): DatabaseSettings => ({
  path: entry.id,
  metaPath: mergedPath(entries, 'meta-path', input) ?? defaultMetaPath(entry.id),
  ...optionsOf(entries, input),
  replicas: nameReplicas(drafts, entry.id, input.findings),
});

const directoryOf = ({ entries, drafts }: Group, entry: Entry, input: DatabasesInput): DirectorySettings => ({
  dir: entry.id,
  pattern: entry.raw.pattern?.value ?? '',
  recursive: firstValue(entries, 'recursive') ?? false,
  watch: firstValue(entries, 'watch') ?? false,
  metaPath: mergedPath(entries, 'meta-path', input),
  metaDir: mergedPath(entries, 'meta-dir', input),
  maxDepth: firstValue(entries, 'max-depth') ?? DEFAULTS.maxDepth,
  maxDatabases: firstValue(entries, 'max-databases') ?? DEFAULTS.maxDatabases,
  ...optionsOf(entries, input),
  replicas: nameReplicas(drafts, entry.id, input.findings),
});

/** Reads all entries. Those with problems are left out where they cannot be told; the problems are in the findings. */
export const readDatabases = (input: DatabasesInput): ReadDatabases => {
  const { file, context, findings, onType } = input;
  checkAge(file.age, 'age', undefined, findings);
  const raws = file.dbs?.value ?? [];
  for (const { value, index } of raws) {
    const id = filled(value.path)?.value ?? filled(value.dir)?.value ?? `#${index + 1}`;
    checkAge(value.age, `dbs[${index}].age`, id, findings);
  }
  const entries = raws.flatMap(({ value, index }) => readEntry(value, index, input) ?? []);
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
  const databases: PlacedDatabase[] = [];
  const directories: DirectorySettings[] = [];
  for (const group of groups.values()) {
    const [entry] = group.entries;
    checkAgreement(group.entries, findings);
    if (entry?.kind === 'path') {
      databases.push({ entry, settings: databaseOf(group, entry, input) });
    } else if (entry !== undefined) {
      directories.push(directoryOf(group, entry, input));
    }
  }
  checkDestinations([...groups.values()], findings);
  checkMetaPaths(databases, findings);
  return { databases: databases.map(({ settings }) => settings), directories, snapshot: schedules.global };
};
