/** Where things are in the working tree. */
import { fileURLToPath } from 'node:url';

/** Absolute path of the project's top folder, without a slash at the end. */
export const projectPath = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Absolute path of a file or folder of the project. */
export const inProject = (relative: string): string => `${projectPath}/${relative}`;
