/** `litestream restore`: a database from its replica. */
import { isReplicaUrl } from '#config/paths';
import { ZERO_TXID } from '#domain/txid';
import { type ChosenReplicas, chooseReplicas, replicasNamed } from './chosen-replicas.ts';
import type { COMMAND_FLAGS } from './command-flags.ts';
import type { CommandIo } from './command-io.ts';
import { defineCommand, type Invocation, notAvailableYet, onlyArgument, usageError } from './define-command.ts';
import { interruptible } from './interruption.ts';
import { databasePathOf } from './load-for-command.ts';
import { formatPlan, formatPlanJson, formatSkippedJson, formatSummaryJson } from './restore-report.ts';
import { parseTime } from './times.ts';

type RestoreFlags = Invocation<typeof COMMAND_FLAGS.restore>['flags'];

interface Target {
  readonly txid?: bigint;
  readonly timestampMs?: number;
  readonly generation?: string;
  readonly index?: number;
}

/** Restores, plans or skips as the flags say. */
export const restore = defineCommand('restore', async ({ flags, given, args, io }) => {
  const argument = onlyArgument('restore', args, 'database path or replica URL required');
  const integrity = integrityOf(flags['integrity-check']);
  if (flags.parallelism < 1) throw usageError('invalid -parallelism value: it must be at least 1');
  const target = targetOf(flags, given);
  if (isReplicaUrl(argument) && flags.o === '') {
    const example = `litestream restore -o /path/to/db ${withoutSecrets(argument)}`;
    throw usageError('-o is required when restoring from a replica URL', example);
  }
  const chosen = await chooseReplicas(argument, flags, io);
  refuseContradictions(flags, target);
  const output = flags.o === '' ? chosen.databasePath : databasePathOf(flags.o, io);
  if (output === undefined) throw usageError('-o is required when restoring from a replica URL');
  return run({ flags, chosen, target, integrity, output }, io);
});

interface Work {
  readonly flags: RestoreFlags;
  readonly chosen: ChosenReplicas;
  readonly target: Target;
  readonly integrity: 'none' | 'quick' | 'full';
  readonly output: string;
}

const run = async ({ flags, chosen, target, integrity, output }: Work, io: CommandIo): Promise<number> => {
  const replicas = replicasNamed(chosen.replicas, flags.replica);
  const { createProcessLog } = await import('#runtime/process-log');
  const { runRestore } = await import('#runtime/restore');
  // With -json stdout is the result and nothing else.
  const logging = flags.json ? { ...chosen.logging, stderr: true } : chosen.logging;
  const { log, close } = createProcessLog(logging, io);
  const outcome = await interruptible(async (signal) => {
    const done = await runRestore({
      replicas,
      output,
      target,
      force: flags.force,
      ifDbNotExists: flags['if-db-not-exists'],
      ifReplicaExists: flags['if-replica-exists'],
      integrity,
      parallelism: flags.parallelism,
      dryRun: flags['dry-run'],
      signal,
      log,
    });
    if (done.kind === 'skipped') log.write('info', SKIPPED[done.reason]);
    if (done.kind === 'restored' && integrity !== 'none') {
      log.write('info', 'post-restore integrity check passed', { replica: done.plan.replica.storage.kind });
    }
    return done;
  }).finally(close);
  if (typeof outcome === 'number') return outcome;
  const frame = { source: chosen.databasePath ?? replicas[0]?.location ?? '', target: output };
  switch (outcome.kind) {
    case 'planned':
      io.stdout.write(flags.json ? formatPlanJson(outcome.plan, frame) : formatPlan(outcome.plan, frame));
      break;
    case 'restored':
      if (flags.json) io.stdout.write(formatSummaryJson(outcome, output));
      break;
    case 'skipped':
      if (flags.json) io.stdout.write(formatSkippedJson(output, replicas[0]?.type ?? '', integrity));
      break;
  }
  return 0;
};

const SKIPPED = {
  databaseExists: 'database already exists, skipping',
  noBackup: 'no matching backups found',
} as const;

const integrityOf = (mode: string): 'none' | 'quick' | 'full' => {
  if (mode === 'none' || mode === 'quick' || mode === 'full') return mode;
  throw usageError(`invalid -integrity-check value: ${mode}`);
};

/** `-index` is hexadecimal, as v0.3 writes indexes. TXID 0 is the newest. */
const targetOf = (flags: RestoreFlags, given: ReadonlySet<string>): Target => {
  if (given.has('index') && !/^[0-9a-f]{1,8}$/i.test(flags.index)) {
    throw usageError(`invalid -index value: ${flags.index}, must be hexadecimal`);
  }
  const timestampMs = flags.timestamp === '' ? undefined : parseTime(flags.timestamp);
  if (flags.timestamp !== '' && timestampMs === undefined) {
    throw usageError('invalid -timestamp, must specify in ISO 8601 format (e.g. 2000-01-01T00:00:00Z)');
  }
  return {
    ...(flags.txid === ZERO_TXID ? {} : { txid: flags.txid }),
    ...(timestampMs === undefined ? {} : { timestampMs }),
    ...(flags.generation === '' ? {} : { generation: flags.generation }),
    ...(given.has('index') ? { index: Number.parseInt(flags.index, 16) } : {}),
  };
};

/** Everything that excludes something else, before anything is looked at. */
const refuseContradictions = (flags: RestoreFlags, target: Target): void => {
  if (flags.f && flags['dry-run']) throw usageError('cannot use -dry-run with -f');
  if (target.txid !== undefined && target.timestampMs !== undefined) {
    throw usageError('cannot specify index & timestamp to restore');
  }
  if (target.txid !== undefined && (target.generation !== undefined || target.index !== undefined)) {
    throw usageError('cannot specify -txid with -generation or -index: v0.3 backups have no TXIDs');
  }
  if (flags.f && target.txid !== undefined) throw usageError('cannot use follow mode with -txid');
  if (flags.f && target.timestampMs !== undefined) throw usageError('cannot use follow mode with -timestamp');
  if (flags.f) throw notAvailableYet('litestream restore -f');
};

/** User and password of a URL must not reach a message. */
const withoutSecrets = (url: string): string => url.replace(/^(\w+:\/\/)[^/@]*@/, '$1').replace(/\?.*$/, '');
