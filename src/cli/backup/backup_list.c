/* `trothdb backup list`: what is in a place for backups. */
#include <inttypes.h>
#include <stdio.h>

#include "base/text/json.h"
#include "cli/backup/backup_look.h"
#include "cli/terminal/figure.h"
#include "cli/terminal/grid.h"

static void list_text(const struct backup_catalogue *catalogue, struct buffer *out) {
    static const char *const least[] = {"snapshots", "newest", "oldest", "bytes", NULL};
    char id[BACKUP_ID_BYTES], times[2][BACKUP_TIME_BYTES], figure[FIGURE_BYTES];
    for (size_t i = 0; i < catalogue->cluster_count; i++) {
        const struct cluster_backup *cluster = &catalogue->clusters[i];
        struct grid grid;
        backup_format_id(cluster->cluster_id, id);
        buffer_append_format(out, "%scluster %s, up to %s\n\n", i ? "\n" : "", id,
                             backup_format_time(cluster->newest_ms, times[0]));
        grid_init(&grid, "rrlrrlr");
        grid_row(&grid, "shard", "snapshots", "oldest", "newest", "up to", "time", "bytes");
        for (size_t at = 0; at < cluster->shard_count; at++) {
            const struct shard_backup *shard = &cluster->shards[at];
            const struct backup_snapshot *newest = shard_backup_newest_snapshot(shard);
            if (shard->place.recovery)
                grid_cell(&grid, "%u.%u", shard->place.shard, shard->place.recovery);
            else
                grid_cell(&grid, "%u", shard->place.shard);
            grid_cell(&grid, "%zu", shard->snapshot_count);
            grid_cell(&grid, "%s",
                      backup_format_time(newest ? shard->snapshots[0].stamp_ms : 0, times[0]));
            grid_cell(&grid, "%" PRIu64, newest ? newest->index : 0);
            grid_cell(&grid, "%" PRIu64, shard_backup_end(shard));
            grid_cell(&grid, "%s", backup_format_time(shard_backup_end_ms(shard), times[1]));
            grid_cell(&grid, "%s", figure_thousands(shard->bytes, figure));
        }
        grid_print_in_window(&grid, out, "   ", least);
    }
}

static void list_shard_json(const struct shard_backup *shard, struct json *json) {
    json_open(json, NULL, '{');
    json_number(json, "number", shard->place.shard);
    json_number(json, "recovery", shard->place.recovery);
    json_number(json, "bytes", shard->bytes);
    json_number(json, "blobs", shard->blob_count);
    json_number(json, "end_index", shard_backup_end(shard));
    json_number(json, "end_ms", shard_backup_end_ms(shard));
    json_open(json, "snapshots", '[');
    for (size_t i = 0; i < shard->snapshot_count; i++) {
        json_open(json, NULL, '{');
        json_number(json, "index", shard->snapshots[i].index);
        json_number(json, "time_ms", shard->snapshots[i].stamp_ms);
        json_close(json, '}');
    }
    json_close(json, ']');
    json_open(json, "log", '[');
    for (size_t i = 0; i < shard->log_count; i++) {
        uint64_t first = shard->logs[i].first_index;
        uint64_t last = shard_backup_reach(shard, shard->logs[i].last_index);
        json_open(json, NULL, '{');
        json_number(json, "first_index", first);
        json_number(json, "last_index", last);
        json_close(json, '}');
        while (i + 1 < shard->log_count && shard->logs[i + 1].first_index <= last)
            i++;
    }
    json_close(json, ']');
    json_close(json, '}');
}

static void list_json(const struct backup_catalogue *catalogue, struct buffer *out) {
    struct json json = {.out = out};
    char id[BACKUP_ID_BYTES];
    json_open(&json, NULL, '{');
    json_open(&json, "clusters", '[');
    for (size_t i = 0; i < catalogue->cluster_count; i++) {
        backup_format_id(catalogue->clusters[i].cluster_id, id);
        json_open(&json, NULL, '{');
        json_text(&json, "cluster", id);
        json_number(&json, "newest_ms", catalogue->clusters[i].newest_ms);
        json_open(&json, "shards", '[');
        for (size_t at = 0; at < catalogue->clusters[i].shard_count; at++)
            list_shard_json(&catalogue->clusters[i].shards[at], &json);
        json_close(&json, ']');
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_close(&json, '}');
    buffer_append_u8(out, '\n');
}

int backup_list(const struct backup_flags *flags, struct blob_store *store,
                const struct backup_catalogue *catalogue) {
    (void)store;
    struct buffer out;
    buffer_init(&out, BACKUP_OUTPUT_MAXIMUM_BYTES);
    if (flags->is_json)
        list_json(catalogue, &out);
    else
        list_text(catalogue, &out);
    fwrite(buffer_data(&out), 1, out.length, stdout);
    buffer_release(&out);
    return EXIT_OK;
}
