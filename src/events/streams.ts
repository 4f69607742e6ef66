/**
 * Names of streams: the place of an actor in the daemon.
 *
 *   daemon
 *   db:<path>
 *   db:<path>/replica:<name>
 *   db:<path>/replica:<name>/level:<0..9>
 *
 * In paths and names `%` and `:` are written as `%25` and `%3A` (in names `/` as `%2F` too), so that a path never looks like
 * a stream below another.
 */
import { isLevel, type Level } from '#domain/level';

/** The stream of the daemon itself. */
export const DAEMON_STREAM = 'daemon';

/** To read every stream there is. */
export const ALL_STREAMS = '';

const escapePath = (path: string): string => path.replaceAll('%', '%25').replaceAll(':', '%3A');
const escapeName = (name: string): string => escapePath(name).replaceAll('/', '%2F');
const unescapeText = (text: string): string =>
  text.replaceAll('%2F', '/').replaceAll('%3A', ':').replaceAll('%25', '%');

/** The stream of a database; `path` is its absolute path. */
export const databaseStream = (path: string): string => `db:${escapePath(path)}`;

/** The stream of one replica of a database. */
export const replicaStream = (path: string, replica: string): string =>
  `${databaseStream(path)}/replica:${escapeName(replica)}`;

/** The stream of one level of one replica. */
export const levelStream = (path: string, replica: string, level: Level): string =>
  `${replicaStream(path, replica)}/level:${level}`;

/** A stream's name taken apart. */
export type StreamPlace =
  | { readonly kind: 'daemon' }
  | { readonly kind: 'database'; readonly path: string }
  | { readonly kind: 'replica'; readonly path: string; readonly replica: string }
  | { readonly kind: 'level'; readonly path: string; readonly replica: string; readonly level: Level };

const STREAM = /^db:([^:]*?)(?:\/replica:([^:/]*)(?:\/level:(\d))?)?$/;

/** The parts of a stream's name, or `undefined` when it is none. */
export const parseStream = (stream: string): StreamPlace | undefined => {
  if (stream === DAEMON_STREAM) return { kind: 'daemon' };
  const match = STREAM.exec(stream);
  if (match?.[1] === undefined) return undefined;
  const path = unescapeText(match[1]);
  if (match[2] === undefined) return { kind: 'database', path };
  const replica = unescapeText(match[2]);
  const level = Number(match[3]);
  if (match[3] === undefined || !isLevel(level)) return { kind: 'replica', path, replica };
  return { kind: 'level', path, replica, level };
};

/** What follows the name of a stream in the names of the streams below it. */
export const BELOW = ['/replica:', '/level:'] as const;

/** True for the stream itself and the streams below it; everything lies below {@link ALL_STREAMS}. */
export const isWithinStream = (stream: string, parent: string): boolean =>
  parent === ALL_STREAMS || stream === parent || BELOW.some((step) => stream.startsWith(parent + step));
