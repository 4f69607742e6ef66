/** One entry of `dbs` on its own: which keys may stand together, the ranges of its numbers, where its replicas are written. */
import { basename, dirname, join } from 'node:path';
import { formatDuration } from './duration.ts';
import type { Located } from './fields.ts';
import type { RawDatabase, RawReplica } from './keys.ts';
import { pathOf } from './path-setting.ts';
import type { PathContext } from './paths.ts';
import type { Findings, Position } from './problems.ts';

/** What reading an entry needs. */
export interface EntryInput {
  readonly context: PathContext;
  readonly findings: Findings;
}

/** An entry that can be told apart from others. */
export interface Entry {
  readonly raw: RawDatabase;
  /** 1-based, as messages count. */
  readonly number: number;
  readonly key: string;
  readonly kind: 'path' | 'dir';
  /** Absolute path or dir. */
  readonly id: string;
}

/** Empty text counts as absent. */
export const filled = <T>(located: Located<T> | undefined): Located<T> | undefined =>
  located?.value === '' ? undefined : located;

/** Metadata directory of a database without `meta-path`. */
export const defaultMetaPath = (databasePath: string): string =>
  join(dirname(databasePath), `.${basename(databasePath)}-litestream`);

const isGlob = (pattern: string): boolean => /^(?:\\.|\[\^?(?:\\.|[^\]\\])(?:\\.|[^\]\\])*\]|[^[\\])+$/s.test(pattern);

/** Checks which keys stand together; undefined when the entry cannot be used (problems were filed). */
export const readEntry = (raw: RawDatabase, index: number, input: EntryInput): Entry | undefined => {
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
  const idName = dir === undefined ? 'path' : 'dir';
  const id = pathOf(raw[idName], `${key}.${idName}`, input.context, findings);
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

/** Checks the ranges of the numbers of an entry. */
export const checkNumbers = ({ raw, key, id }: Entry, findings: Findings): void => {
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

/** A replica and where it is written. */
export interface PlacedReplica {
  readonly raw: RawReplica;
  readonly key: string;
  readonly displayKey: string;
}

/** The replicas of an entry from `replica` or `replicas`; not both, and at least one. */
export const replicasOf = ({ raw, key, id }: Entry, findings: Findings): readonly PlacedReplica[] => {
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
  return replicas.value.map(({ value, index }) => ({
    raw: value,
    key: `${key}.replicas[${index}]`,
    displayKey: `dbs[${id}].replicas[${index}]`,
  }));
};

/** Refuses an `age` section that asks for encryption; an empty one is a warning. */
export const checkAge = (
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
