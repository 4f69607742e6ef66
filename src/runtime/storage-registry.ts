/** Which adapter serves which replica type. An adapter and its provider's library are loaded when first asked for. */
import type { ReplicaSettings, ReplicaType } from '#config/replica-types';
import { ReplicationError } from '#errors/replication-error';
import type { Clock } from '#ports/clock';
import type { Log } from '#ports/log';
import type { Random } from '#ports/random';
import type { ReplicaStorage } from '#ports/storage';

/** Mode and owner that new files and directories of a replica take over; from the database, where there is one. */
export interface StorageTemplate {
  readonly fileMode: number;
  readonly directoryMode: number;
  readonly uid: number;
  readonly gid: number;
}

/** What every adapter may use besides its settings. */
export interface StorageServices {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Absent for commands that only read, and for databases that do not exist yet. */
  readonly template?: StorageTemplate | undefined;
}

type SettingsOf<Type extends ReplicaType> = Extract<ReplicaSettings, { readonly type: Type }>;

type StorageLoader<Type extends ReplicaType> = (
  settings: SettingsOf<Type>,
  services: StorageServices,
) => Promise<ReplicaStorage>;

/** One line a type; nothing registers itself. */
const loaders: { readonly [Type in ReplicaType]?: StorageLoader<Type> } = {
  file: async (settings, { clock, random, log, template }) => {
    const { createFileStorage } = await import('#adapters/storage/file/file-storage');
    return createFileStorage({ path: settings.path, clock, random: random.fork('temp-names'), log, ...template });
  },
};

/**
 * The storage of a replica. Nothing is connected yet: that is `init`. `STORAGE_UNKNOWN_SCHEME` when no adapter serves the
 * type.
 */
export const createStorage = (settings: ReplicaSettings, services: StorageServices): Promise<ReplicaStorage> => {
  // The table pairs each type with its own settings; the compiler cannot follow that through a computed key.
  const load = loaders[settings.type] as StorageLoader<ReplicaType> | undefined;
  if (load !== undefined) return load(settings, services);
  const known = Object.keys(loaders).join(', ');
  return Promise.reject(
    new ReplicationError('STORAGE_UNKNOWN_SCHEME', `no storage for replica type "${settings.type}"; known: ${known}`, {
      retryable: false,
      hint: 'Correct "type" or the scheme of "url" of the replica.',
      details: { type: settings.type },
    }),
  );
};
