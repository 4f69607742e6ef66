/** One-shot commands and signals. */
import { describe, expect, it } from 'vitest';
import { interruptible } from '#cli/interruption';
import { ReplicationError, throwIfAborted } from '#errors/replication-error';

describe('interruptible work', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('is aborted by %s and ends with %d', async (signal, exitCode) => {
    const result = await interruptible((aborted) => {
      process.emit(signal, signal);
      throwIfAborted(aborted, 'restore');
      return Promise.resolve('done');
    });
    expect(result).toBe(exitCode);
  });

  it('keeps its own result and errors without a signal, and leaves no listener', async () => {
    const before = process.listenerCount('SIGINT');
    expect(await interruptible(() => Promise.resolve('done'))).toBe('done');
    const error = new ReplicationError('USAGE', 'wrong', { retryable: false });
    await expect(interruptible(() => Promise.reject(error))).rejects.toBe(error);
    expect(process.listenerCount('SIGINT')).toBe(before);
  });
});
