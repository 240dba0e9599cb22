/* What came of a restore, for people and for programs. */
#include "cli/backup/restoring.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text/json.h"
#include "cli/terminal/figure.h"
#include "cli/terminal/grid.h"

enum { RESTORE_OUTPUT_MAXIMUM_BYTES = 4 << 20 };

static size_t told_count(const struct restoring *restoring) {
    return restoring->passed_count < RESTORE_PASSED_MAXIMUM ? restoring->passed_count
                                                            : RESTORE_PASSED_MAXIMUM;
}

/* What was asked for is there all the same. */
static void print_passed(const struct restoring *restoring, struct buffer *out) {
    if (restoring->passed_count == 0)
        return;
    buffer_append_text(out, "\npassed over, as older snapshots and the log hold the same; `trothdb "
                            "backup check` finds all that is damaged:\n");
    for (size_t i = 0; i < told_count(restoring); i++) {
        const struct passed_over *passed = &restoring->passed[i];
        buffer_append_format(out, "   shard %" PRIu32 ": %s: %s\n", passed->shard, passed->name,
                             passed->what);
    }
    if (restoring->passed_count > told_count(restoring))
        buffer_append_format(out, "   and %zu more\n",
                             restoring->passed_count - told_count(restoring));
}

static void json_passed(const struct restoring *restoring, struct json *json) {
    json_number(json, "passed_over_count", restoring->passed_count);
    json_open(json, "passed_over", '[');
    for (size_t i = 0; i < told_count(restoring); i++) {
        const struct passed_over *passed = &restoring->passed[i];
        json_open(json, NULL, '{');
        json_number(json, "shard", passed->shard);
        json_text(json, "name", passed->name);
        json_text(json, "what", passed->what);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static bool is_anything_written(const struct restoring *restoring) {
    for (size_t i = 0; i < restoring->shard_count; i++)
        if (restoring->shards[i].time_ms > 0)
            return true;
    return false;
}

/* Where the backup has nothing that leads up to it: a year that was mistyped, perhaps. */
static void print_time_asked_for(const struct restoring *restoring, struct buffer *out) {
    char time[BACKUP_TIME_BYTES];
    if (restoring->time_ms == UINT64_MAX || restoring->ends_ms == 0)
        return;
    backup_format_time(restoring->ends_ms, time);
    if (restoring->time_ms > restoring->ends_ms) {
        buffer_append_format(out,
                             "\nthe last write in the backup is of %s: what came later, up to "
                             "the time asked for, is not in it\n",
                             time);
    } else if (!is_anything_written(restoring)) {
        buffer_append_format(out,
                             "\nby the time asked for nothing had been written yet: what is "
                             "restored is empty;\nthe last write in the backup is of %s\n",
                             time);
    }
}

void restore_print_text(const struct restoring *restoring) {
    static const char *const least[] = {"snapshot", "entries", "keys", NULL};
    struct buffer out;
    struct grid grid;
    char figures[3][FIGURE_BYTES], time[BACKUP_TIME_BYTES], id[BACKUP_ID_BYTES];
    buffer_init(&out, RESTORE_OUTPUT_MAXIMUM_BYTES);
    grid_init(&grid, "rrrrlr");
    grid_row(&grid, "shard", "snapshot", "entries", "up to", "time", "keys");
    for (size_t i = 0; i < restoring->shard_count; i++) {
        const struct restored_shard *shard = &restoring->shards[i];
        grid_cell(&grid, "%u", shard->number);
        grid_cell(&grid, "%" PRIu64, shard->snapshot_index);
        grid_cell(&grid, "%s", figure_thousands(shard->entry_count, figures[0]));
        grid_cell(&grid, "%" PRIu64, shard->index);
        grid_cell(&grid, "%s", backup_format_time(shard->time_ms, time));
        grid_cell(&grid, "%s", figure_thousands(shard->key_count, figures[1]));
    }
    grid_print_in_window(&grid, &out, "   ", least);
    print_passed(restoring, &out);
    backup_format_id(restoring->cluster_id, id);
    print_time_asked_for(restoring, &out);
    buffer_append_format(&out,
                         "\nrestored: %s, cluster %s, %s bytes read in %s\n"
                         "start it:  trothdb server --dir %s --workers %" PRId64 "\n",
                         restoring->directory, id,
                         figure_thousands(restoring->bytes_done, figures[0]),
                         figure_duration(figure_now_us() - restoring->begun_us, figures[1]),
                         restoring->directory, restoring->worker_count);
    fwrite(buffer_data(&out), 1, out.length, stdout);
    buffer_release(&out);
}

void restore_print_json(const struct restoring *restoring) {
    struct buffer out;
    char id[BACKUP_ID_BYTES];
    buffer_init(&out, RESTORE_OUTPUT_MAXIMUM_BYTES);
    struct json json = {.out = &out};
    backup_format_id(restoring->cluster_id, id);
    json_open(&json, NULL, '{');
    json_text(&json, "directory", restoring->directory);
    json_text(&json, "cluster", id);
    json_number(&json, "workers", (uint64_t)restoring->worker_count);
    json_number(&json, "bytes", restoring->bytes_done);
    json_open(&json, "shards", '[');
    for (size_t i = 0; i < restoring->shard_count; i++) {
        const struct restored_shard *shard = &restoring->shards[i];
        json_open(&json, NULL, '{');
        json_number(&json, "number", shard->number);
        json_number(&json, "snapshot_index", shard->snapshot_index);
        json_number(&json, "entries", shard->entry_count);
        json_number(&json, "index", shard->index);
        json_number(&json, "time_ms", shard->time_ms);
        json_number(&json, "keys", shard->key_count);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_passed(restoring, &json);
    json_close(&json, '}');
    printf("%.*s\n", BYTES_PRINT(buffer_bytes(&out)));
    buffer_release(&out);
}
