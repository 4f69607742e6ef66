/** Facts: what happened, past tense, small, versioned. See codec.ts for how they are stored and fold.ts for what they add up to. */
export type Fact = { readonly type: string };
export interface RecordedFact {
  readonly seq: number;
  readonly stream: string;
  readonly atMs: number;
  readonly fact: Fact;
}
