/** Chance, injected: a run can be repeated from its seed. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** An independent generator for one concern: more draws here never shift draws there. */
  fork(concern: string): Random;
}
