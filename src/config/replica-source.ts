/** Where the settings of one replica come from: its own keys, its URL, the inherited top-level values. */
import type { Located } from './fields.ts';
import type { Inherited, RawReplica } from './keys.ts';
import { expandPath, type PathContext } from './paths.ts';
import type { NewFinding, Position } from './problems.ts';
import type { ReplicaType } from './replica-types.ts';
import type { ReplicaUrl } from './replica-url.ts';

/** What reading a replica needs from outside. */
export interface ReplicaContext extends PathContext {
  readonly env: Readonly<Record<string, string | undefined>>;
}

type ValueOf<T> = NonNullable<T> extends Located<infer V> ? V : never;
type InheritedName = Exclude<keyof Inherited, 'at'>;
type OwnName = Exclude<keyof RawReplica, 'at'>;

/** One replica being read. */
export interface ReplicaSource {
  readonly own: RawReplica;
  readonly inherited: Inherited;
  readonly url: ReplicaUrl | undefined;
  readonly type: ReplicaType;
  /** Key of the replica, `dbs[0].replica`. */
  readonly key: string;
  readonly context: ReplicaContext;
  readonly problem: (finding: NewFinding) => void;
  readonly warning: (finding: NewFinding) => void;
}

const isEmpty = (value: unknown): boolean => value === '' || (Array.isArray(value) && value.length === 0);

const nonEmpty = <T>(located: Located<T> | undefined): T | undefined =>
  located === undefined || isEmpty(located.value) ? undefined : located.value;

/** The replica's own value; empty counts as absent. */
export const ownValue = <K extends OwnName>(source: ReplicaSource, name: K): ValueOf<RawReplica[K]> | undefined =>
  nonEmpty(source.own[name] as Located<ValueOf<RawReplica[K]>> | undefined);

/** The top-level value; empty counts as absent. */
export const inheritedValue = <K extends InheritedName>(
  source: ReplicaSource,
  name: K,
): ValueOf<Inherited[K]> | undefined => nonEmpty(source.inherited[name] as Located<ValueOf<Inherited[K]>> | undefined);

/** Own value, else what the URL says, else the inherited one. */
export const settingOf = <K extends InheritedName>(
  source: ReplicaSource,
  name: K,
  fromUrl?: ValueOf<Inherited[K]> | undefined,
): ValueOf<Inherited[K]> | undefined =>
  // Both tables have the same reader under this name.
  (ownValue(source, name) as ValueOf<Inherited[K]> | undefined) ?? fromUrl ?? inheritedValue(source, name);

/** Place of a key: where it is written, else where the replica begins. */
export const placeOf = (source: ReplicaSource, name: OwnName): Position => source.own[name]?.at ?? source.own.at;

/** Files a problem at one key of the replica. */
export const reject = (source: ReplicaSource, name: OwnName, message: string, suggestion?: string): void =>
  source.problem({ at: placeOf(source, name), key: `${source.key}.${name}`, message, suggestion });

/** Files a warning at one key of the replica. */
export const warn = (source: ReplicaSource, name: OwnName, message: string, suggestion?: string): void =>
  source.warning({ at: placeOf(source, name), key: `${source.key}.${name}`, message, suggestion });

/** A required value: files `NAME required for TYPE replica` and gives the empty string when it is missing. */
export const required = (
  source: ReplicaSource,
  name: OwnName,
  value: string | undefined,
  suggestion?: string,
): string => {
  if (value === undefined || value === '') {
    reject(source, name, `${name} required for ${source.type} replica`, suggestion);
  }
  return value ?? '';
};

/** Refuses keys that say the same as the URL, when both are written on the replica. */
export const refuseBeside = (source: ReplicaSource, names: readonly OwnName[]): void => {
  for (const name of names) {
    if (source.url !== undefined && ownValue(source, name) !== undefined) {
      reject(source, name, `cannot specify url & ${name} for ${source.type} replica`, `remove url or ${name}`);
    }
  }
};

/** Absolute form of a local path; a missing home directory is a problem of the key. */
export const localPath = (source: ReplicaSource, name: OwnName, path: string): string => {
  try {
    return expandPath(path, source.context);
  } catch (error) {
    reject(source, name, error instanceof Error ? error.message : 'the path cannot be expanded');
    return path;
  }
};

/** The value of an environment variable; empty counts as unset. */
export const environmentValue = (source: ReplicaSource, name: string): string | undefined =>
  (Object.hasOwn(source.context.env, name) ? source.context.env[name] : undefined) || undefined;
