/**
 * When the engine shall attempt a sealed restart of the WAL. There is no TRUNCATE, RESTART or FULL of ours: the emergency
 * threshold only raises an alarm (D-7).
 */
import { backoffStepMs } from './backoff.ts';

/** WAL header and frame header, bytes (SQLite file format, "WAL File Format"). */
const WAL_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

const RETRY_FIRST_MS = 1_000;
const RETRY_CAP_MS = 30_000;

/** What a pass reports. Sizes are logical ends, never file sizes: stale frames are no reason for anything (B-16). */
export interface CheckpointInput {
  /** Logical end of the WAL read so far, bytes. */
  readonly walBytes: number;
  readonly pageSize: number;
  /** Something was synced since the WAL was last restarted: an idle database is left alone (I-30, B-18). */
  readonly hasSyncedSinceCheckpoint: boolean;
  /** Milliseconds since the database file was last modified. */
  readonly databaseAgeMs: number;
}

/** The configuration the policy works with. */
export interface CheckpointSettings {
  /** Pages in the WAL from which it is restarted, > 0. */
  readonly minCheckpointPageCount: number;
  /** Age of the database file from which a short WAL is restarted as well; 0: never by age. */
  readonly checkpointIntervalMs: number;
  /** Pages from which the WAL is worth an alarm; 0 or less: no alarm. */
  readonly truncatePageN: number;
}

/** What is remembered between passes; a new process begins with {@link initialCheckpointState}. */
export interface CheckpointState {
  /** Seals in a row that did not lead to a restart. */
  readonly failedSeals: number;
  /** No attempt before this moment, ms since the epoch. */
  readonly retryAtMs: number;
}

/** Nothing has failed yet. */
export const initialCheckpointState: CheckpointState = { failedSeals: 0, retryAtMs: 0 };

/** The answer for one pass. */
export interface CheckpointDecision {
  readonly action: 'none' | 'sealed';
  /** Which trigger is met, also while its retry still waits. */
  readonly trigger: 'pages' | 'age' | undefined;
  /** The WAL has grown past the emergency threshold: somebody keeps frames from being checkpointed. */
  readonly isAlarming: boolean;
  /** With a trigger met and no action: when to ask again, ms since the epoch. */
  readonly retryAtMs: number | undefined;
}

/** Bytes of a WAL of so many frames. */
export const walSizeBytes = (frames: number, pageSize: number): number =>
  WAL_HEADER_BYTES + frames * (FRAME_HEADER_BYTES + pageSize);

/** What to do after a pass. */
export const decideCheckpoint = (
  input: CheckpointInput,
  settings: CheckpointSettings,
  state: CheckpointState,
  nowMs: number,
): CheckpointDecision => {
  const { walBytes, pageSize } = input;
  const { truncatePageN } = settings;
  const trigger = triggerOf(input, settings);
  const isAlarming = truncatePageN > 0 && walBytes >= walSizeBytes(truncatePageN, pageSize);
  if (trigger === undefined) return { action: 'none', trigger, isAlarming, retryAtMs: undefined };
  // A wait longer than any we set means that the clock was put back.
  const isWaiting = nowMs < state.retryAtMs && state.retryAtMs - nowMs <= RETRY_CAP_MS;
  if (isWaiting) return { action: 'none', trigger, isAlarming, retryAtMs: state.retryAtMs };
  return { action: 'sealed', trigger, isAlarming, retryAtMs: undefined };
};

const triggerOf = (
  { walBytes, pageSize, hasSyncedSinceCheckpoint, databaseAgeMs }: CheckpointInput,
  { minCheckpointPageCount, checkpointIntervalMs }: CheckpointSettings,
): 'pages' | 'age' | undefined => {
  if (walBytes >= walSizeBytes(minCheckpointPageCount, pageSize)) return 'pages';
  const isOld = checkpointIntervalMs > 0 && databaseAgeMs > checkpointIntervalMs;
  return isOld && hasSyncedSinceCheckpoint && walBytes > walSizeBytes(1, pageSize) ? 'age' : undefined;
};

/** How a seal ended, as the engine says it. */
export type SealResult = 'restarted' | 'partial' | 'busy' | 'notNeeded';

/** The state after an attempt: a failed one waits 1 s, doubling to 30 s. */
export const afterSeal = (state: CheckpointState, result: SealResult, nowMs: number): CheckpointState => {
  if (result === 'restarted' || result === 'notNeeded') return initialCheckpointState;
  const failedSeals = state.failedSeals + 1;
  const waitMs = backoffStepMs({ failures: failedSeals, firstMs: RETRY_FIRST_MS, capMs: RETRY_CAP_MS });
  return { failedSeals, retryAtMs: nowMs + waitMs };
};

/** The state after any restart was seen, whoever caused it. */
export const afterRestart = (): CheckpointState => initialCheckpointState;
