/** The moment the restored database takes the place of the old one. */
import type { OutputFiles } from '#ports/output-files';
import type { PreparedOutput } from './prepare-output.ts';

/**
 * Sidecars leave before the rename, because a `-wal` beside the new file would be replayed into it. They are moved
 * aside, not deleted: when the rename fails they come back and the old database is what it was.
 */
export const swap = async (
  files: OutputFiles,
  temporary: string,
  { path, mayReplace, obstacles }: PreparedOutput,
): Promise<void> => {
  const aside: { readonly from: string; readonly to: string }[] = [];
  try {
    for (const from of obstacles) {
      const to = `${temporary}-old${from.slice(path.length)}`;
      if (await files.move(from, to)) aside.push({ from, to });
    }
    await files.publish(temporary, path, { mayReplace });
  } catch (error) {
    for (const { from, to } of aside) await files.move(to, from);
    throw error;
  }
  for (const { to } of aside) await files.remove(to);
  await files.syncParent(path);
};
