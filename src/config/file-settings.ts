/** The settings of the file as a whole: addresses, schedules, logging, hooks. Each reader files its problems and goes on. */
import { DEFAULTS, LIMITS } from './defaults.ts';
import { formatDuration } from './duration.ts';
import { splitExecCommand } from './exec-words.ts';
import type { ListElement, Located } from './fields.ts';
import type { RawFile, RawHook } from './keys.ts';
import { pathOf } from './path-setting.ts';
import type { PathContext } from './paths.ts';
import type { Findings, Position } from './problems.ts';
import type {
  BindAddress,
  HeartbeatSettings,
  Hook,
  HookSettings,
  LevelSettings,
  LoggingLevel,
  LoggingSettings,
  LoggingType,
  McpSettings,
  SocketSettings,
} from './types.ts';

const LOGGING_LEVELS: Readonly<Record<string, LoggingLevel>> = {
  trace: 'trace',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
};

const LOGGING_TYPES: readonly LoggingType[] = ['text', 'json', 'pretty'];

/** `trace debug info warn(ing) error` in any case; undefined for anything else. */
export const parseLoggingLevel = (text: string): LoggingLevel | undefined => {
  const lower = text.toLowerCase();
  return Object.hasOwn(LOGGING_LEVELS, lower) ? LOGGING_LEVELS[lower] : undefined;
};

/** `[host]:port`; undefined without a numeric port of 0..65535. */
export const parseBindAddress = (text: string): BindAddress | undefined => {
  const match = /^(\[[^\]]*\]|[^:]*):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2] ?? -1);
  return match?.[1] === undefined || port > 65_535 ? undefined : { host: match[1].replace(/^\[|\]$/g, ''), port };
};

const addressOf = (
  file: RawFile,
  name: 'addr' | 'mcp-addr' | 'inspect-addr',
  findings: Findings,
): BindAddress | undefined => {
  const located = file[name];
  if (located === undefined || located.value === '') {
    return undefined;
  }
  const address = parseBindAddress(located.value);
  if (address === undefined) {
    const message = `must specify port for bind address: "${located.value}"`;
    findings.problem({ at: located.at, key: name, message, suggestion: 'write HOST:PORT or :PORT' });
  }
  // Only the metrics listener is open to the network without being told so.
  return address !== undefined && address.host === '' && name !== 'addr' ? { ...address, host: '127.0.0.1' } : address;
};

/** Metrics listener; an empty host stays empty and means every interface. */
export const metricsAddressOf = (file: RawFile, findings: Findings): BindAddress | undefined =>
  addressOf(file, 'addr', findings);

/** Inspection listener. */
export const inspectAddressOf = (file: RawFile, findings: Findings): BindAddress | undefined =>
  addressOf(file, 'inspect-addr', findings);

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\./.test(host);

/** MCP listener; warns when it is open to the network without a token. */
export const mcpOf = (file: RawFile, context: PathContext, findings: Findings): McpSettings | undefined => {
  const address = addressOf(file, 'mcp-addr', findings);
  if (address === undefined) {
    return undefined;
  }
  const token = file['mcp-token']?.value || undefined;
  if (!isLoopback(address.host) && token === undefined) {
    const message = `mcp-addr ${address.host}:${address.port} can be reached from the network without a token`;
    findings.warning({ at: file['mcp-addr']?.at ?? file.at, key: 'mcp-addr', message, suggestion: 'set mcp-token' });
  }
  return {
    address,
    token,
    readOnly: file['mcp-read-only']?.value ?? true,
    restoreDirectory: pathOf(file['mcp-restore-dir'], 'mcp-restore-dir', context, findings),
  };
};

const refuseUnless = (
  isAllowed: boolean,
  located: Located<number>,
  key: string,
  reason: string,
  findings: Findings,
): void => {
  if (!isAllowed) {
    findings.problem({ at: located.at, key, message: `${key}: ${reason} (got ${formatDuration(located.value)})` });
  }
};

