/**
 * An application that uses SQLite, in a process of its own (POSIX locks belong to a process). Commands come as JSON lines on
 * stdin, one answer a line on stdout: {"value": …} or {"code", "error"}. Connections have names.
 */
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import Database from 'better-sqlite3';

const connections = new Map();

const connection = (name) => {
  const found = connections.get(name);
  if (found === undefined) throw new Error(`no connection ${name}`);
  return found;
};

const commands = {
  open: ({ name, path, timeoutMs }) => {
    connections.set(name, new Database(path, { timeout: timeoutMs }));
  },
  close: ({ name }) => {
    connection(name).close();
    connections.delete(name);
  },
  exec: ({ name, sql }) => {
    connection(name).exec(sql);
  },
  /** The same statement over and over, each time a transaction of its own. */
  repeat: ({ name, sql, times }) => {
    const statement = connection(name).prepare(sql);
    for (let i = 0; i < times; i++) statement.run();
  },
  all: ({ name, sql }) => connection(name).prepare(sql).all(),
  pragma: ({ name, sql }) => connection(name).pragma(sql),
  /** The database as SQLite sees it, WAL included, page by page. */
  image: ({ name, to }) => {
    writeFileSync(to, connection(name).serialize());
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...input } = JSON.parse(line);
  let answer;
  try {
    answer = { value: commands[command](input) ?? null };
  } catch (error) {
    answer = { error: error.message, code: error.code ?? '' };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
