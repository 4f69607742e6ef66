/** The text of a configuration file to a validated, frozen {@link Configuration}, or to the list of everything wrong with it. */
import { readDatabases } from './databases.ts';
import { DEFAULTS } from './defaults.ts';
import { expandEnvironment } from './environment.ts';
import { isNull, mismatch, type Reading, ROOT_KEY, readMap } from './fields.ts';
import {
  durationOf,
  execOf,
  heartbeatOf,
  hooksOf,
  inspectAddressOf,
  levelsOf,
  loggingOf,
  mcpOf,
  metricsAddressOf,
  socketOf,
} from './file-settings.ts';
import { FILE_FIELDS, type RawFile } from './keys.ts';
import { keysNotInEffect } from './keys-in-effect.ts';
import { pathOf } from './path-setting.ts';
import { createFindings, type Finding, type Findings, type Position } from './problems.ts';
import type { ReplicaContext } from './replica-source.ts';
import type { Configuration } from './types.ts';
import { readYaml } from './yaml-document.ts';

/** What the meaning of a text depends on besides the text. */
export interface ConfigurationInput extends ReplicaContext {
  /** Name of the file, for messages. */
  readonly file: string;
  readonly text: string;
  /** Replace `$NAME` before reading. */
  readonly expandEnv: boolean;
  /** Value of `$PID`. */
  readonly pid: number;
  /** Only this database (absolute path) is wanted: problems of other entries become warnings, and those entries are left out. */
  readonly onlyDatabase?: string | undefined;
}

/** A configuration, or why there is none. */
export type ReadConfiguration =
  | { readonly kind: 'valid'; readonly configuration: Configuration; readonly warnings: readonly Finding[] }
  | { readonly kind: 'invalid'; readonly problems: readonly Finding[]; readonly warnings: readonly Finding[] };

const START: Position = { line: 1, column: 1 };

/** Freezes a value and everything below it. */
export const deepFreeze = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
};

const readFile = (text: string, reading: Reading): RawFile | undefined => {
  const root = readYaml(text, reading.findings);
  if (root === undefined || isNull(root)) {
    return { at: START };
  }
  return root.kind === 'map'
    ? readMap(root, ROOT_KEY, reading, FILE_FIELDS)
    : mismatch(root, ROOT_KEY, reading, 'the configuration');
};

const isBelow = (directory: string, path: string): boolean =>
  path.startsWith(directory.endsWith('/') ? directory : `${directory}/`);

/** Problems of entries nobody asked for become warnings. */
const tolerateOthers = (findings: Findings, wanted: string): ReadonlySet<string> => {
  const others = new Set<string>();
  const kept = findings.problems.filter((problem) => {
    const { database, kind } = problem;
    if (kind !== 'value' || database === undefined || database === wanted || isBelow(database, wanted)) {
      return true;
    }
    others.add(database);
    findings.warning(problem);
    return false;
  });
  findings.problems.splice(0, findings.problems.length, ...kept);
  return others;
};

const warnNotInEffect = (reading: Reading): readonly Finding[] => {
  const findings = createFindings('');
  for (const key of keysNotInEffect) {
    // A top-level default of a replica key counts as well.
    const at = reading.present.get(key) ?? reading.present.get(key.replace(/^replica\./, ''));
    if (at !== undefined) {
      findings.warning({ at, key, message: `${key} is not in effect yet` });
    }
  }
  return findings.warnings;
};