/** A duration of the file that must be greater than 0, or, with `zero`, not negative. */
export const durationOf = (
  file: RawFile,
  name:
    | 'l0-retention'
    | 'l0-retention-check-interval'
    | 'shutdown-sync-timeout'
    | 'shutdown-sync-interval'
    | 'dormant-after',
  { zero, what }: { readonly zero: boolean; readonly what: string },
  findings: Findings,
): number | undefined => {
  const located = file[name];
  if (located !== undefined) {
    const reason = zero ? `${what} must not be negative` : `${what} must be greater than 0`;
    refuseUnless(zero ? located.value >= 0 : located.value > 0, located, name, reason, findings);
  }
  return located?.value;
};

/** Compaction levels; the list replaces the default one. */
export const levelsOf = (file: RawFile, findings: Findings): readonly LevelSettings[] => {
  if (file.levels === undefined) {
    return DEFAULTS.levelIntervalsMs.map((intervalMs, index) => ({
      level: index + 1,
      intervalMs,
      retentionMs: undefined,
    }));
  }
  const { value: levels, at } = file.levels;
  if (levels.length > LIMITS.levels) {
    const message = `compaction level cannot exceed ${LIMITS.levels} (got ${levels.length} levels)`;
    findings.problem({ at, key: 'levels', message });
  }
  if (levels.length === 0) {
    findings.warning({ at, key: 'levels', message: 'without levels, files of level 0 are never deleted by time' });
  }
  return levels.map(({ value, at: levelAt, index }) => {
    const key = `levels[${index}]`;
    const { interval, retention } = value;
    if (interval === undefined) {
      findings.problem({
        at: levelAt,
        key: `${key}.interval`,
        message: `${key}.interval: compaction interval must be greater than 0 (got 0s)`,
        suggestion: 'set interval',
      });
    } else {
      refuseUnless(
        interval.value > 0,
        interval,
        `${key}.interval`,
        'compaction interval must be greater than 0',
        findings,
      );
    }
    if (retention !== undefined) {
      refuseUnless(
        retention.value > 0,
        retention,
        `${key}.retention`,
        'level retention must be greater than 0',
        findings,
      );
    }
    return { level: index + 1, intervalMs: interval?.value ?? 0, retentionMs: retention?.value };
  });
};

/** Heartbeat; the URL is a secret and is never shown. */
export const heartbeatOf = (file: RawFile, findings: Findings): HeartbeatSettings | undefined => {
  const url = file['heartbeat-url'];
  const interval = file['heartbeat-interval'];
  if (interval !== undefined) {
    const isAllowed = interval.value >= LIMITS.heartbeatIntervalMsMin;
    refuseUnless(isAllowed, interval, 'heartbeat-interval', 'heartbeat interval must be at least 1 minute', findings);
  }
  if (url === undefined || url.value === '') {
    return undefined;
  }
  if (!/^https?:\/\/[^/]/.test(url.value)) {
    const message = 'heartbeat-url: heartbeat URL must start with http:// or https://';
    findings.problem({ at: url.at, key: 'heartbeat-url', message });
  }
  return { url: url.value, intervalMs: interval?.value ?? DEFAULTS.heartbeatIntervalMs };
};

/** The child command and the startup hooks. */
export const execOf = (file: RawFile, findings: Findings) => {
  const none = { exec: undefined, startupHooks: [] as readonly (readonly string[])[] };
  if (file.exec === undefined) {
    return none;
  }
  const { value, at } = file.exec;
  if (value.kind === 'command') {
    if (value.command === '') {
      return none;
    }
    const words = splitExecCommand(value.command);
    if (words.kind === 'refused') {
      findings.problem({ at, key: 'exec', message: words.reason });
    }
    return { exec: value.command, startupHooks: [] };
  }
  const startupHooks = value.hooks.map(({ value: hook, at: hookAt, index }) => {
    const words = hook.cmd?.value.map((word) => word.value) ?? [];
    if (words.length === 0 || words[0] === '') {
      const key = `exec[${index}].cmd`;
      findings.problem({ at: hookAt, key, message: `${key}: must be a non-empty list of words` });
    }
    return words;
  });
  return { exec: undefined, startupHooks };
};

