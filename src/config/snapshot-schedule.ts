/**
 * Which snapshot schedule a replica has. Narrow beats wide, but for one rule of Litestream's: the top-level `snapshot` block
 * beats the database, and a value that only databases set, all the same, counts for the whole file.
 */
import { DEFAULTS } from './defaults.ts';
import { formatDuration } from './duration.ts';
import type { Located } from './fields.ts';
import type { RawDatabase, RawFile } from './keys.ts';
import type { Findings } from './problems.ts';

/** An entry of `dbs` as far as schedules go. */
export interface ScheduledEntry {
  readonly raw: RawDatabase;
  /** Path or dir, absolute. */
  readonly id: string;
  readonly key: string;
}

/** The schedule of the file and of each entry, in the order given. */
export interface Schedules {
  readonly global: { readonly intervalMs: number; readonly retentionMs: number };
  readonly entries: readonly { readonly intervalMs: number; readonly retentionMs: number }[];
}

type Field = 'interval' | 'retention';

interface Resolved {
  readonly global: number;
  readonly entries: readonly number[];
}

const checkPositive = (
  located: Located<number> | undefined,
  key: string,
  field: Field,
  findings: Findings,
  database?: string,
) => {
  if (located !== undefined && located.value <= 0) {
    const message = `${key}.${field}: snapshot ${field} must be greater than 0 (got ${formatDuration(located.value)})`;
    findings.problem({ at: located.at, key: `${key}.${field}`, message, database });
  }
};

const resolve = (
  file: RawFile,
  entries: readonly ScheduledEntry[],
  field: Field,
  fallback: number,
  findings: Findings,
): Resolved => {
  const top = file.snapshot?.value[field];
  checkPositive(top, 'snapshot', field, findings);
  const own = entries.map(({ raw }) => raw.snapshot?.value[field]);
  entries.forEach(({ id }, index) => void checkPositive(own[index], `dbs[${id}].snapshot`, field, findings, id));
  if (top !== undefined) {
    entries.forEach(({ key, id }, index) => {
      const value = own[index];
      if (value !== undefined && value.value !== top.value) {
        const message = `the top-level snapshot.${field} ${formatDuration(top.value)} wins over ${formatDuration(value.value)}`;
        findings.warning({ at: value.at, key: `${key}.snapshot.${field}`, message, database: id });
      }
    });
    return { global: top.value, entries: entries.map(() => top.value) };
  }
  const given = entries.flatMap(({ id }, index) => {
    const value = own[index];
    return value === undefined ? [] : [{ id, ...value }];
  });
  const [first] = given;
  const other = given.find(({ value }) => value !== first?.value);
  if (first === undefined || other === undefined) {
    const shared = first?.value ?? fallback;
    return { global: shared, entries: entries.map(() => shared) };
  }
  const values = `${first.id} has ${formatDuration(first.value)}, ${other.id} has ${formatDuration(other.value)}`;
  findings.warning({
    at: other.at,
    key: `snapshot.${field}`,
    message: `conflicting database snapshot ${field}s: ${values}`,
    suggestion: `each database keeps its own; the others use ${formatDuration(fallback)}`,
  });
  return { global: fallback, entries: own.map((value) => value?.value ?? fallback) };
};

/** Resolves interval and retention of the file and of every entry; files problems for values that are not positive. */
export const resolveSchedules = (file: RawFile, entries: readonly ScheduledEntry[], findings: Findings): Schedules => {
  const intervals = resolve(file, entries, 'interval', DEFAULTS.snapshotIntervalMs, findings);
  const retentions = resolve(file, entries, 'retention', DEFAULTS.snapshotRetentionMs, findings);
  return {
    global: { intervalMs: intervals.global, retentionMs: retentions.global },
    entries: entries.map((_, index) => ({
      intervalMs: intervals.entries[index] ?? intervals.global,
      retentionMs: retentions.entries[index] ?? retentions.global,
    })),
  };
};
