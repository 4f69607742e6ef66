/** The log through winston. Import this file only when a log is needed: winston takes longer to load than `version` to run. */
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { createLogger, format, type Logger, transports } from 'winston';
import type { Clock } from '#ports/clock';
import type { Log, LogAttributes, LogLevel } from '#ports/log';
import { LEVEL_ORDER } from './levels.ts';
import { formatLine, type LineOptions, type LogEntry, type LogSource, type LogType } from './lines.ts';

/** Bytes a reader may be behind before lines are dropped; the number of lost lines is logged when it catches up. */
const BUFFERED_BYTES_MAX = 8 * 1024 * 1024;

/** winston's own key for the finished line. */
const MESSAGE = Symbol.for('message');

/** Where the lines go and how they look. */
export interface WinstonLogOptions {
  readonly level: LogLevel;
  readonly type: LogType;
  /** `process.stdout` or `process.stderr`. */
  readonly stream: Writable;
  readonly clock: Clock;
  /** Adds the file and line of the caller. */
  readonly source?: boolean;
  /** Colours in `pretty`; pass whether the stream is a terminal. */
  readonly hasColours?: boolean;
  /** Minutes that the local zone is ahead of UTC; the zone of the process when left out. */
  readonly zoneMinutesAt?: (atMs: number) => number;
}

/** A log and the handles of its owner. */
export interface LogOutput {
  readonly log: Log;
  setLevel(level: LogLevel): void;
  /** Resolves when every line was handed to the stream, which stays open. */
  close(): Promise<void>;
}

/**
 * A log that writes to a stream. A closed pipe (EPIPE) ends the output silently and nothing else: replication goes on
 * without a reader. Other errors of the stream lose lines, never more.
 */
export const createWinstonLog = (options: WinstonLogOptions): LogOutput => {
  const { stream, clock } = options;
  const line: LineOptions = {
    type: options.type,
    hasColours: options.hasColours ?? false,
    zoneMinutesAt: options.zoneMinutesAt ?? ((atMs) => -new Date(atMs).getTimezoneOffset()),
  };
  const logger = createLogger({
    levels: { ...LEVEL_ORDER },
    level: options.level,
    format: format((info) => {
      const { entry } = info;
      // `submit` is the only one who logs here.
      info[MESSAGE] = formatLine(entry as LogEntry, line);
      return info;
    })(),
    transports: [new transports.Stream({ stream, eol: '\n' })],
  });
  let isBroken = false;
  let dropped = 0;
  const onError = (error: Error): void => {
    if ('code' in error && error.code === 'EPIPE') isBroken = true;
  };
  stream.on('error', onError);

  const submit = (entry: LogEntry): void => {
    logger.log({ level: entry.level, message: entry.message, entry });
  };
  const write = (entry: LogEntry): void => {
    if (isBroken || stream.destroyed) return;
    if (stream.writableLength > BUFFERED_BYTES_MAX) {
      dropped += 1;
      return;
    }
    if (dropped > 0) {
      submit({ atMs: entry.atMs, level: 'warn', message: 'log lines dropped', attributes: { count: dropped } });
      dropped = 0;
    }
    submit(entry);
  };
  const logWith = (standing: LogAttributes): Log => {
    const log: Log = {
      write: (level, message, attributes) => {
        if (LEVEL_ORDER[level] > (LEVEL_ORDER[logger.level as LogLevel] ?? LEVEL_ORDER.info)) return;
        const source = options.source === true ? callerOf(log.write) : undefined;
        write({ atMs: clock.nowMs(), level, message, attributes: { ...standing, ...attributes }, source });
      },
      with: (attributes) => logWith({ ...standing, ...attributes }),
    };
    return log;
  };
  return {
    log: logWith({}),
    setLevel: (level) => {
      logger.level = level;
    },
    close: () => end(logger),
  };
};

const end = async (logger: Logger): Promise<void> => {
  if (logger.writableFinished) return;
  const finished = once(logger, 'finish');
  logger.end();
  await finished;
};

const FRAME = /^\s*at (?:async )?(?:(.+?) \()?(?:file:\/\/)?(.+?):(\d+):\d+\)?$/;

/** The frame that called `callee`; the base name of its file is shown. */
const callerOf = (callee: (...args: never[]) => unknown): LogSource | undefined => {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, callee);
  const frame = FRAME.exec(holder.stack?.split('\n')[1] ?? '');
  if (frame === null) return undefined;
  return { function: frame[1] ?? '', file: frame[2]?.split('/').at(-1) ?? '', line: Number(frame[3]) };
};
