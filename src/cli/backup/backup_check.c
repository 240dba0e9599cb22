/* `trothdb backup check`: is all of a place for backups sound? */
#include <stdio.h>
#include <unistd.h>

#include "base/text/json.h"
#include "cli/backup/backup_look.h"
#include "cli/terminal/figure.h"
#include "cli/terminal/refusal.h"
#include "cli/terminal/window.h"
#include "directory/restore.h"

struct checking {
    const struct backup_flags *flags;
    struct buffer out;
    struct json json;
    uint64_t bytes_done, bad_count, begun_us;
    bool shows_progress;
    struct progress progress;
};

static void note_bytes(void *context, uint64_t bytes) {
    struct checking *checking = context;
    checking->bytes_done += bytes;
    if (checking->shows_progress)
        progress_update(&checking->progress, checking->bytes_done, figure_now_us());
}

static void note_bad(void *context, const char *name, const char *what) {
    struct checking *checking = context;
    checking->bad_count++;
    if (checking->flags->is_json) {
        json_open(&checking->json, NULL, '{');
        json_text(&checking->json, "blob", name);
        json_text(&checking->json, "what", what);
        json_close(&checking->json, '}');
    } else {
        buffer_append_format(&checking->out, "DAMAGED %s\n    %s\n", name, what);
    }
}

static void note_missing(void *context, uint32_t shard) {
    char name[32];
    snprintf(name, sizeof name, "shard-%05u", shard);
    note_bad(context, name,
             "nothing of this shard is there; `trothdb backup now` while the cluster runs");
}

/* A shard that was never backed up leaves no blob that could be damaged. */
static void look_for_missing(struct checking *checking, struct blob_store *store,
                             const struct cluster_backup *cluster) {
    struct backup_reader reader = {.store = store}; /* what it reads is read again, and counted */
    char id[BACKUP_ID_BYTES];
    struct buffer problem;
    buffer_init(&problem, sizeof(struct blob_problem) + 1);
    if (restore_find_missing(&reader, cluster, note_missing, checking, &problem)) {
        buffer_append_u8(&problem, 0);
        backup_format_id(cluster->cluster_id, id);
        note_bad(checking, id, (const char *)buffer_data(&problem));
    }
    buffer_release(&problem);
}

static int check_all(struct checking *checking, struct blob_store *store,
                     const struct backup_catalogue *catalogue) {
    struct backup_reader reader = {.store = store, .progress = note_bytes, .context = checking};
    int error = 0;
    for (size_t i = 0; i < catalogue->cluster_count && !error; i++) {
        const struct cluster_backup *cluster = &catalogue->clusters[i];
        look_for_missing(checking, store, cluster);
        for (size_t at = 0; at < cluster->shard_count && !error; at++)
            error = backup_check_shard(&reader, &cluster->shards[at], note_bad, checking);
    }
    if (error)
        refusal_tell("backup check", checking->flags->is_json, "%s", reader.problem.text);
    return error;
}

static uint64_t bytes_to_check(const struct backup_catalogue *catalogue) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < catalogue->cluster_count; i++)
        for (size_t at = 0; at < catalogue->clusters[i].shard_count; at++)
            bytes += catalogue->clusters[i].shards[at].bytes;
    return bytes;
}

static void conclude(struct checking *checking) {
    char figures[2][FIGURE_BYTES];
    if (checking->flags->is_json) {
        json_close(&checking->json, ']');
        json_boolean(&checking->json, "is_sound", checking->bad_count == 0);
        json_number(&checking->json, "bytes", checking->bytes_done);
        json_close(&checking->json, '}');
        buffer_append_u8(&checking->out, '\n');
        return;
    }
    buffer_append_format(&checking->out, "%s: %s, %s bytes read in %s\n",
                         checking->bad_count ? "damaged" : "sound", checking->flags->url,
                         figure_thousands(checking->bytes_done, figures[0]),
                         figure_duration(figure_now_us() - checking->begun_us, figures[1]));
}

int backup_check(const struct backup_flags *flags, struct blob_store *store,
                 const struct backup_catalogue *catalogue) {
    struct checking checking = {.flags = flags, .begun_us = figure_now_us()};
    buffer_init(&checking.out, BACKUP_OUTPUT_MAXIMUM_BYTES);
    checking.json.out = &checking.out;
    checking.shows_progress = !flags->is_json && window_redraws(STDOUT_FILENO);
    if (flags->is_json) {
        json_open(&checking.json, NULL, '{');
        json_open(&checking.json, "findings", '[');
    }
    if (checking.shows_progress) {
        progress_begin(&checking.progress, "bytes", bytes_to_check(catalogue), true,
                       checking.begun_us);
    }
    int error = check_all(&checking, store, catalogue);
    if (checking.shows_progress)
        progress_clear(&checking.progress);
    if (!error) {
        conclude(&checking);
        fwrite(buffer_data(&checking.out), 1, checking.out.length, stdout);
    }
    buffer_release(&checking.out);
    return error || checking.bad_count ? EXIT_FAILED : EXIT_OK;
}
