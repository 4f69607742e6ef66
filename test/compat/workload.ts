/**
 * What applications do to a database, as seeded stories told step by step. After every step the caller may sync, restore
 * and compare: nothing writes until it asks for the next one. The application is a process of its own (`writer/`).
 *
 *   for await (const mark of playWorkload({ databasePath, profile, seed })) {
 *     await bringDaemonTo(mark.daemon); // 'running' or 'stopped': what the next step supposes
 *     …sync and compare…
 *   }
 */
import { randomFrom } from '../support/seed.ts';
import { type Application, startApplication } from '../support/writer.ts';

/** The kind of database a story is about. */
export interface WorkloadProfile {
  readonly name: string;
  readonly pageSize: 512 | 1024 | 4096 | 65_536;
  readonly autoVacuum: 'none' | 'full' | 'incremental';
  /** Frames; 0: only the checkpoints that the story tells of. */
  readonly autocheckpoint: number;
  /** Pages the largest transaction adds. */
  readonly growthPages: number;
  readonly rows: number;
}

/** A moment at which nothing is under way. */
export interface WorkloadMark {
  /** From 1. */
  readonly step: number;
  /** What has just been done. */
  readonly name: string;
  /** Commits so far; the table `ledger` holds exactly these. */
  readonly sequence: number;
  /** Whether the application has the database open at this moment. */
  readonly isConnected: boolean;
  /** Whether a long read transaction of the application is open at this moment. */
  readonly hasReader: boolean;
  /** What the next step supposes about the daemon: bring it there before asking for more. */
  readonly daemon: 'running' | 'stopped';
}

/** One profile for each page size; together they cover every auto_vacuum mode, with and without automatic checkpoints. */
export const workloadProfiles: readonly WorkloadProfile[] = [
  { name: '512', pageSize: 512, autoVacuum: 'full', autocheckpoint: 0, growthPages: 3000, rows: 3 },
  { name: '1024', pageSize: 1024, autoVacuum: 'incremental', autocheckpoint: 200, growthPages: 2000, rows: 10 },
  { name: '4096', pageSize: 4096, autoVacuum: 'none', autocheckpoint: 1000, growthPages: 2000, rows: 20 },
  { name: '65536', pageSize: 65_536, autoVacuum: 'none', autocheckpoint: 0, growthPages: 100, rows: 50 },
];

type Step =
  | { readonly name: string; readonly daemon?: 'running' | 'stopped'; readonly act: (story: Story) => Promise<void> }
  | { readonly name: string; readonly daemon: 'running' | 'stopped'; readonly act?: undefined };

/** The application of a story, which may end and start again on the way. */
interface Story {
  readonly application: () => Application;
  readonly start: () => Promise<void>;
  /** Ends it the way the name says; the WAL is gone after a quit without other connections. */
  readonly quit: () => Promise<void>;
  readonly kill: () => Promise<void>;
  readonly openReader: () => Promise<void>;
  readonly closeReader: () => Promise<void>;
}

const everyday = 'insert=6,update=6,delete=3,blob=2,rollback=1';

const run =
  (count: number, mix: string) =>
  async ({ application }: Story): Promise<void> => {
    await application().run(count, mix);
  };

const checkpoint = (mode: 'passive' | 'full' | 'restart' | 'truncate'): Step => ({
  name: `${mode} checkpoint by the application`,
  act: async ({ application }) => {
    await application().checkpoint(mode);
  },
});

