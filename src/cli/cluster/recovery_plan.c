/* What a recovery would do, for the operator who has to decide. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/text/json.h"
#include "cli/cluster/recovery.h"
#include "cli/terminal/grid.h"

enum { RECOVER_TIME_BYTES = 40 };

static void time_text(uint64_t time_ms, char text[RECOVER_TIME_BYTES]) {
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;
    if (time_ms == 0 || !gmtime_r(&seconds, &parts)) {
        snprintf(text, RECOVER_TIME_BYTES, "-");
        return;
    }
    size_t length = strftime(text, RECOVER_TIME_BYTES, "%Y-%m-%d %H:%M:%S", &parts);
    snprintf(text + length, RECOVER_TIME_BYTES - length, ".%03u", (unsigned)(time_ms % 1000));
}

static void print_shard(const struct recovery *recovery, const struct status_shard *shard,
                        struct grid *grid) {
    uint32_t best;
    char time[RECOVER_TIME_BYTES];
    enum shard_fate fate = recovery_fate(recovery, shard, &best);
    const struct status_replica *replica = recovery_replica(recovery, best, shard->number);
    if (!replica || fate == RECOVERY_HAS_NOTHING)
        return; /* refused before */
    time_text(replica->time_ms, time);
    grid_cell(grid, "%u", shard->number);
    grid_cell(grid, "%s", fate == RECOVERY_GOES_ON ? "is there" : "lost");
    grid_cell(grid, "node %u", best);
    grid_cell(grid, "%" PRIu64, replica->last_index);
    grid_cell(grid, "%" PRIu64, replica->last_term);
    grid_cell(grid, "%s", time);
}

/* All that the decision rests on fits into a window of 80 columns: nothing of it may be left out
 * there. */
void recovery_plan_print(const struct recovery *recovery, struct buffer *out) {
    static const char *const least[] = {"of term", "majority", NULL};
    struct grid grid;
    grid_init(&grid, "rlrrrl");
    grid_row(&grid, "shard", "majority", "goes on from", "last entry", "of term",
             "last applied (UTC)");
    for (size_t i = 0; i < recovery->newest->shard_count; i++)
        print_shard(recovery, &recovery->newest->shards[i], &grid);
    buffer_append_format(out, "nodes given up for good: %.*s\n\n",
                         BYTES_PRINT(buffer_bytes(&recovery->lost)));
    grid_print_in_window(&grid, out, "", least);
    buffer_append_text(
        out, "\nA shard that lost its majority goes on with what that node has. Writes that were\n"
             "acknowledged behind the last entry shown, by the lost nodes, are lost.\n"
             "Nodes given up must not come back: where they hear of the others they are told\n"
             "and end.\n");
}

void recovery_plan_json(const struct recovery *recovery, struct buffer *out) {
    struct json json = {.out = out};
    json_open(&json, NULL, '{');
    json_boolean(&json, "dry_run", recovery->is_dry);
    json_bytes(&json, "lost_nodes", buffer_bytes(&recovery->lost));
    json_open(&json, "shards", '[');
    for (size_t i = 0; i < recovery->newest->shard_count; i++) {
        const struct status_shard *shard = &recovery->newest->shards[i];
        uint32_t best;
        enum shard_fate fate = recovery_fate(recovery, shard, &best);
        const struct status_replica *replica = recovery_replica(recovery, best, shard->number);
        json_open(&json, NULL, '{');
        json_number(&json, "shard", shard->number);
        json_boolean(&json, "has_majority", fate == RECOVERY_GOES_ON);
        json_number(&json, "node", best);
        json_number(&json, "last_index", replica ? replica->last_index : 0);
        json_number(&json, "last_term", replica ? replica->last_term : 0);
        json_number(&json, "applied_time_ms", replica ? replica->time_ms : 0);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_close(&json, '}');
    buffer_append_text(out, "\n");
}
