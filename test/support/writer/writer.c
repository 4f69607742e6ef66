/*
 * The application of tests and benchmarks: writes to a SQLite database in WAL mode as its flags say, measures what its
 * commits suffered, and keeps a list of the commits that were acknowledged to it.
 *
 * Same seed, same starting database, same count: same content, unless a time limit (--duration-ms) ends the run.
 * A commit that meets SQLITE_BUSY is repeated with the same random numbers, so a busy database changes times only.
 *
 * Tables: row_data (random rows), blob_data (overflow chains), ledger (one row for each commit, sequence from 1).
 * At the end one JSON object on stdout. With --interactive it obeys lines on stdin instead, see obey() below.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sqlite3.h"

#if SQLITE_VERSION_NUMBER < 3051003
#error "SQLite 3.51.3 or later is needed: earlier ones may lose a checkpointed WAL"
#endif

typedef struct {
  const char *db, *acks, *synchronous, *auto_vacuum, *payload, *mix;
  uint64_t seed;
  int page_size, autocheckpoint, busy_timeout, retry_us, rows, row_bytes, growth_pages, reader_ms, wal_limit;
  double rate;
  int64_t duration_ms, count, kill_after, busy_limit_ms;
  int interactive, ledger, keep_wal, kill_in_spill;
} Options;

static Options opt = {
  .synchronous = "normal", .auto_vacuum = "none", .payload = "mixed", .mix = "insert", .seed = 1, .page_size = 4096,
  .autocheckpoint = 1000, .busy_timeout = 5000, .retry_us = 100, .rows = 1, .row_bytes = 100, .growth_pages = 2000,
  .reader_ms = 1000, .wal_limit = -1, .busy_limit_ms = 60000, .ledger = 1,
};

static sqlite3 *db, *reader;
static int64_t reader_until;
static volatile sig_atomic_t stopping;
static int acks_fd = -1;
static char wal_path[4096];

static struct {
  int64_t commits, operations, busy_commits, busy_count, waited_commits, sequence, wal_peak, longest_us, longest_op_us;
  int64_t buckets[64 * 32];
} stats;
static int waited;

static void fail(const char *format, ...) {
  va_list args;
  va_start(args, format);
  fprintf(stderr, "writer: ");
  vfprintf(stderr, format, args);
  fprintf(stderr, "\n");
  va_end(args);
  exit(1);
}

static void fail_sql(const char *what) {
  fail("%s: %s (%d)", what, sqlite3_errmsg(db), sqlite3_extended_errcode(db));
}

static int64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void sleep_us(int64_t us) {
  if (us <= 0) return;
  struct timespec t = {us / 1000000, (us % 1000000) * 1000};
  nanosleep(&t, NULL);
}

/* Random numbers: splitmix64, so that one word is the whole state and a retry can put it back. */
static uint64_t rng;
static uint64_t next64(void) {
  uint64_t z = (rng += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}
static int64_t below(int64_t n) { return n <= 1 ? 0 : (int64_t)(next64() % (uint64_t)n); }

/* Payloads of three kinds, because pages that compress badly take other paths than pages that compress well. */
static unsigned char *payload(int bytes) {
  static unsigned char *buffer;
  static int capacity;
  if (bytes + 8 > capacity) {
    capacity = bytes + 8;
    buffer = realloc(buffer, capacity);
    if (!buffer) fail("out of memory");
  }
  int kind = strcmp(opt.payload, "random") == 0 ? 0 : strcmp(opt.payload, "text") == 0 ? 1 : (int)below(3);
  uint64_t word = next64();
  for (int i = 0; i < bytes; i += 8) {
    if (kind == 0) word = next64();
    if (kind == 1) word = 0x6161616161616161ULL + (next64() & 0x0f0f0f0f0f0f0f0fULL);
    memcpy(buffer + i, &word, 8);
  }
  return buffer;
}

/* SQLite's own waiting pattern, spelled out to learn whether a commit had to wait at all. */
static int on_busy(void *unused, int attempt) {
  (void)unused;
  static const int delays[] = {1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100};
  int n = (int)(sizeof delays / sizeof delays[0]), passed = 0;
  for (int i = 0; i < attempt; i++) passed += delays[i < n ? i : n - 1];
  waited = 1;
  if (passed >= opt.busy_timeout) return 0;
  int delay = delays[attempt < n ? attempt : n - 1];
  sleep_us(1000LL * (passed + delay > opt.busy_timeout ? opt.busy_timeout - passed : delay));
  return 1;
}

static int is_busy(int rc) { return (rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED; }

static int run_sql(sqlite3 *on, const char *format, ...) {
  va_list args;
  va_start(args, format);
  char *sql = sqlite3_vmprintf(format, args);
  va_end(args);
  int rc = sqlite3_exec(on, sql, NULL, NULL, NULL);
  sqlite3_free(sql);
  return rc;
}

/* For statements outside the measured commits: repeats while busy. */
static void must(sqlite3 *on, const char *sql) {
  int64_t deadline = now_us() + opt.busy_limit_ms * 1000;
  int rc;
  while (is_busy(rc = sqlite3_exec(on, sql, NULL, NULL, NULL)) && now_us() < deadline) sleep_us(1000);
  if (rc != SQLITE_OK) fail("%s: %s (%d)", sql, sqlite3_errmsg(on), rc);
}

static int64_t scalar(const char *sql) {
  sqlite3_stmt *s;
  int64_t deadline = now_us() + opt.busy_limit_ms * 1000, value = 0;
  for (;;) {
    int rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);
    if (rc == SQLITE_OK) {
      rc = sqlite3_step(s);
      if (rc == SQLITE_ROW) value = sqlite3_column_int64(s, 0);
      sqlite3_finalize(s);
    }
    if (rc == SQLITE_ROW || rc == SQLITE_DONE) return value;
    if (!is_busy(rc) || now_us() > deadline) fail_sql(sql);
    sleep_us(1000);
  }
}

enum { INSERT, UPDATE, DELETE, BLOB, LEDGER, STATEMENTS };
static sqlite3_stmt *statements[STATEMENTS];
static const char *texts[STATEMENTS] = {
  "INSERT INTO row_data(sequence, body) VALUES (?1, ?2)",
  "UPDATE row_data SET sequence = ?1, body = ?2 WHERE id = (SELECT id FROM row_data WHERE id >= ?3 ORDER BY id LIMIT 1)",
  "DELETE FROM row_data WHERE id = (SELECT id FROM row_data WHERE id >= ?3 ORDER BY id LIMIT 1)",
  "INSERT OR REPLACE INTO blob_data(id, sequence, body) VALUES (?3, ?1, ?2)",
  "INSERT INTO ledger(sequence, kind) VALUES (?1, ?2)",
};

static int step(int which, int64_t sequence, const void *body, int bytes, int64_t id) {
  sqlite3_stmt **s = &statements[which];
  if (!*s) {
    int rc = sqlite3_prepare_v3(db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, s, NULL);
    if (rc != SQLITE_OK) return rc;
  }
  int parameters = sqlite3_bind_parameter_count(*s);
  if (which != DELETE) sqlite3_bind_int64(*s, 1, sequence);
  if (which != DELETE && parameters >= 2) sqlite3_bind_blob(*s, 2, body, bytes, SQLITE_STATIC);
  if (parameters >= 3) sqlite3_bind_int64(*s, 3, id);
  int rc = sqlite3_step(*s);
  sqlite3_reset(*s);
  return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static void close_main(void) {
  for (int i = 0; i < STATEMENTS; i++) {
    sqlite3_finalize(statements[i]);
    statements[i] = NULL;
  }
  if (opt.keep_wal) sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  if (sqlite3_close(db) != SQLITE_OK) fail_sql("close");
  db = NULL;
}

static void open_main(void) {
  if (sqlite3_open_v2(opt.db, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK) fail_sql(opt.db);
  sqlite3_extended_result_codes(db, 1);
  char sql[256];
  if (scalar("PRAGMA page_count") == 0) {
    snprintf(sql, sizeof sql, "PRAGMA page_size = %d; PRAGMA auto_vacuum = %s", opt.page_size, opt.auto_vacuum);
    must(db, sql);
  }
  must(db, "PRAGMA journal_mode = WAL");
  snprintf(sql, sizeof sql, "PRAGMA synchronous = %s; PRAGMA journal_size_limit = %d", opt.synchronous, opt.wal_limit);
  must(db, sql);
  /* The pragma would replace the application's WAL hook by itself; 0 turns automatic checkpoints off. */
  sqlite3_wal_autocheckpoint(db, opt.autocheckpoint);
  must(db,
       "CREATE TABLE IF NOT EXISTS row_data(id INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, body BLOB NOT NULL);"
       "CREATE TABLE IF NOT EXISTS blob_data(id INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, body BLOB NOT NULL);"
       "CREATE TABLE IF NOT EXISTS ledger(sequence INTEGER PRIMARY KEY, kind BLOB)");
  if (opt.busy_timeout > 0) sqlite3_busy_handler(db, on_busy, NULL);
}

static void measure_wal(void) {
  struct stat info;
  if (stat(wal_path, &info) == 0 && info.st_size > stats.wal_peak) stats.wal_peak = info.st_size;
}

/* Buckets of a 32nd of a power of two: an error of 3 %. */
static void record(int64_t us) {
  int at = us <= 1 ? 0 : (int)(log2((double)us) * 32);
  if (at >= 64 * 32) at = 64 * 32 - 1;
  stats.buckets[at]++;
  if (us > stats.longest_us) stats.longest_us = us;
}

static double percentile_ms(double share) {
  int64_t total = 0, seen = 0;
  for (int i = 0; i < 64 * 32; i++) total += stats.buckets[i];
  int64_t wanted = (int64_t)ceil((double)total * share);
  for (int i = 0; i < 64 * 32; i++) {
    seen += stats.buckets[i];
    if (wanted > 0 && seen >= wanted) {
      int64_t upper = (int64_t)exp2((i + 1) / 32.0);
      return (double)(upper < stats.longest_us ? upper : stats.longest_us) / 1000;
    }
  }
  return 0;
}

/* What one transaction does. Returns a SQLite code; `keep` says whether it ends in COMMIT or ROLLBACK. */
static int fill(const char *kind, int64_t sequence, int *keep) {
  int rc = SQLITE_OK;
  int64_t last = 0;
  if (strcmp(kind, "update") == 0 || strcmp(kind, "delete") == 0) {
    last = scalar("SELECT max(id) FROM row_data");
  }
  if (strcmp(kind, "blob") == 0) {
    int bytes = (int)((2 + below(12)) * opt.page_size + below(opt.page_size));
    int64_t id = 1 + below(40);
    rc = step(BLOB, sequence, payload(bytes), bytes, id);
  } else if (strcmp(kind, "growth") == 0) {
    int bytes = opt.page_size - opt.page_size / 10;
    for (int i = 0; i < opt.growth_pages && rc == SQLITE_OK; i++) rc = step(INSERT, sequence, payload(bytes), bytes, 0);
  } else if (strcmp(kind, "shrink") == 0) {
    rc = run_sql(db, "DELETE FROM row_data WHERE id %% 4 <> %d", (int)below(4));
  } else if (strcmp(kind, "schema") == 0) {
    rc = run_sql(db, "DROP INDEX IF EXISTS row_sequence;%s",
                 below(2) ? "CREATE INDEX row_sequence ON row_data(sequence)" : "CREATE TABLE IF NOT EXISTS other(a)");
  } else if (strncmp(kind, "spill", 5) == 0) {
    /* A cache of ten pages forces frames into the WAL before the commit, or with no commit after them. */
    rc = run_sql(db, "PRAGMA cache_size = 10");
    for (int i = 0; i < 60 && rc == SQLITE_OK; i++) {
      int bytes = opt.page_size + (int)below(opt.page_size * 2);
      rc = step(INSERT, sequence, payload(bytes), bytes, 0);
    }
    if (opt.kill_in_spill && opt.kill_after > 0 && stats.commits >= opt.kill_after) kill(getpid(), SIGKILL);
    *keep = strcmp(kind, "spill-rollback") != 0;
  } else {
    int which = strcmp(kind, "update") == 0 ? UPDATE : strcmp(kind, "delete") == 0 ? DELETE : INSERT;
    if (which == INSERT && strcmp(kind, "insert") != 0 && strcmp(kind, "rollback") != 0) fail("unknown kind \"%s\"", kind);
    for (int i = 0; i < opt.rows && rc == SQLITE_OK; i++) {
      int bytes = opt.row_bytes / 2 + (int)below(opt.row_bytes + 1);
      unsigned char *body = which == DELETE ? NULL : payload(bytes);
      rc = step(which, sequence, body, bytes, 1 + below(last));
    }
    *keep = strcmp(kind, "rollback") != 0;
  }
  if (rc == SQLITE_OK && *keep && opt.ledger) rc = step(LEDGER, sequence, kind, (int)strlen(kind), 0);
  return rc;
}

static void transaction(const char *kind) {
  int64_t start = now_us(), deadline = start + opt.busy_limit_ms * 1000, sequence = stats.sequence + 1;
  uint64_t before = rng;
  int busy = 0, keep = 1;
  waited = 0;
  for (;;) {
    rng = before;
    keep = 1;
    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = fill(kind, sequence, &keep);
    if (rc == SQLITE_OK) rc = sqlite3_exec(db, keep ? "COMMIT" : "ROLLBACK", NULL, NULL, NULL);
    if (rc == SQLITE_OK) break;
    if (!is_busy(rc)) fail_sql(kind);
    busy = 1;
    stats.busy_count++;
    if (!sqlite3_get_autocommit(db)) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    if (now_us() > deadline) fail("%s: still busy after %" PRId64 " ms", kind, opt.busy_limit_ms);
    sleep_us(opt.retry_us);
  }
  int64_t took = now_us() - start;
  if (strncmp(kind, "spill", 5) == 0) must(db, "PRAGMA cache_size = -2000");
  measure_wal();
  if (!keep) return;
  stats.sequence = sequence;
  stats.commits++;
  stats.busy_commits += busy;
  stats.waited_commits += waited;
  record(took);
  if (acks_fd >= 0) {
    char line[32];
    int n = snprintf(line, sizeof line, "%" PRId64 "\n", sequence);
    if (write(acks_fd, line, n) != n) fail("%s: %s", opt.acks, strerror(errno));
  }
  if (!opt.kill_in_spill && opt.kill_after > 0 && stats.commits >= opt.kill_after) kill(getpid(), SIGKILL);
}

static void close_reader(void) {
  if (!reader) return;
  sqlite3_exec(reader, "ROLLBACK", NULL, NULL, NULL);
  sqlite3_close(reader);
  reader = NULL;
}

static void open_reader(void) {
  if (reader) return;
  if (sqlite3_open_v2(opt.db, &reader, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) fail("reader: %s", opt.db);
  must(reader, "BEGIN; SELECT count(*) FROM sqlite_schema");
  reader_until = now_us() + opt.reader_ms * 1000LL;
}

/* Checkpoints as applications do them; "busy" is an answer, not an error. */
static void checkpoint(const char *mode, int *log, int *checkpointed, int *busy) {
  static const char *names[] = {"passive", "full", "restart", "truncate"};
  static const int modes[] = {SQLITE_CHECKPOINT_PASSIVE, SQLITE_CHECKPOINT_FULL, SQLITE_CHECKPOINT_RESTART,
                              SQLITE_CHECKPOINT_TRUNCATE};
  int which = -1;
  for (int i = 0; i < 4; i++) if (strcmp(mode, names[i]) == 0) which = i;
  if (strcmp(mode, "random") == 0) which = (int)below(4);
  if (which < 0) fail("unknown checkpoint mode \"%s\"", mode);
  int rc = sqlite3_wal_checkpoint_v2(db, NULL, modes[which], log, checkpointed);
  *busy = is_busy(rc);
  if (rc != SQLITE_OK && !*busy) fail_sql("checkpoint");
}

static void operation(const char *kind) {
  int64_t start = now_us();
  int log, checkpointed, busy;
  char sql[64];
  stats.operations++;
  if (reader && now_us() >= reader_until && !opt.interactive) close_reader();
  if (strcmp(kind, "vacuum") == 0) must(db, "VACUUM");
  else if (strcmp(kind, "incremental-vacuum") == 0) {
    snprintf(sql, sizeof sql, "PRAGMA incremental_vacuum(%d)", (int)(1 + below(50)));
    must(db, sql);
  } else if (strcmp(kind, "checkpoint") == 0) checkpoint("random", &log, &checkpointed, &busy);
  else if (strncmp(kind, "checkpoint-", 11) == 0) checkpoint(kind + 11, &log, &checkpointed, &busy);
  else if (strcmp(kind, "reader") == 0) open_reader();
  else if (strcmp(kind, "reopen") == 0) {
    close_main();
    open_main();
  } else transaction(kind);
  int64_t took = now_us() - start;
  if (took > stats.longest_op_us) stats.longest_op_us = took;
}

/* "insert=5,update,vacuum=1": kinds with weights, 1 by default. */
static void run(const char *mix, int64_t count, int64_t duration_ms) {
  static char names[32][32];
  int weights[32], kinds = 0, sum = 0;
  for (const char *at = mix; *at && kinds < 32;) {
    int length = (int)strcspn(at, ",");
    int name = (int)strcspn(at, "=,");
    snprintf(names[kinds], sizeof names[0], "%.*s", name, at);
    weights[kinds] = name < length ? atoi(at + name + 1) : 1;
    sum += weights[kinds++];
    at += length + (at[length] == ',');
  }
  int64_t start = now_us(), done = 0;
  while (!stopping && (count <= 0 || done < count)) {
    if (duration_ms > 0 && now_us() - start >= duration_ms * 1000) break;
    if (opt.rate > 0) {
      sleep_us(start + (int64_t)((double)done * 1e6 / opt.rate) - now_us());
      if (stopping) break;
    }
    int64_t pick = below(sum);
    int i = 0;
    while (pick >= weights[i]) pick -= weights[i++];
    operation(names[i]);
    done++;
  }
}

/*
 * Lines on stdin, each answered by one JSON line {"sequence":N,...} or {"error":"..."}:
 *   run COUNT MIX | checkpoint MODE | reader open | reader close | sql TEXT | quit | kill
 */
static void obey(void) {
  static char line[65536];
  while (!stopping && fgets(line, sizeof line, stdin)) {
    line[strcspn(line, "\n")] = 0;
    char *rest = strchr(line, ' ');
    rest = rest ? (*rest = 0, rest + 1) : line + strlen(line);
    int log = 0, checkpointed = 0, busy = 0;
    const char *error = NULL;
    if (strcmp(line, "run") == 0) {
      char *mix = strchr(rest, ' ');
      if (atoll(rest) > 0) run(mix ? mix + 1 : opt.mix, atoll(rest), 0);
    } else if (strcmp(line, "checkpoint") == 0) checkpoint(rest, &log, &checkpointed, &busy);
    else if (strcmp(line, "reader") == 0) strcmp(rest, "open") == 0 ? open_reader() : close_reader();
    else if (strcmp(line, "sql") == 0) {
      if (sqlite3_exec(db, rest, NULL, NULL, NULL) != SQLITE_OK) error = sqlite3_errstr(sqlite3_errcode(db));
    } else if (strcmp(line, "kill") == 0) kill(getpid(), SIGKILL);
    else if (strcmp(line, "quit") == 0) break;
    else error = "unknown command";
    measure_wal();
    if (error) printf("{\"error\":\"%s\"}\n", error);
    else
      printf("{\"sequence\":%" PRId64 ",\"busy\":%s,\"log\":%d,\"checkpointed\":%d}\n", stats.sequence,
             busy ? "true" : "false", log, checkpointed);
    fflush(stdout);
  }
}

static void on_signal(int signal) {
  (void)signal;
  stopping = 1;
}

static void parse(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    const char *name = argv[i];
    if (strcmp(name, "--interactive") == 0) { opt.interactive = 1; continue; }
    if (strcmp(name, "--no-ledger") == 0) { opt.ledger = 0; continue; }
    if (strcmp(name, "--keep-wal") == 0) { opt.keep_wal = 1; continue; }
    if (strcmp(name, "--kill-in-spill") == 0) { opt.kill_in_spill = 1; continue; }
    if (i + 1 >= argc) fail("%s needs a value", name);
    const char *value = argv[++i];
    if (strcmp(name, "--db") == 0) opt.db = value;
    else if (strcmp(name, "--acks") == 0) opt.acks = value;
    else if (strcmp(name, "--synchronous") == 0) opt.synchronous = value;
    else if (strcmp(name, "--auto-vacuum") == 0) opt.auto_vacuum = value;
    else if (strcmp(name, "--payload") == 0) opt.payload = value;
    else if (strcmp(name, "--mix") == 0) opt.mix = value;
    else if (strcmp(name, "--seed") == 0) opt.seed = strtoull(value, NULL, 10);
    else if (strcmp(name, "--page-size") == 0) opt.page_size = atoi(value);
    else if (strcmp(name, "--autocheckpoint") == 0) opt.autocheckpoint = atoi(value);
    else if (strcmp(name, "--busy-timeout") == 0) opt.busy_timeout = atoi(value);
    else if (strcmp(name, "--busy-limit-ms") == 0) opt.busy_limit_ms = atoll(value);
    else if (strcmp(name, "--retry-us") == 0) opt.retry_us = atoi(value);
    else if (strcmp(name, "--rows") == 0) opt.rows = atoi(value);
    else if (strcmp(name, "--row-bytes") == 0) opt.row_bytes = atoi(value);
    else if (strcmp(name, "--growth-pages") == 0) opt.growth_pages = atoi(value);
    else if (strcmp(name, "--reader-ms") == 0) opt.reader_ms = atoi(value);
    else if (strcmp(name, "--journal-size-limit") == 0) opt.wal_limit = atoi(value);
    else if (strcmp(name, "--rate") == 0) opt.rate = atof(value);
    else if (strcmp(name, "--duration-ms") == 0) opt.duration_ms = atoll(value);
    else if (strcmp(name, "--count") == 0) opt.count = atoll(value);
    else if (strcmp(name, "--kill-after") == 0) opt.kill_after = atoll(value);
    else fail("unknown flag %s", name);
  }
  if (!opt.db) fail("--db PATH is required");
  if (!opt.interactive && opt.count <= 0 && opt.duration_ms <= 0) fail("--count or --duration-ms is required");
}

int main(int argc, char **argv) {
  parse(argc, argv);
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  snprintf(wal_path, sizeof wal_path, "%s-wal", opt.db);
  if (opt.acks && (acks_fd = open(opt.acks, O_WRONLY | O_CREAT | O_APPEND, 0644)) < 0)
    fail("%s: %s", opt.acks, strerror(errno));
  open_main();
  /* The page size of an existing database wins over the flag. */
  opt.page_size = (int)scalar("PRAGMA page_size");
  stats.sequence = scalar("SELECT max(sequence) FROM ledger");
  rng = opt.seed * 0x9e3779b97f4a7c15ULL + (uint64_t)stats.sequence;
  int64_t start = now_us();
  if (opt.interactive) {
    printf("{\"sequence\":%" PRId64 ",\"pageSize\":%d}\n", stats.sequence, opt.page_size);
    fflush(stdout);
    obey();
  } else {
    run(opt.mix, opt.count, opt.duration_ms);
  }
  double elapsed_ms = (double)(now_us() - start) / 1000;
  close_reader();
  close_main();
  printf("{\"commits\":%" PRId64 ",\"operations\":%" PRId64 ",\"lastSequence\":%" PRId64 ",\"elapsedMs\":%.3f,"
         "\"commitsPerSecond\":%.1f,\"busyCommits\":%" PRId64 ",\"busyCount\":%" PRId64 ",\"waitedCommits\":%" PRId64 ","
         "\"longestCommitMs\":%.3f,\"p50Ms\":%.3f,\"p99Ms\":%.3f,\"p999Ms\":%.3f,\"longestOperationMs\":%.3f,"
         "\"walPeakBytes\":%" PRId64 ",\"sqlite\":\"%s\",\"seed\":%" PRIu64 "}\n",
         stats.commits, stats.operations, stats.sequence, elapsed_ms,
         elapsed_ms > 0 ? (double)stats.commits * 1000 / elapsed_ms : 0, stats.busy_commits, stats.busy_count,
         stats.waited_commits, (double)stats.longest_us / 1000, percentile_ms(0.5), percentile_ms(0.99),
         percentile_ms(0.999), (double)stats.longest_op_us / 1000, stats.wal_peak, sqlite3_libversion(), opt.seed);
  return 0;
}
