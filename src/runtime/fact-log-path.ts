/** Where the fact log of a daemon is kept. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';

/** What decides the place. */
export interface FactLogPlace {
  /** `state-path` of the configuration, absolute; undefined: not set. */
  readonly statePath: string | undefined;
  /** What the daemon was started with: a configuration file, or one database on the command line. */
  readonly origin:
    | { readonly kind: 'configuration'; readonly path: string }
    | { readonly kind: 'database'; readonly metaPath: string };
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Numeric user; undefined where there are none. */
  readonly userId: number | undefined;
  readonly homeDirectory: string;
}

/** Hex digits of the hash of the configuration's path: two daemons of one user do not share a log. */
const HASH_DIGITS = 12;

/**
 * In order: `state-path`, `$STATE_DIRECTORY` (systemd), `/var/lib/litestream` for root, `$XDG_STATE_HOME/litestream`,
 * `~/.local/state/litestream`; the file is `facts-<hash of the absolute configuration path>.db`. For one database on the
 * command line it is `facts.db` in the database's metadata directory.
 */
export const factLogPath = (place: FactLogPlace): string => {
  if (place.origin.kind === 'database') return join(place.origin.metaPath, 'facts.db');
  const hash = createHash('sha256').update(place.origin.path).digest('hex').slice(0, HASH_DIGITS);
  return join(stateDirectory(place), `facts-${hash}.db`);
};

const stateDirectory = ({ statePath, environment, userId, homeDirectory }: FactLogPlace): string => {
  if (statePath !== undefined) return statePath;
  const { STATE_DIRECTORY, XDG_STATE_HOME } = environment;
  // systemd lists several directories with colons; the first is the service's main one.
  const fromSystemd = STATE_DIRECTORY?.split(':')[0];
  if (fromSystemd !== undefined && fromSystemd !== '') return fromSystemd;
  if (userId === 0) return '/var/lib/litestream';
  // The XDG rules: a relative path is to be ignored.
  if (XDG_STATE_HOME?.startsWith('/') === true) return join(XDG_STATE_HOME, 'litestream');
  return join(homeDirectory, '.local', 'state', 'litestream');
};