/** Control socket. */
export const socketOf = (file: RawFile, context: PathContext, findings: Findings): SocketSettings => {
  const socket = file.socket?.value;
  const path = pathOf(socket?.path, 'socket.path', context, findings) ?? DEFAULTS.socketPath;
  if (new TextEncoder().encode(path).length > LIMITS.socketPathBytesMax) {
    const message = `socket.path: must not be longer than ${LIMITS.socketPathBytesMax} bytes`;
    findings.problem({ at: socket?.path?.at ?? file.at, key: 'socket.path', message });
  }
  const permissions = socket?.permissions;
  if (permissions !== undefined && (permissions.value < 0 || permissions.value > LIMITS.socketPermissionsMax)) {
    const message = `socket.permissions: must be between 0 and 0777 (got ${permissions.value})`;
    const suggestion = 'write it in octal with a leading zero, 0660';
    findings.problem({ at: permissions.at, key: 'socket.permissions', message, suggestion });
  }
  return {
    enabled: socket?.enabled?.value ?? false,
    path,
    permissions: permissions?.value ?? DEFAULTS.socketPermissions,
    required: socket?.required?.value ?? false,
  };
};

/** Logging; `LOG_LEVEL` beats the file. */
export const loggingOf = (
  file: RawFile,
  env: Readonly<Record<string, string | undefined>>,
  findings: Findings,
): LoggingSettings => {
  const logging = file.logging?.value;
  const level = parseLoggingLevel(logging?.level?.value || 'info');
  const type = LOGGING_TYPES.find((name) => name === (logging?.type?.value || 'text'));
  if (level === undefined) {
    const message = `logging.level: unknown level "${logging?.level?.value ?? ''}"`;
    const suggestion = 'write trace, debug, info, warn or error';
    findings.problem({ at: logging?.level?.at ?? file.at, key: 'logging.level', message, suggestion });
  }
  if (type === undefined) {
    const message = `logging.type: unknown type "${logging?.type?.value ?? ''}"`;
    findings.problem({
      at: logging?.type?.at ?? file.at,
      key: 'logging.type',
      message,
      suggestion: 'write text, json or pretty',
    });
  }
  const { LOG_LEVEL } = env;
  const fromEnvironment = LOG_LEVEL || undefined;
  const environmentLevel = fromEnvironment === undefined ? undefined : parseLoggingLevel(fromEnvironment);
  if (fromEnvironment !== undefined && environmentLevel === undefined) {
    const suggestion = 'set trace, debug, info, warn or error';
    findings.warning({
      at: file.at,
      key: 'logging.level',
      message: 'LOG_LEVEL is not a level and is ignored',
      suggestion,
    });
  }
  return {
    level: environmentLevel ?? level ?? 'info',
    type: type ?? 'text',
    stderr: logging?.stderr?.value ?? false,
    source: logging?.source?.value ?? false,
  };
};

const hookOf = (raw: RawHook, key: string, at: Position, findings: Findings): readonly Hook[] => {
  const cmd = raw.cmd?.value.map(({ value }) => value) ?? [];
  const url = raw.url?.value ?? '';
  if ((cmd.length === 0) === (url === '') || (url !== '' && !/^https?:\/\//.test(url))) {
    findings.problem({ at, key, message: `${key}: must have either cmd, a list of words, or url, an http(s) URL` });
    return [];
  }
  return [url === '' ? { kind: 'cmd', cmd } : { kind: 'url', url }];
};

/** Hooks that run when something changes. */
export const hooksOf = (file: RawFile, findings: Findings): HookSettings => {
  const raw = file.hooks?.value;
  const read = (list: readonly ListElement<RawHook>[] | undefined, key: string): readonly Hook[] =>
    (list ?? []).flatMap(({ value, at, index }) => hookOf(value, `${key}[${index}]`, at, findings));
  const lags = raw?.lag?.value ?? [];
  for (const { value } of lags) {
    if (value.over !== undefined) {
      refuseUnless(value.over.value > 0, value.over, 'hooks.lag.over', 'must be greater than 0', findings);
    }
  }
  const lagHooks = lags.flatMap(({ value, at }) => {
    const isHook = value.cmd !== undefined || value.url !== undefined;
    return [...(isHook ? hookOf(value, 'hooks.lag', at, findings) : []), ...read(value.run?.value, 'hooks.lag.run')];
  });
  return {
    failure: read(raw?.failure?.value, 'hooks.failure'),
    recovery: read(raw?.recovery?.value, 'hooks.recovery'),
    lag: { overMs: lags.find(({ value }) => value.over !== undefined)?.value.over?.value, run: lagHooks },
    drill: read(raw?.drill?.value, 'hooks.drill'),
  };
};
