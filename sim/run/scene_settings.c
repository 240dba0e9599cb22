#include "sim/run/scene_settings.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static void setting(struct simulation *simulation, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void setting(struct simulation *simulation, const char *name, const char *format, ...) {
    char value[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    struct buffer problem;
    buffer_init(&problem, 4096);
    int status = config_set(&simulation->config, bytes_of_text(name), bytes_of_text(value),
                            CONFIG_SOURCE_FILE, &problem);
    if (status)
        simulation_fail(simulation, "setting %s: %.*s", name, BYTES_PRINT(buffer_bytes(&problem)));
    buffer_release(&problem);
}

/* A whole number of that range. */
static void always(struct simulation *simulation, const char *name, uint64_t least, uint64_t most) {
    setting(simulation, name, "%" PRIu64, random_between(&simulation->random, least, most));
}

/* In some runs; in the others it is as by default. */
static void maybe(struct simulation *simulation, double chance, const char *name, uint64_t least,
                  uint64_t most) {
    if (random_chance(&simulation->random, chance))
        always(simulation, name, least, most);
}

static void maybe_text(struct simulation *simulation, double chance, const char *name,
                       const char *value) {
    if (random_chance(&simulation->random, chance))
        setting(simulation, name, "%s", value);
}

static void choose_disks(struct simulation *simulation) {
    setting(simulation, "wal-segment-bytes", "65536");
    setting(simulation, "wal-reserve-bytes", "65536");
    setting(simulation, "compare-interval-ms", "%u",
            20 + (unsigned)(simulation->options.seed % 1500));
    if (random_chance(&simulation->random, 0.5)) { /* else hardly ever in so short a time */
        always(simulation, "scrub-pause-ms", 200, 3000);
        setting(simulation, "scrub-bytes-per-second", "10mb");
    }
}

static void choose_leases(struct simulation *simulation) {
    always(simulation, "write-timeout-ms", 1000, 5000);
    double lease_share = mix_relies_on_leases(simulation->mix) ? 1 : 0.75;
    setting(simulation, "read-mode", "%s",
            random_chance(&simulation->random, lease_share) ? "lease" : "quorum");
    maybe(simulation, mix_relies_on_leases(simulation->mix) ? 1 : 0.7, "lease-ms", 120,
          400);                                        /* by default it is soon over */
    maybe(simulation, 0.8, "quiet-after-ms", 20, 300); /* a second by default: then few ever are */
}

static void choose_logs(struct simulation *simulation) {
    maybe(simulation, 0.8, "snapshot-log-entries", 16, 300);
    maybe(simulation, 0.6, "log-memory-bytes", 4096, 16384);
    setting(simulation, "log-held-bytes", "%u", 4096u << simulation->options.seed % 8);
}

static void choose_answers(struct simulation *simulation) {
    if (simulation->async_share > 0) {
        setting(simulation, "durability", "%s",
                random_chance(&simulation->random, 0.5) ? "async" : "sync");
        always(simulation, "durability-async-ms", 2, 400);
    }
    if (simulation->slow_share > 0)
        maybe_text(simulation, 0.7, "client-output-limit", "65536");
    maybe(simulation, 0.2, "client-pipeline-limit", 16, 32);
}

/* Shards here are small: so that snapshots are many chunks, and taken over many turns. */
static void choose_snapshots(struct simulation *simulation) {
    if (random_chance(&simulation->random, 0.8)) {
        always(simulation, "snapshot-chunk-bytes", 1024, 16384);
        setting(simulation, "snapshot-turn-bytes", "256");
    }
    maybe_text(simulation, 0.3, "snapshot-transfer-bytes-per-second", "65536");
    if (mix_loses_nodes(simulation->mix)) /* some are still loading one when a majority goes */
        maybe(simulation, 0.4, "snapshot-turn-ms", 5, 40);
}

static void choose_appends(struct simulation *simulation) {
    maybe(simulation, 0.2, "uncommitted-bytes", 16384, 65536);
    maybe_text(simulation, 0.5, "batch-bytes", "4096");
    maybe(simulation, 0.3, "append-window-messages", 1, 8);
    maybe(simulation, 0.6, "append-lazy-ms", 0, 39);
    maybe(simulation, 0.4, "append-compress-min-bytes", 1, 2000);
}

static void choose_leads(struct simulation *simulation) {
    always(simulation, "leader-move-pause-ms", 0, mix_likes_moves(simulation->mix) ? 1000 : 60000);
    maybe(simulation, 0.5, "leader-return-ms", 0, 10000); /* by default longer than most runs */
}

/* Each of these as small as it may be, or nearly: what only counts in the large is met at once. */
static void choose_limits(struct simulation *simulation) {
    static const struct {
        const char *name;
        unsigned low, high;
    } limits[] = {
        {"snapshot-log-entries", 16, 24},
        {"log-memory-bytes", 4096, 4096},
        {"snapshot-chunk-bytes", 1024, 1024},
        {"snapshot-turn-bytes", 256, 256},
        {"snapshot-turn-ms", 1, 20},
        {"snapshot-again-ms", 10, 100},
        {"snapshot-stall-ms", 100, 1000},
        {"snapshot-pause-ms", 0, 500},
        {"snapshot-transfer-bytes-per-second", 65536, 65536},
        {"wal-bytes", 131072, 262144},
        {"wal-spare-segments", 0, 1},
        {"wal-round-bytes", 4096, 4096},
        {"wal-gather-us", 0, 100000},
        {"uncommitted-bytes", 16384, 16384},
        {"batch-bytes", 4096, 4096},
        {"entry-commands", 1, 2},
        {"append-window-bytes", 4096, 4096},
        {"append-window-messages", 1, 2},
        {"append-lazy-ms", 0, 1000},
        {"append-compress-min-bytes", 1, 1},
        {"compare-interval-ms", 1, 10},
        {"expire-interval-ms", 10, 10},
        {"slow-disk-ms", 1, 3},
        {"client-pipeline-limit", 16, 16},
        {"slowlog-max-len", 0, 2},
        {"slowlog-log-slower-than", 0, 0},
        {"scrub-pause-ms", 100, 100},
        {"leader-return-ms", 1, 2000},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        maybe(simulation, 0.6, limits[i].name, limits[i].low, limits[i].high);
}

void scene_settings_choose(struct simulation *simulation) {
    config_init(&simulation->config);
    setting(simulation, "join", "10.0.0.1:%u", (unsigned)SIM_PEER_PORT);
    setting(simulation, "workers", "%u", simulation->worker_count);
    choose_disks(simulation);
    choose_leases(simulation);
    choose_logs(simulation);
    choose_answers(simulation);
    choose_snapshots(simulation);
    choose_appends(simulation);
    choose_leads(simulation);
    maybe(simulation, 0.2, "trace-one-in", 1, 20);
    if (mix_likes_limits(simulation->mix))
        choose_limits(simulation);
}

void scene_settings_choose_backups(struct simulation *simulation) {
    setting(simulation, "backup-to", "/backups");
    always(simulation, "backup-log-interval-ms", 20, 3000);
    always(simulation, "backup-snapshot-interval-seconds", 1, 15);
    if (mix_wants_backups(simulation->mix))
        maybe(simulation, 0.6, "backup-keep-seconds", 1, 20);
}
