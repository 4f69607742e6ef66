/** Command lines that Litestream v0.5.17 was run with, and what it answered (fixtures/v0.5/cli). */
import { readdirSync, readFileSync } from 'node:fs';
import { splitExecCommand } from '#config/exec-words';
import { inProject } from '../support/project.ts';

const FOLDER = inProject('fixtures/v0.5/cli');

export interface Recording {
  /** Words after `litestream`; `/DIR` stands for the directory. */
  readonly words: readonly string[];
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Names of all recordings, without those of configurations and usage texts. */
export const recordingNames: readonly string[] = readdirSync(FOLDER)
  .map((file) => file.replace(/\.txt$/, ''))
  .filter((name) => !/^(?:config|help)-/.test(name));

export const readRecording = (name: string): Recording => {
  const text = readFileSync(`${FOLDER}/${name}.txt`, 'utf8');
  const section = (title: string): string =>
    new RegExp(`^--- ${title}\\n([\\s\\S]*?)(?=^--- |(?![\\s\\S]))`, 'm').exec(text)?.[1] ?? '';
  const line = /^\$ litestream ?(.*)$/m.exec(text)?.[1] ?? '';
  const split = splitExecCommand(line);
  return {
    words: split.kind === 'words' ? split.words : [],
    exit: Number(section('exit')),
    stdout: section('stdout'),
    stderr: section('stderr'),
  };
};
