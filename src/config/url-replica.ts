/** A replica given as a URL on the command line or over the control socket: no file, hence nothing is inherited. */

import { ReplicationError } from '#errors/replication-error';
import { createFindings, type Position } from './problems.ts';
import { readReplica } from './replica.ts';
import type { ReplicaContext } from './replica-source.ts';
import type { ReplicaSettings } from './replica-types.ts';

const START: Position = { line: 1, column: 1 };

/**
 * Settings of a replica URL with defaults and credentials of the environment. `STORAGE_UNKNOWN_SCHEME` for a scheme nobody
 * knows, `CONFIG_INVALID` for everything else that is wrong; the messages hold no secret.
 */
export const replicaSettingsFromUrl = (url: string, context: ReplicaContext): ReplicaSettings => {
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
  const [first] = findings.problems;
  if (url === '' || first !== undefined || draft === undefined) {
    const message =
      url === '' ? 'replica url scheme required' : findings.problems.map((problem) => problem.message).join('; ');
    const isUnknown = first?.message.startsWith('unknown replica type') === true;
    throw new ReplicationError(isUnknown ? 'STORAGE_UNKNOWN_SCHEME' : 'CONFIG_INVALID', message, {
      retryable: false,
      ...(first?.suggestion === undefined ? {} : { hint: first.suggestion }),
    });
  }
  return draft.settings;
};