/** The settings of a decoded file; everything wrong with it is filed. */
export const settingsOf = (file: RawFile, input: ReplicaContext, reading: Reading): Configuration => {
  const { findings } = reading;
  const { LITESTREAM_CONFIG_STRICT: strictFlag } = input.env;
  const onType = (type: string, at: Position): void => {
    const pattern = `type: ${type}`;
    if (!reading.present.has(pattern)) {
      reading.present.set(pattern, at);
    }
  };
  const { databases, directories, snapshot } = readDatabases({ file, context: input, findings, onType });
  const validationMs = file.validation?.value.interval?.value ?? 0;
  return {
    databases,
    directories,
    levels: levelsOf(file, findings),
    snapshot,
    l0RetentionMs:
      durationOf(file, 'l0-retention', { zero: true, what: 'L0 retention' }, findings) ?? DEFAULTS.l0RetentionMs,
    l0RetentionCheckIntervalMs:
      durationOf(file, 'l0-retention-check-interval', { zero: false, what: 'L0 retention check interval' }, findings) ??
      DEFAULTS.l0RetentionCheckIntervalMs,
    retentionEnabled: file.retention?.value.enabled?.value ?? true,
    verifyCompaction: file['verify-compaction']?.value ?? false,
    validationIntervalMs: Math.max(0, validationMs),
    shutdownSyncTimeoutMs:
      durationOf(file, 'shutdown-sync-timeout', { zero: true, what: 'shutdown sync timeout' }, findings) ??
      DEFAULTS.shutdownSyncTimeoutMs,
    shutdownSyncIntervalMs:
      durationOf(file, 'shutdown-sync-interval', { zero: false, what: 'shutdown sync interval' }, findings) ??
      DEFAULTS.shutdownSyncIntervalMs,
    heartbeat: heartbeatOf(file, findings),
    metricsAddress: metricsAddressOf(file, findings),
    mcp: mcpOf(file, input, findings),
    inspectAddress: inspectAddressOf(file, findings),
    ...execOf(file, findings),
    socket: socketOf(file, input, findings),
    logging: loggingOf(file, input.env, findings),
    hooks: hooksOf(file, findings),
    statePath: pathOf(file['state-path'], 'state-path', input, findings),
    dormantAfterMs: durationOf(file, 'dormant-after', { zero: true, what: 'dormant-after' }, findings),
    strict: file.strict?.value === true || strictFlag === '1',
  };
};

const isUnknownKey = (finding: Finding): boolean => /^field .* not found$/s.test(finding.message);

/** Reads a configuration. Never throws for any text. */
export const readConfiguration = (input: ConfigurationInput): ReadConfiguration => {
  const findings = createFindings(input.file);
  const reading: Reading = { findings, present: new Map() };
  const expandedText = input.expandEnv ? expandEnvironment(input.text, input) : { text: input.text, unset: [] };
  for (const { name, at } of expandedText.unset) {
    const message = `environment variable ${name} is not set and was replaced by nothing`;
    findings.warning({ at, key: '', message, suggestion: 'set it, or use -no-expand-env' });
  }
  const file = readFile(expandedText.text, reading);
  if (file === undefined || findings.problems.some(({ kind }) => kind === 'syntax')) {
    return { kind: 'invalid', problems: findings.problems, warnings: findings.warnings };
  }
  const configuration = settingsOf(file, input, reading);
  if (configuration.strict) {
    const strictProblems = findings.warnings.map(
      (finding): Finding => ({ ...finding, kind: isUnknownKey(finding) ? 'type' : 'value' }),
    );
    findings.problems.push(...strictProblems);
    findings.warnings.length = 0;
  }
  const others = input.onlyDatabase === undefined ? new Set<string>() : tolerateOthers(findings, input.onlyDatabase);
  // Not the fault of the file, so strictness does not refuse them.
  const warnings = [
    ...findings.warnings,
    ...warnNotInEffect(reading).map((warning) => ({ ...warning, file: input.file })),
  ];
  if (findings.problems.length > 0) {
    return { kind: 'invalid', problems: findings.problems, warnings };
  }
  const kept: Configuration = {
    ...configuration,
    databases: configuration.databases.filter(({ path }) => !others.has(path)),
    directories: configuration.directories.filter(({ dir }) => !others.has(dir)),
  };
  return { kind: 'valid', configuration: deepFreeze(kept), warnings };
};
