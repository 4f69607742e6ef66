/** Configurations that come from words of a command instead of a file: nothing is inherited, everything has its default. */
import { ReplicationError } from '#errors/replication-error';
import { deepFreeze, settingsOf } from './configuration.ts';
import type { RawDatabase } from './keys.ts';
import { createFindings, type Finding, type Position } from './problems.ts';
import { readReplica } from './replica.ts';
import type { ReplicaContext } from './replica-source.ts';
import type { ReplicaSettings } from './replica-types.ts';
import type { Configuration } from './types.ts';

const START: Position = { line: 1, column: 1 };

/** There is no file whose lines could be named, so the messages stand alone. */
const argumentError = (problems: readonly Finding[]): ReplicationError => {
  const isUnknown = problems[0]?.message.startsWith('unknown replica type') === true;
  const hint = problems[0]?.suggestion;
  return new ReplicationError(
    isUnknown ? 'STORAGE_UNKNOWN_SCHEME' : 'CONFIG_INVALID',
    problems.map(({ message }) => message).join('; '),
    { retryable: false, ...(hint === undefined ? {} : { hint }) },
  );
};

const emptyUrl = (): ReplicationError =>
  new ReplicationError('CONFIG_INVALID', 'replica url scheme required: the URL is empty', { retryable: false });

/**
 * Settings of a replica URL with defaults and credentials of the environment. `STORAGE_UNKNOWN_SCHEME` for a scheme nobody
 * knows, `CONFIG_INVALID` for everything else that is wrong; the messages hold no secret.
 */
export const replicaSettingsFromUrl = (url: string, context: ReplicaContext): ReplicaSettings => {
  if (url === '') {
    throw emptyUrl();
  }
  const findings = createFindings('');
  const draft = readReplica({
    raw: { at: START, url: { value: url, at: START } },
    inherited: { at: START },
    key: 'replica',
    displayKey: 'replica',
    database: undefined,
    context,
    findings,
  });
  if (findings.problems.length > 0 || draft === undefined) {
    throw argumentError(findings.problems);
  }
  return deepFreeze(draft.settings);
};

/** A configuration and what is worth a warning about it. */
export interface ArgumentConfiguration {
  readonly configuration: Configuration;
  readonly warnings: readonly Finding[];
}

/**
 * The configuration of `replicate DB_PATH REPLICA_URL …`: one database with one replica for each URL. Errors as
 * {@link replicaSettingsFromUrl}.
 */
export const configurationFromArguments = (
  databasePath: string,
  urls: readonly string[],
  context: ReplicaContext,
): ArgumentConfiguration => {
  if (urls.includes('')) {
    throw emptyUrl();
  }
  const findings = createFindings('command line');
  const database: RawDatabase = {
    at: START,
    path: { value: databasePath, at: START },
    replicas: {
      at: START,
      value: urls.map((url, index) => ({ at: START, index, value: { at: START, url: { value: url, at: START } } })),
    },
  };
  const file = { at: START, dbs: { at: START, value: [{ at: START, index: 0, value: database }] } };
  const configuration = settingsOf(file, context, { findings, present: new Map() });
  if (findings.problems.length > 0) {
    throw argumentError(findings.problems);
  }
  return { configuration: deepFreeze(configuration), warnings: findings.warnings };
};
