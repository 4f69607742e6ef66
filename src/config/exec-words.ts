/**
 * Splits the `exec` command into words without a shell: blanks separate, single quotes are literal, double quotes group,
 * a backslash escapes. Nothing is expanded; an operator of the shell is refused rather than dropped.
 */

export type ExecWords =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'refused'; readonly reason: string };

const refused = (reason: string): ExecWords => ({ kind: 'refused', reason: `cannot parse exec command: ${reason}` });

/** Words of a command, at least one. Inside double quotes a backslash escapes only `"`, `\`, `$` and a backquote. */
export const splitExecCommand = (command: string): ExecWords => {
  const words: string[] = [];
  let word: string | undefined;
  let index = 0;
  while (index < command.length) {
    const character = command.charAt(index);
    index++;
    if (character === "'" || character === '"') {
      let end = index;
      let quoted = '';
      while (end < command.length && command.charAt(end) !== character) {
        const isEscape = character === '"' && command.charAt(end) === '\\' && /["\\$`]/.test(command.charAt(end + 1));
        quoted += command.charAt(isEscape ? end + 1 : end);
        end += isEscape ? 2 : 1;
      }
      if (end >= command.length) {
        return refused('a quote is not closed');
      }
      word = (word ?? '') + quoted;
      index = end + 1;
    } else if (character === '\\') {
      if (index >= command.length) {
        return refused('it ends in a backslash');
      }
      word = (word ?? '') + command.charAt(index);
      index++;
    } else if (/\s/.test(character)) {
      if (word !== undefined) {
        words.push(word);
        word = undefined;
      }
    } else if (/[;&|<>()`]/.test(character)) {
      return refused(`"${character}" needs a shell: write sh -c '…'`);
    } else {
      word = (word ?? '') + character;
    }
  }
  if (word !== undefined) {
    words.push(word);
  }
  return words.length === 0 ? refused('it is empty') : { kind: 'words', words };
};
