/** What is wrong with a configuration file: collected, never thrown one by one, and told in one error at the end. */
import { ReplicationError } from '#errors/replication-error';

/** A place in the text after environment expansion; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One finding. A problem makes the file invalid; a warning does not (unless the file is strict). */
export interface Finding {
  /**
   * `syntax`: not YAML. `type`: a value cannot be decoded (listed under `yaml: unmarshal errors:`). `value`: decoded but not
   * allowed. `age`: asks for age encryption.
   */
  readonly kind: 'syntax' | 'type' | 'value' | 'age';
  readonly file: string;
  readonly at: Position;
  /** Path of the key, such as `dbs[0].replica.region`; empty for the file as a whole. */
  readonly key: string;
  /** What is wrong, without position and without secrets. */
  readonly message: string;
  /** What to do about it. */
  readonly suggestion: string | undefined;
  /** Path or dir of the database entry concerned; undefined: the whole file. */
  readonly database: string | undefined;
}

/** The sentence scripts look for when a file or a backup asks for age encryption. */
export const AGE_SENTENCE =
  'age encryption is not currently supported, if you need encryption please revert back to Litestream v0.3.x';

const AGE_HINT =
  'Stay on Litestream v0.3.x for this database, or remove the age section and use server-side encryption of the storage; ' +
  '"restore URL -o PATH" reads no configuration and stays possible.';

const placeOf = ({ file, at }: Finding): string => `${file}:${at.line}:${at.column}`;

/** One line: place, key, message, suggestion. */
export const describeFinding = (finding: Finding): string => {
  const key = finding.key === '' || finding.message.startsWith(finding.key) ? '' : ` ${finding.key}:`;
  const suggestion = finding.suggestion === undefined ? '' : ` (${finding.suggestion})`;
  return `${placeOf(finding)}:${key} ${finding.message}${suggestion}`;
};

/** The text of a problem as other programs know it, the rest in brackets behind it. */
const describeAlone = (finding: Finding): string => {
  const rest = [placeOf(finding), ...(finding.key === '' ? [] : [finding.key])].join(' ');
  const suggestion = finding.suggestion === undefined ? '' : `; ${finding.suggestion}`;
  return `${finding.message} [${rest}${suggestion}]`;
};

const byPosition = (a: Finding, b: Finding): number => a.at.line - b.at.line || a.at.column - b.at.column;

const messageOfAll = (problems: readonly Finding[]): string => {
  const age = problems.filter(({ kind }) => kind === 'age').sort(byPosition);
  const syntax = problems.filter(({ kind }) => kind === 'syntax').sort(byPosition);
  const types = problems.filter(({ kind }) => kind === 'type').sort(byPosition);
  const values = problems.filter(({ kind }) => kind === 'value').sort(byPosition);
  const blocks: string[] = [];
  if (age.length > 0) {
    const places = age.map((finding) => `  ${describeFinding(finding)}`);
    blocks.push([`${AGE_SENTENCE}:`, ...places].join('\n'));
  }
  if (syntax.length > 0) {
    blocks.push(syntax.map(describeAlone).join('\n'));
  }
  if (types.length > 0) {
    const lines = types.map((finding) => `  line ${finding.at.line}: ${describeAlone(finding)}`);
    blocks.push(['yaml: unmarshal errors:', ...lines].join('\n'));
  }
  const [only] = values;
  if (blocks.length === 0 && values.length === 1 && only !== undefined) {
    return describeAlone(only);
  }
  if (values.length > 0) {
    const heading = `${values.length} problem${values.length === 1 ? '' : 's'} in the configuration:`;
    blocks.push([heading, ...values.map((finding) => `  ${describeAlone(finding)}`)].join('\n'));
  }
  return blocks.join('\n');
};

/**
 * The one error for all problems of a file: `AGE_NOT_SUPPORTED` when any of them asks for age encryption, else
 * `CONFIG_INVALID`. The message lists every problem with file, line, column and key.
 */
export const configurationError = (problems: readonly Finding[]): ReplicationError => {
  const isAge = problems.some(({ kind }) => kind === 'age');
  const details = { problems: problems.length, path: problems[0]?.file ?? '' };
  return new ReplicationError(isAge ? 'AGE_NOT_SUPPORTED' : 'CONFIG_INVALID', messageOfAll(problems), {
    retryable: false,
    details,
    ...(isAge ? { hint: AGE_HINT } : {}),
  });
};

/** Takes findings while a file is read. */
export interface Findings {
  readonly problems: Finding[];
  readonly warnings: Finding[];
  problem(finding: NewFinding & { readonly kind?: Finding['kind'] }): void;
  warning(finding: NewFinding): void;
}

/** A finding before it is filed. */
export interface NewFinding {
  readonly at: Position;
  readonly key: string;
  readonly message: string;
  readonly suggestion?: string | undefined;
  readonly database?: string | undefined;
}

/** An empty collection for one file. */
export const createFindings = (file: string): Findings => {
  const problems: Finding[] = [];
  const warnings: Finding[] = [];
  const complete = (finding: NewFinding, kind: Finding['kind']): Finding => ({
    kind,
    file,
    at: finding.at,
    key: finding.key,
    message: finding.message,
    suggestion: finding.suggestion,
    database: finding.database,
  });
  return {
    problems,
    warnings,
    problem: ({ kind = 'value', ...finding }) => void problems.push(complete(finding, kind)),
    warning: (finding) => void warnings.push(complete(finding, 'value')),
  };
};
