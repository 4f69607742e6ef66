/**
 * Reading of v0.3 backups below a file replica (v0.3 layout):
 *
 *   generations/<16 hex>/snapshots/<8 hex index>.snapshot.lz4
 *   generations/<16 hex>/wal/<8 hex index>_<8 to 16 hex offset>.wal.lz4
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfAborted } from '#errors/replication-error';
import type { V03SegmentInfo, V03SnapshotInfo, V03Storage } from '#ports/storage';
import { mapBounded } from '../bounded.ts';
import { errnoOf, onDisk } from './errors.ts';
import { readNames } from './list.ts';
import { openFileStream } from './read.ts';

const GENERATION = /^[0-9a-f]{16}$/;
const SNAPSHOT = /^([0-9a-f]{8})\.snapshot\.lz4$/;
const SEGMENT = /^([0-9a-f]{8})_([0-9a-f]{8,16})\.wal\.lz4$/;
const PARALLEL_FILES = 16;

interface FoundFile {
  readonly match: RegExpExecArray;
  readonly name: string;
  readonly sizeBytes: number;
  readonly createdAtMs: number;
}

/** Files of a directory whose name matches; one that vanishes between two looks is left out. */
const findFiles = async (directory: string, pattern: RegExp): Promise<readonly FoundFile[]> => {
  const names = (await readNames(directory)).filter((name) => pattern.test(name));
  const found = await mapBounded(names, PARALLEL_FILES, async (name): Promise<FoundFile | undefined> => {
    const path = join(directory, name);
    const stats = await onDisk({ verb: 'look at', path }, () =>
      stat(path).catch((error: unknown) => {
        if (errnoOf(error) === 'ENOENT') return undefined;
        throw error;
      }),
    );
    const match = pattern.exec(name);
    if (stats === undefined || match === null || !stats.isFile()) return undefined;
    return { match, name, sizeBytes: stats.size, createdAtMs: Math.round(stats.mtimeMs) };
  });
  return found.filter((file) => file !== undefined);
};

const hex = (text: string | undefined): number => Number.parseInt(text ?? '', 16);

const formatIndex = (index: number): string => index.toString(16).padStart(8, '0');

/** The v0.3 backups below `root`. */
export const createFileV03Storage = (root: string): V03Storage => {
  const generations = join(root, 'generations');
  return {
    listGenerations: async (signal) => {
      throwIfAborted(signal, `listing ${generations}`);
      const names = await onDisk({ verb: 'list', path: generations }, async () => {
        try {
          const entries = await readdir(generations, { withFileTypes: true });
          return entries.filter((entry) => entry.isDirectory() && GENERATION.test(entry.name)).map(({ name }) => name);
        } catch (error) {
          if (errnoOf(error) === 'ENOENT') return [];
          throw error;
        }
      });
      return names.sort((a, b) => (a < b ? -1 : 1));
    },
    listSnapshots: async (generation, signal) => {
      throwIfAborted(signal, `listing snapshots of ${generation}`);
      const files = await findFiles(join(generations, generation, 'snapshots'), SNAPSHOT);
      return files
        .map(({ match, sizeBytes, createdAtMs }): V03SnapshotInfo => {
          return { generation, index: hex(match[1]), sizeBytes, createdAtMs };
        })
        .sort((a, b) => a.index - b.index);
    },
    listSegments: async (generation, signal) => {
      throwIfAborted(signal, `listing WAL segments of ${generation}`);
      const files = await findFiles(join(generations, generation, 'wal'), SEGMENT);
      return files
        .map(({ match, name, sizeBytes, createdAtMs }): V03SegmentInfo => {
          return { generation, index: hex(match[1]), offset: hex(match[2]), name, sizeBytes, createdAtMs };
        })
        .sort((a, b) => a.index - b.index || a.offset - b.offset);
    },
    openSnapshot: ({ generation, index }, signal) =>
      openFileStream(join(generations, generation, 'snapshots', `${formatIndex(index)}.snapshot.lz4`), {}, signal),
    openSegment: ({ generation, name }, signal) =>
      openFileStream(join(generations, generation, 'wal', name), {}, signal),
  };
};
