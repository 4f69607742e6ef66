import { describe, expect, it } from 'vitest';
import { toStorageError } from '#adapters/storage/file/errors';
import type { ReplicationError } from '#errors/replication-error';

const systemError = (code: string): Error =>
  Object.assign(new Error(`${code}: something, open '/r/x'`), { code, syscall: 'open', path: '/r/x' });

const work = { verb: 'write', path: '/r/x' };

describe('errors of the file system', () => {
  it.each([
    ['ENOENT', 'STORAGE_NOT_FOUND', false],
    ['ENOSPC', 'DISK_FULL', true],
    ['EDQUOT', 'DISK_FULL', true],
    ['EACCES', 'STORAGE_ACCESS_DENIED', true],
    ['EPERM', 'STORAGE_ACCESS_DENIED', true],
    ['EROFS', 'STORAGE_ACCESS_DENIED', true],
    ['ENOTDIR', 'STORAGE_UNAVAILABLE', true],
    ['ENAMETOOLONG', 'STORAGE_UNAVAILABLE', true],
    ['EMFILE', 'STORAGE_UNAVAILABLE', true],
    ['EBUSY', 'STORAGE_UNAVAILABLE', true],
    ['EIO', 'STORAGE_UNAVAILABLE', true],
    ['ESTALE', 'STORAGE_UNAVAILABLE', true],
  ])('%s is %s, and the message names the path', (errno, code, retryable) => {
    const cause = systemError(errno);
    const error = toStorageError(cause, work) as ReplicationError;
    expect(error).toMatchObject({ code, retryable, cause, details: { path: '/r/x', errno } });
    expect(error.message).toContain('cannot write /r/x');
    if (code !== 'STORAGE_NOT_FOUND') expect(error.hint).toBeTruthy();
  });

  it('what is not an error of the file system comes back as it is', () => {
    const bug = new TypeError('undefined is not a function');
    expect(toStorageError(bug, work)).toBe(bug);
  });
});
