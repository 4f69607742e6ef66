/** The fact log: what happened, in order, by stream. */
import type { Fact, RecordedFact } from '#events/facts';

/** An append-only log of what happened; it explains, it does not decide. */
export interface FactLog {
  /** Resolves when the fact is stored or queued within the bounded memory; never throws for a broken or full log. */
  append(stream: string, fact: Fact): Promise<void>;
  /**
   * Facts of one stream and the streams below it (`db:/a` covers `db:/a/replica:s3`), oldest first; with `limit` the newest
   * so many. What is appended meanwhile may appear or not. Throws `FACT_UNKNOWN` for a fact of a later release.
   */
  read(stream: string, options?: { readonly limit?: number }): AsyncIterable<RecordedFact>;
  /** Writes what is queued. */
  flush(): Promise<void>;
  close(): Promise<void>;
}
