/** The WAL of SQLite 3.40.1 that the format documents print, and the same one restart later (page size 512). */

const bytesOf = (text: string): number[] => text.match(/[0-9a-f]{2}/g)?.map((two) => Number.parseInt(two, 16)) ?? [];

/** `offset: hex` lines over zeros. */
const image = (length: number, lines: Readonly<Record<number, string>>): Uint8Array => {
  const bytes = new Uint8Array(length);
  for (const [offset, text] of Object.entries(lines)) bytes.set(bytesOf(text), Number(offset));
  return bytes;
};

/** Switch to WAL, `CREATE TABLE t(x)`, `INSERT INTO t VALUES('hello')`: three frames, transactions ending at 1104 and 1640. */
export const firstWal = (): Uint8Array =>
  image(1640, {
    0: '377f0682002de2180000020000000000',
    16: '03478e3c1df319b711594a16804d14d8',
    32: '000000010000000003478e3c1df319b7',
    48: '1760509773eef2c753514c6974652066',
    64: '6f726d61742033000200020200402020',
    80: '00000002000000020000000000000000',
    96: '00000001000000040000000000000000',
    112: '00000001000000000000000000000000',
    144: '0000000000000002002e63010d000000',
    160: '0101df0001df00000000000000000000',
    528: '000000000000001f0106170f0f012f74',
    544: '61626c65747402435245415445205441',
    560: '424c452074287829',
    568: '0000000200000002',
    576: '03478e3c1df319b737738f989cdfa801',
    592: '0d000000000200000000000000000000',
    1104: '000000020000000203478e3c1df319b7',
    1120: '90b2906e1ec1c6dd0d0000000101f700',
    1136: '01f70000000000000000000000000000',
    1616: '00000000000000000000000000000007',
    1632: '01021768656c6c6f',
  });

/** After a complete PASSIVE checkpoint and one more insert: one frame of the next generation, two stale ones. */
export const restartedWal = (): Uint8Array => {
  const bytes = firstWal();
  bytes.fill(0, 0x20, 0x238);
  const next = image(0x238, {
    0: '377f0682002de2180000020000000001',
    16: '03478e3d91601cb713594a16834f824c',
    32: '000000020000000203478e3d91601cb7',
    48: 'e728f2b5bf2bd5390d0000000201ee00',
    64: '01f701ee000000000000000000000000',
    544: '00000000000007020217776f726c6407',
    560: '01021768656c6c6f',
  });
  bytes.set(next, 0);
  return bytes;
};
