/** What `restore` prints: the plan of a dry run and the summary as JSON. */
import { formatTxid } from '#domain/txid';
import type { runRestore } from '#runtime/restore';
import { formatJson } from './json.ts';
import { formatTable } from './table.ts';
import { formatSeconds } from './times.ts';

type Outcome = Awaited<ReturnType<typeof runRestore>>;
type Plan = Extract<Outcome, { readonly kind: 'planned' }>['plan'];

/** What a plan is about, besides its files. */
export interface PlanFrame {
  /** The database or the replica URL that was asked for, without secrets. */
  readonly source: string;
  readonly target: string;
}

interface PlannedFile {
  readonly level: number;
  readonly name: string;
  readonly min_txid: string;
  readonly max_txid: string;
  readonly size: number;
  readonly timestamp: string;
}

const HEX_DIGITS = 8;
const hex = (value: number): string => value.toString(16).padStart(HEX_DIGITS, '0');

const filesOf = (plan: Extract<Plan, { readonly format: 'ltx' }>): readonly PlannedFile[] =>
  plan.files.map(({ level, minTxid, maxTxid, sizeBytes, createdAtMs }) => ({
    level,
    name: `${formatTxid(minTxid)}-${formatTxid(maxTxid)}.ltx`,
    min_txid: formatTxid(minTxid),
    max_txid: formatTxid(maxTxid),
    size: sizeBytes,
    timestamp: formatSeconds(createdAtMs),
  }));

/** v0.3 data has no TXIDs: the snapshot first, then the WAL segments in the order they are applied. */
const v03FilesOf = ({ plan: { snapshot, segments } }: Extract<Plan, { readonly format: 'v0.3' }>) => [
  {
    kind: 'snapshot',
    generation: snapshot.generation,
    index: hex(snapshot.index),
    offset: 0,
    size: snapshot.sizeBytes,
    timestamp: formatSeconds(snapshot.createdAtMs),
  },
  ...segments.map(({ generation, index, offset, sizeBytes, createdAtMs }) => ({
    kind: 'wal',
    generation,
    index: hex(index),
    offset,
    size: sizeBytes,
    timestamp: formatSeconds(createdAtMs),
  })),
];

/** The plan for people: `Restore plan:`, its frame, and the files as a table. */
export const formatPlan = (plan: Plan, { source, target }: PlanFrame): string => {
  const frame = [`source: ${source}`, `target: ${target}`, `replica: ${plan.replica.storage.kind}`];
  if (plan.format === 'v0.3') {
    const rows = v03FilesOf(plan).map((file) => Object.values(file).map(String));
    return formatSections(
      [...frame, 'format: v0.3', `generation: ${plan.plan.snapshot.generation}`],
      formatTable(['kind', 'generation', 'index', 'offset', 'size', 'timestamp'], rows),
    );
  }
  const files = filesOf(plan);
  return formatSections(
    [...frame, `txid range: ${files[0]?.min_txid ?? ''} - ${formatTxid(plan.reachedTxid)}`],
    formatTable(
      ['level', 'file', 'min_txid', 'max_txid', 'size', 'timestamp'],
      files.map((file) => Object.values(file).map(String)),
    ),
  );
};

const formatSections = (frame: readonly string[], files: string): string =>
  `Restore plan:\n${frame.map((line) => `  ${line}\n`).join('')}\nFiles to fetch:\n${files}`;

/** The plan as JSON; v0.3 data adds `format` and has empty TXIDs. */
export const formatPlanJson = (plan: Plan, { source, target }: PlanFrame): string => {
  const frame = { source, target_path: target, replica: plan.replica.storage.kind };
  if (plan.format === 'v0.3') {
    return formatJson({ ...frame, format: 'v0.3', min_txid: '', max_txid: '', files: v03FilesOf(plan) });
  }
  const files = filesOf(plan);
  return formatJson({ ...frame, min_txid: files[0]?.min_txid ?? '', max_txid: formatTxid(plan.reachedTxid), files });
};

/** The summary of a restore; `txid` is empty for v0.3 data. */
export const formatSummaryJson = (
  { plan, durationMs, integrity }: Extract<Outcome, { readonly kind: 'restored' }>,
  target: string,
): string =>
  formatJson({
    db_path: target,
    replica: plan.replica.storage.kind,
    txid: plan.format === 'ltx' ? formatTxid(plan.reachedTxid) : '',
    duration_ms: Math.round(durationMs),
    integrity_check: integrity,
  });

/** The same for a restore that had nothing to do. */
export const formatSkippedJson = (target: string, replica: string, integrity: string): string =>
  formatJson({ db_path: target, replica, txid: '', duration_ms: 0, integrity_check: integrity, skipped: true });
