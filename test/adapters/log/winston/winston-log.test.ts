import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createSimulatedClock } from '#adapters/clock/simulated/simulated-clock';
import { createWinstonLog, type WinstonLogOptions } from '#adapters/log/winston/winston-log';

const collecting = (): { stream: Writable; lines: () => string[] } => {
  let text = '';
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString();
      done();
    },
  });
  return { stream, lines: () => text.split('\n').slice(0, -1) };
};
const open = (stream: Writable, more: Partial<WinstonLogOptions> = {}): ReturnType<typeof createWinstonLog> =>
  createWinstonLog({
    level: 'info',
    type: 'text',
    stream,
    clock: createSimulatedClock(),
    zoneMinutesAt: () => 0,
    ...more,
  });
const PREFIX = 'time=1970-01-01T00:00:00.000Z level=';

describe('the log', () => {
  it('writes lines in order, with standing attributes first', async () => {
    const { stream, lines } = collecting();
    const { log, close } = open(stream);
    log.write('info', 'first');
    const store = log.with({ system: 'store' }).with({ db: 'app.db' });
    store.write('error', 'second', { error: 'no space left' });
    store.write('warn', 'third', { db: 'other.db' });
    await close();
    expect(lines()).toEqual([
      `${PREFIX}INFO msg=first`,
      `${PREFIX}ERROR msg=second system=store db=app.db error="no space left"`,
      `${PREFIX}WARN msg=third system=store db=other.db`,
    ]);
  });

  it('keeps less important lines back, and the level can change while it runs', async () => {
    const { stream, lines } = collecting();
    const { log, setLevel, close } = open(stream, { level: 'warn' });
    for (const level of ['trace', 'debug', 'info', 'warn', 'error'] as const) log.write(level, level);
    setLevel('trace');
    log.write('trace', 'late');
    await close();
    expect(lines().map((line) => line.replace(PREFIX, ''))).toEqual([
      'WARN msg=warn',
      'ERROR msg=error',
      'TRACE msg=late',
    ]);
  });

  it('names the file and line of the caller on request', async () => {
    const { stream, lines } = collecting();
    const { log, close } = open(stream, { source: true });
    log.with({}).write('info', 'here');
    await close();
    expect(lines()[0]).toMatch(/ source=winston-log\.test\.ts:\d+ msg=here$/);
  });

  it('a reader that closed the pipe ends the output and nothing else', async () => {
    const { stream, lines } = collecting();
    const { log, close } = open(stream);
    log.write('info', 'seen');
    await expect.poll(lines).toHaveLength(1);
    stream.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    log.write('info', 'not even tried');
    await close();
    expect(lines()).toHaveLength(1);
  });

  it('a disk that was full for a moment loses lines, not the log', async () => {
    const { stream, lines } = collecting();
    const { log, close } = open(stream);
    stream.emit('error', Object.assign(new Error('write ENOSPC'), { code: 'ENOSPC' }));
    log.write('info', 'space again');
    await close();
    expect(lines()).toHaveLength(1);
  });

  it('a reader that is far behind loses lines, and is told how many', async () => {
    const held: (() => void)[] = [];
    let text = '';
    const stream = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        text += chunk.toString();
        held.push(done);
      },
    });
    const release = (): string => {
      held.shift()?.();
      return text;
    };
    const { log, close } = open(stream);
    const big = 'x'.repeat(1024 * 1024);
    for (let line = 0; line < 12; line += 1) {
      log.write('info', 'big', { big });
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(() => release().split('\n').length + held.length + stream.writableLength).toBeLessThan(20);
    log.write('info', 'caught up');
    await expect.poll(release).toMatch(/caught up/);
    await close();
    const tail = text.split('\n').slice(-3, -1);
    expect(tail).toEqual([
      expect.stringMatching(/msg="log lines dropped" count=\d+$/),
      `${PREFIX}INFO msg="caught up"`,
    ]);
  });
});
