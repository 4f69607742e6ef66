/** Values of the host machine: the restart policy of one database. */
import type { Failure } from '../failure.ts';

/** What a host starts from. */
export interface HostInput {
  /** Absolute path of the database file: the name of the host. */
  readonly path: string;
}

/** What a host knows of its database's past failures. */
export interface HostContext extends HostInput {
  /** Restarts since the database last ran quietly for the length of the window. */
  readonly restartCount: number;
  readonly lastError: Failure | undefined;
}

/** What the host passes on to the database's own actor system. */
export type SystemCommand = { readonly type: 'database.stop' } | { readonly type: 'database.hurry' };

/** What a host is told. */
export type HostEvent =
  | { readonly type: 'host.stop' }
  | { readonly type: 'host.hurry' }
  | { readonly type: 'resume.requested' }
  | { readonly type: 'database.failed'; readonly error: unknown }
  | { readonly type: 'database.closed' };

/** What a host tells its shard. */
export type HostReport = { readonly type: 'host.stopped'; readonly path: string };
