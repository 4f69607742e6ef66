/** Bounds on parallel uploads: one set of slots for each kind of destination, so that one that hangs starves only its like. */
import type { ReplicaSettings } from '#config/types';
import type { Limiter } from '#ports/limiter';
import { createLimiter } from './limiter.ts';

/** Parallel uploads to destinations of one kind and host. */
const SLOTS = 32;

/** The limiter of a replica. */
export type UploadLimiters = (settings: ReplicaSettings) => Limiter;

/** Limiters made on first use, kept for the life of the daemon. */
export const createUploadLimiters = (): UploadLimiters => {
  const limiters = new Map<string, Limiter>();
  return (settings) => {
    const key = `${settings.type}:${hostOf(settings.location)}`;
    const known = limiters.get(key);
    if (known !== undefined) return known;
    const limiter = createLimiter(SLOTS);
    limiters.set(key, limiter);
    return limiter;
  };
};

/** The authority of a location: bucket or host. A path without one is its own file system as far as we know. */
const hostOf = (location: string): string => /^[a-z0-9+.-]+:\/\/([^/]*)/i.exec(location)?.[1] ?? '';
