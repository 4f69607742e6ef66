/** The log of a command: where its lines go and how they look. */
import type { Writable } from 'node:stream';
import { createSystemClock } from '#adapters/clock/system/system-clock';
import { parseLogLevel } from '#adapters/log/winston/levels';
import { createWinstonLog, type LogOutput } from '#adapters/log/winston/winston-log';
import { describeFinding, type Finding } from '#config/problems';
import type { LoggingLevel, LoggingSettings } from '#config/types';

/** How lines look before a file was read: text, info, stdout. */
export const DEFAULT_LOGGING: LoggingSettings = { level: 'info', type: 'text', stderr: false, source: false };

/** Where log lines may go. */
export interface LogStreams {
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** A log on one of the two streams, the one the settings name. Close it before anything else writes there. */
export const createProcessLog = (settings: LoggingSettings, streams: LogStreams): LogOutput => {
  const stream = settings.stderr ? streams.stderr : streams.stdout;
  return createWinstonLog({
    level: settings.level,
    type: settings.type,
    source: settings.source,
    stream,
    clock: createSystemClock(),
    hasColours: 'isTTY' in stream && stream.isTTY === true,
  });
};

/** The settings of a command without a configuration file. `LOG_LEVEL` counts; what is no level is ignored. */
export const loggingOfEnvironment = (env: Readonly<Record<string, string | undefined>>): LoggingSettings => {
  const { LOG_LEVEL } = env;
  return { ...DEFAULT_LOGGING, level: parseLogLevel(LOG_LEVEL ?? '') ?? DEFAULT_LOGGING.level };
};

/** The level a word names, as in `-log-level`; undefined when it names none. */
export const loggingLevelOf = (word: string): LoggingLevel | undefined => parseLogLevel(word);

/** Logs what is worth a warning about a configuration, to stderr: stdout belongs to the result. */
export const logFindings = async (
  findings: readonly Finding[],
  settings: LoggingSettings,
  streams: LogStreams,
): Promise<void> => {
  if (findings.length === 0) return;
  const { log, close } = createProcessLog({ ...settings, stderr: true }, streams);
  for (const finding of findings) log.write('warn', describeFinding(finding));
  await close();
};