/** Every story has these chapters in this order; the seed decides what is written in them. */
const chapters: readonly Step[] = [
  { name: 'first rows', act: run(10, 'insert') },
  { name: 'updates and deletes', act: run(20, 'update=2,delete=1') },
  { name: 'overflow chains', act: run(8, 'blob') },
  { name: 'growth in one transaction', act: run(1, 'growth') },
  { name: 'rows after the growth', act: run(5, everyday) },
  checkpoint('passive'),
  { name: 'rows after a passive checkpoint', act: run(10, everyday) },
  checkpoint('full'),
  { name: 'rows after a full checkpoint', act: run(10, everyday) },
  checkpoint('restart'),
  { name: 'rows after a restart', act: run(10, everyday) },
  checkpoint('truncate'),
  { name: 'rows after a truncation', act: run(10, everyday) },
  { name: 'a transaction that spilled and was rolled back', act: run(1, 'spill-rollback') },
  { name: 'a commit over the remains of the rollback', act: run(1, 'insert') },
  { name: 'a transaction that spilled and was committed', act: run(1, 'spill') },
  { name: 'a reader begins', act: ({ openReader }) => openReader() },
  { name: 'rows beside the reader', act: run(15, everyday) },
  checkpoint('restart'),
  { name: 'rows after a restart that was refused', act: run(10, everyday) },
  { name: 'the reader ends', act: ({ closeReader }) => closeReader() },
  checkpoint('restart'),
  { name: 'rows after the reader', act: run(10, everyday) },
  { name: 'most rows are deleted', act: run(1, 'shrink') },
  { name: 'incremental vacuum', act: run(3, 'incremental-vacuum') },
  { name: 'VACUUM', act: run(1, 'vacuum') },
  { name: 'rows after VACUUM', act: run(10, everyday) },
  { name: 'the schema changes', act: run(3, 'schema') },
  { name: 'the daemon stops', daemon: 'stopped' },
  { name: 'rows while the daemon is down', act: run(10, everyday) },
  { name: 'the daemon is back', daemon: 'running' },
  { name: 'the daemon stops', daemon: 'stopped' },
  { name: 'updates while the daemon is down', act: run(10, 'update') },
  checkpoint('restart'),
  { name: 'one row in a restarted WAL that the daemon never saw', act: run(1, 'insert') },
  { name: 'the daemon is back', daemon: 'running' },
  { name: 'rows after the gap', act: run(10, everyday) },
  { name: 'the daemon stops', daemon: 'stopped' },
  checkpoint('truncate'),
  { name: 'rows in a truncated WAL', act: run(3, everyday) },
  { name: 'the daemon is back', daemon: 'running' },
  { name: 'the daemon stops', daemon: 'stopped' },
  {
    name: 'the application ends and starts again',
    act: async ({ quit, start }) => {
      await quit();
      await start();
    },
  },
  { name: 'rows after the start', act: run(5, everyday) },
  { name: 'the daemon is back', daemon: 'running' },
  { name: 'the application ends', act: ({ quit }) => quit() },
  { name: 'the application starts', act: ({ start }) => start() },
  { name: 'rows of the new process', act: run(5, everyday) },
  {
    name: 'the application is killed and starts again',
    act: async ({ kill, start }) => {
      await kill();
      await start();
    },
  },
  { name: 'rows after the kill', act: run(5, everyday) },
];

/** Steps for the end of a story, in an order the seed decides. */
const improvisations: readonly Step[] = [
  { name: 'a few rows', act: run(7, everyday) },
  { name: 'one row', act: run(1, 'insert') },
  { name: 'many small commits', act: run(150, 'insert=3,update=2') },
  { name: 'overflow chains', act: run(3, 'blob') },
  { name: 'spills', act: run(4, 'spill,spill-rollback,insert') },
  { name: 'deletes', act: run(10, 'delete') },
  { name: 'VACUUM', act: run(1, 'vacuum') },
  { name: 'incremental vacuum', act: run(1, 'incremental-vacuum') },
  { name: 'checkpoints between commits', act: run(20, 'insert=2,update=2,checkpoint=1') },
  { name: 'a connection that comes and goes', act: run(6, 'insert,reopen') },
];

/** Plays one story. `improvised` (12) steps follow the chapters. The application ends when the iteration does. */
export async function* playWorkload(input: {
  readonly databasePath: string;
  readonly profile: WorkloadProfile;
  readonly seed: number;
  readonly improvised?: number;
}): AsyncGenerator<WorkloadMark, void, void> {
  const random = randomFrom(input.seed);
  const { profile } = input;
  const drawn = Array.from(
    { length: input.improvised ?? 12 },
    () => improvisations[Math.floor(random() * improvisations.length)],
  ).filter((step) => step !== undefined);
  let application: Application | undefined;
  let hasReader = false;
  let sequence = 0;
  const current = (): Application => {
    if (application === undefined) throw new Error('the application of this story is not running');
    return application;
  };
  const left = (): void => {
    application = undefined;
    hasReader = false;
  };
  const story: Story = {
    application: current,
    start: async () => {
      application = await startApplication({
        db: input.databasePath,
        seed: input.seed,
        pageSize: profile.pageSize,
        autoVacuum: profile.autoVacuum,
        autocheckpoint: profile.autocheckpoint,
        growthPages: profile.growthPages,
        rows: profile.rows,
        // A checkpoint that a reader forbids waits this long; commits are repeated until they succeed anyway.
        busyTimeout: 200,
      });
    },
    quit: async () => {
      await current().quit();
      left();
    },
    kill: async () => {
      await current().kill();
      left();
    },
    openReader: async () => {
      await current().openReader();
      hasReader = true;
    },
    closeReader: async () => {
      await current().closeReader();
      hasReader = false;
    },
  };
  let daemon: 'running' | 'stopped' = 'running';
  try {
    await story.start();
    let step = 0;
    for (const { name, daemon: wanted, act } of [...chapters, ...drawn]) {
      if (wanted !== undefined) daemon = wanted;
      await act?.(story);
      // Asking for zero operations is asking for the sequence.
      if (application !== undefined) sequence = (await current().run(0)).sequence;
      yield { step: ++step, name, sequence, isConnected: application !== undefined, hasReader, daemon };
    }
    if (application !== undefined) await story.quit();
  } finally {
    await (application as Application | undefined)?.[Symbol.asyncDispose](); // assigned inside closures
  }
}
