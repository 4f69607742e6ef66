/**
 * A database from a v0.3 backup: the snapshot, then WAL after WAL rebuilt from its segments beside it and moved into it by
 * SQLite. SQLite stops silently at the first frame it does not believe, so the count of frames is compared.
 */
import { isNextWal, type V03Position } from '#domain/v03-plan';
import { errorCodeOf, isReplicationError, ReplicationError, throwIfAborted } from '#errors/replication-error';
import type { OutputFile } from '#ports/output-files';
import type { V03SegmentInfo, V03Storage } from '#ports/storage';
import type { Materialised } from '../materialise.ts';
import type { RestoreCandidate, RestoreRequest, RestoreServices } from '../restore-types.ts';
import { readCompressed } from './read-compressed.ts';

const WAL_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
/** Offset of the page size in a WAL header, u32 big-endian (SQLite, "WAL file format"). */
const WAL_PAGE_SIZE_OFFSET = 8;

/** What the files have in common while they are fetched. */
interface Replay {
  readonly services: RestoreServices;
  readonly request: RestoreRequest;
  readonly v03: V03Storage;
  readonly temporary: OutputFile;
  readonly report: (bytes: number) => void;
}

/**
 * Fills the temporary file; resolves when it is durable. Errors: `V03_GAP`, `V03_INVALID`, `LZ4_FRAME_INVALID`,
 * `AGE_NOT_SUPPORTED`, `STORAGE_*`, `ABORTED`; messages begin with the step that failed.
 */
export const replayV03 = async (
  services: RestoreServices,
  request: RestoreRequest,
  temporary: OutputFile,
  { replica, plan }: Extract<RestoreCandidate, { readonly format: 'v0.3' }>,
): Promise<Materialised> => {
  const v03 = replica.storage.v03;
  if (v03 === undefined) throw new TypeError(`replica ${replica.name} cannot read v0.3 backups`);
  const totalBytes = [plan.snapshot, ...plan.segments].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let doneBytes = 0;
  const report = (bytes: number): void => {
    doneBytes += bytes;
    request.onProgress?.({ phase: 'fetching', doneBytes, totalBytes });
  };
  const replay: Replay = { services, request, v03, temporary, report };
  const snapshotBytes = await naming('download snapshot', () => fetchSnapshot(replay, plan.snapshot));
  if (plan.segments.length > 0) {
    await naming('apply WAL segments', () => applySegments(replay, plan.snapshot.index, plan.segments));
  }
  const entry = await services.files.inspect(temporary.path);
  return { sizeBytes: entry?.sizeBytes ?? snapshotBytes, readBytes: doneBytes };
};

const fetchSnapshot = async (replay: Replay, snapshot: Parameters<V03Storage['openSnapshot']>[0]): Promise<number> => {
  const { services, request, v03, temporary, report } = replay;
  const name = `snapshot ${snapshot.generation}/${formatIndex(snapshot.index)}`;
  const open = () => v03.openSnapshot(snapshot, request.signal);
  const sizeBytes = await readCompressed(services, { name, open, sink: temporary, at: 0, signal: request.signal });
  await temporary.truncate(sizeBytes);
  await temporary.sync();
  report(snapshot.sizeBytes);
  return sizeBytes;
};

/** One WAL after the other; each is complete when the first segment of the next one is met, or none is left. */
const applySegments = async (replay: Replay, index: number, segments: readonly V03SegmentInfo[]): Promise<void> => {
  let position: V03Position = { index, offset: 0 };
  let wal: OutputFile | undefined;
  try {
    for (const segment of segments) {
      throwIfAborted(replay.request.signal, 'restore');
      if (isNextWal(position, segment)) {
        if (wal !== undefined) await finishWal(replay, wal, position);
        wal = undefined;
        // Emptied: of a longer WAL before this one nothing may stay behind the shorter one's end.
        wal = await replay.services.files.createAt(`${replay.temporary.path}-wal`, { mode: 0o600 });
      }
      if (wal === undefined) throw new TypeError('a WAL begins with the segment at offset 0');
      const bytes = await fetchSegment(replay, segment, wal);
      position = { index: segment.index, offset: segment.offset + bytes };
    }
    if (wal !== undefined) await finishWal(replay, wal, position);
    wal = undefined;
  } finally {
    await wal?.close();
  }
};

const fetchSegment = async (replay: Replay, segment: V03SegmentInfo, wal: OutputFile): Promise<number> => {
  const { services, request, v03, report } = replay;
  const name = `WAL segment ${segment.generation}/${segment.name}`;
  const open = () => v03.openSegment(segment, request.signal);
  const bytes = await readCompressed(services, { name, open, sink: wal, at: segment.offset, signal: request.signal });
  report(segment.sizeBytes);
  return bytes;
};

const finishWal = async (replay: Replay, wal: OutputFile, { index, offset }: V03Position): Promise<void> => {
  const header = await wal.read(0, WAL_HEADER_BYTES);
  await wal.close();
  const pageSize =
    header.length < WAL_HEADER_BYTES
      ? 0
      : new DataView(header.buffer, header.byteOffset).getUint32(WAL_PAGE_SIZE_OFFSET);
  const frames = (offset - WAL_HEADER_BYTES) / (FRAME_HEADER_BYTES + pageSize);
  if (!Number.isInteger(frames) || frames < 0) {
    throw invalid(index, `${offset} bytes are no whole number of frames of ${pageSize}-byte pages`);
  }
  const { isBusy, logFrames, checkpointedFrames } = await replay.services.walReplay.replay(replay.temporary.path);
  if (isBusy || logFrames !== frames || checkpointedFrames !== frames) {
    throw invalid(
      index,
      `it has ${frames} frames, SQLite found ${logFrames} valid and moved ${checkpointedFrames}${isBusy ? ' (busy)' : ''}`,
    );
  }
};

const formatIndex = (index: number): string => index.toString(16).padStart(8, '0');

const invalid = (index: number, found: string): ReplicationError =>
  new ReplicationError('V03_INVALID', `WAL ${formatIndex(index)} cannot be replayed: ${found}`, {
    retryable: false,
    hint: 'Restore a state before this WAL with -timestamp or -index, or another -generation.',
    details: { index },
  });

/** Gaps and age have messages of their own; everything else says which step met it. */
const naming = async <T>(step: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    const code = errorCodeOf(error);
    const speaksForItself = code === 'ABORTED' || code === 'V03_GAP' || code === 'AGE_NOT_SUPPORTED';
    if (!isReplicationError(error) || speaksForItself) throw error;
    const { retryable, hint, details } = error;
    throw new ReplicationError(error.code, `${step}: ${error.message}`, {
      retryable,
      details,
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    });
  }
};
