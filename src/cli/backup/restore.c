/* trothdb restore: a new cluster out of a backup (directory/restore.h). */
#include "cli/backup/restoring.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/text/number.h"
#include "cli/backup/backup.h"
#include "cli/terminal/figure.h"
#include "cli/terminal/flags.h"
#include "cli/terminal/refusal.h"
#include "cli/terminal/window.h"
#include "io/real/real_disk.h"
#include "io/real/real_file.h"

enum {
    RESTORE_PATH_BYTES = 4096,
    RESTORE_FILE_BYTES = DISK_NAME_MAXIMUM + 32, /* of a worker's directory, and a file in that */
    RESTORE_PROBLEM_BYTES = 320
};

/* ---- until when ---- */

/* False: the shard has one already, or there are too many. */
static bool add_bound(struct restoring *restoring, unsigned shard, uint64_t index) {
    for (size_t i = 0; i < restoring->bound_count; i++)
        if (restoring->bounds[i].shard == shard)
            return false;
    if (restoring->bound_count == TOPOLOGY_SHARD_MAXIMUM)
        return false;
    restoring->bounds[restoring->bound_count++] =
        (struct restore_bound){.shard = shard, .index = index};
    return true;
}

/* Strictly: a number that wraps round would name another shard, or all there is. */
static bool parse_part(const char *text, size_t length, uint64_t maximum, uint64_t *number) {
    int64_t parsed;
    if (!number_parse_i64(bytes_of(text, length), &parsed) || parsed < 0 ||
        (uint64_t)parsed > maximum)
        return false;
    *number = (uint64_t)parsed;
    return true;
}

static bool parse_bounds(struct restoring *restoring, const char *text) {
    for (bool is_last = false; !is_last;) {
        size_t length = strcspn(text, ","), colon = strcspn(text, ":,");
        uint64_t shard, index;
        if (colon == length || !parse_part(text, colon, UINT32_MAX, &shard) ||
            !parse_part(text + colon + 1, length - colon - 1, INT64_MAX, &index) ||
            !add_bound(restoring, (unsigned)shard, index))
            return false;
        is_last = text[length] == '\0';
        text += length + 1;
    }
    return true;
}

static bool parse_to(struct restoring *restoring) {
    restoring->time_ms = UINT64_MAX;
    return !restoring->to || strcmp(restoring->to, "latest") == 0 ||
           parse_bounds(restoring, restoring->to) ||
           (restoring->bound_count == 0 && backup_parse_time(restoring->to, &restoring->time_ms));
}

/* ---- the new directory ---- */

/* Absent, or empty: what stands in it is never touched. Else *problem says what is wrong. */
static bool is_free(const char *path, bool *is_new, char problem[RESTORE_PROBLEM_BYTES]) {
    if (strlen(path) > RESTORE_PATH_BYTES - RESTORE_FILE_BYTES) {
        snprintf(problem, RESTORE_PROBLEM_BYTES, "--dir is longer than the %d bytes of a path",
                 RESTORE_PATH_BYTES - RESTORE_FILE_BYTES);
        return false;
    }
    DIR *directory = opendir(path);
    *is_new = !directory;
    if (!directory && errno != ENOENT)
        snprintf(problem, RESTORE_PROBLEM_BYTES, "--dir %.200s cannot be looked at: %s", path,
                 strerror(errno));
    if (!directory)
        return errno == ENOENT;
    unsigned count = 0;
    while (readdir(directory))
        count++;
    closedir(directory);
    if (count > 2)
        snprintf(problem, RESTORE_PROBLEM_BYTES,
                 "--dir must be absent or empty; nothing was changed");
    return count <= 2;
}

static void worker_path(const struct restoring *restoring, int64_t worker,
                        char path[RESTORE_PATH_BYTES]) {
    snprintf(path, RESTORE_PATH_BYTES, "%s/worker-%" PRId64, restoring->directory, worker);
}

static int open_disks(struct restoring *restoring) {
    char path[RESTORE_PATH_BYTES];
    int error =
        disk_real_open(restoring->directory, NULL, &restoring->node_disk, &restoring->cause);
    for (int64_t i = 0; i < restoring->worker_count && !error; i++) {
        worker_path(restoring, i, path);
        error = disk_real_open(path, NULL, &restoring->workers[i], &restoring->cause);
    }
    return error;
}

static void close_disks(struct restoring *restoring) {
    for (int64_t i = 0; i < restoring->worker_count; i++)
        if (restoring->workers[i])
            disk_real_close(restoring->workers[i]);
    if (restoring->node_disk)
        disk_real_close(restoring->node_disk);
}

/* ---- taking it back ---- */

static void remove_file(void *context, const char *name) {
    struct disk *disk = context;
    int status = disk->ops->remove(disk, name);
    (void)status; /* then the directory cannot be removed either, and that is told */
}

/* Closes the disk, if it was opened. */
static bool remove_directory(struct disk *disk, const char *path, bool is_kept) {
    char lock[RESTORE_PATH_BYTES + RESTORE_FILE_BYTES];
    if (disk) {
        int status = disk->ops->list(disk, remove_file, disk);
        (void)status;
        disk_real_close(disk);
    }
    snprintf(lock, sizeof lock, "%s/%s", path, DISK_REAL_LOCK_NAME);
    bool is_removed = unlink(lock) == 0 || errno == ENOENT;
    return is_removed && (is_kept || rmdir(path) == 0 || errno == ENOENT);
}

/* There was nothing in the directory when it began (is_free()), and it is nobody else's while its
 * lock is held: what is half a node would only be in the way, and takes the space of a disk that
 * may be full. False: something is left. */
static bool take_back(struct restoring *restoring) {
    bool is_clear = true;
    for (int64_t i = 0; i < restoring->worker_count && is_clear; i++) {
        char path[RESTORE_PATH_BYTES];
        worker_path(restoring, i, path);
        is_clear = remove_directory(restoring->workers[i], path, false);
        restoring->workers[i] = NULL;
    }
    if (!is_clear)
        return false;
    struct disk *disk = restoring->node_disk;
    restoring->node_disk = NULL;
    return remove_directory(disk, restoring->directory, !restoring->is_directory_new);
}

/* ---- while it runs ---- */

static void show_progress(void *context, uint64_t bytes) {
    struct restoring *restoring = context;
    restoring->bytes_done += bytes;
    if (restoring->shows_progress)
        progress_update(&restoring->progress, restoring->bytes_done, figure_now_us());
}

static void note_shard(void *context, const struct restored_shard *shard) {
    struct restoring *restoring = context;
    restoring->shards[restoring->shard_count++] = *shard;
}

static void note_passed(void *context, const struct backup_passed *passed) {
    struct restoring *restoring = context;
    size_t at = restoring->passed_count++;
    if (at >= RESTORE_PASSED_MAXIMUM)
        return;
    struct passed_over *over = &restoring->passed[at];
    over->shard = passed->shard;
    snprintf(over->name, sizeof over->name, "%s", passed->name);
    snprintf(over->what, sizeof over->what, "%s", passed->what);
}

/* ---- the command ---- */

static void make_random(void *into, size_t bytes) {
    CHECK(getrandom(into, bytes, 0) == (ssize_t)bytes);
}

static uint64_t bytes_of_cluster(const struct cluster_backup *cluster) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < cluster->shard_count; i++)
        bytes += cluster->shards[i].bytes;
    return bytes;
}

static int restore_from(struct restoring *restoring, struct blob_store *store,
                        const struct cluster_backup *cluster, struct buffer *problem) {
    struct backup_reader reader = {
        .store = store, .progress = show_progress, .passed = note_passed, .context = restoring};
    struct restore_options options = {.reader = &reader,
                                      .cluster = cluster,
                                      .time_ms = restoring->time_ms,
                                      .bounds = restoring->bounds,
                                      .bound_count = restoring->bound_count,
                                      .node_disk = restoring->node_disk,
                                      .workers = restoring->workers,
                                      .worker_count = (unsigned)restoring->worker_count,
                                      .shard_done = note_shard,
                                      .context = restoring};
    make_random(options.uuid, sizeof options.uuid);
    make_random(options.cluster_id, sizeof options.cluster_id);
    make_random(&options.seed, sizeof options.seed);
    memcpy(restoring->cluster_id, options.cluster_id, sizeof options.cluster_id);
    if (restoring->shows_progress) {
        progress_begin(&restoring->progress, "bytes", bytes_of_cluster(cluster), true,
                       restoring->begun_us);
    }
    int error = restore_cluster(&options, problem);
    if (restoring->shows_progress)
        progress_clear(&restoring->progress);
    return error;
}

static void give_up(struct restoring *restoring, struct buffer *problem) {
    bool is_begun = restoring->node_disk != NULL, is_json = restoring->flags.is_json;
    if (!is_begun && restoring->is_directory_new)
        rmdir(restoring->directory); /* made, and not to be had */
    buffer_append_u8(problem, 0);
    const char *why = (const char *)buffer_data(problem);
    if (!is_begun)
        refusal_tell("restore", is_json, "%s", why);
    else if (take_back(restoring))
        refusal_tell("restore", is_json, "%s; nothing of it is left in %s", why,
                     restoring->directory);
    else
        refusal_tell("restore", is_json,
                     "%s; what is in %s now is no node: remove it before you try again", why,
                     restoring->directory);
}

static int restore_into_directory(struct restoring *restoring, struct blob_store *store,
                                  const struct cluster_backup *cluster) {
    struct buffer problem;
    buffer_init(&problem, 4096);
    int error = open_disks(restoring);
    if (error) {
        buffer_append_text(&problem, restoring->cause.text);
    } else {
        restoring->ends_ms = cluster->newest_ms;
        error = restore_from(restoring, store, cluster, &problem);
    }
    if (error)
        give_up(restoring, &problem);
    buffer_release(&problem);
    close_disks(restoring);
    return error;
}

/* A mistyped number would pass for `latest`. */
static int check_bound(const struct restoring *restoring, const struct cluster_backup *cluster,
                       const struct restore_bound *bound) {
    char problem[160];
    const struct shard_backup *shard = cluster_backup_shard_at(
        cluster, bound->shard,
        &(struct replay_target){.index = bound->index, .time_ms = UINT64_MAX});
    uint64_t end = shard ? shard_backup_end(shard) : 0;
    if (shard && bound->index <= end)
        return 0;
    if (!shard) {
        snprintf(problem, sizeof problem, "--to: there is no shard %" PRIu32 " in the backup",
                 bound->shard);
    } else {
        snprintf(problem, sizeof problem,
                 "--to: shard %" PRIu32 " is backed up to index %" PRIu64 ", not to %" PRIu64,
                 bound->shard, end, bound->index);
    }
    refusal_tell("restore", restoring->flags.is_json, "%s", problem);
    return ERR_NOT_FOUND;
}

static int check_bounds(const struct restoring *restoring, const struct cluster_backup *cluster) {
    int error = 0;
    for (size_t i = 0; i < restoring->bound_count && !error; i++)
        error = check_bound(restoring, cluster, &restoring->bounds[i]);
    return error;
}

/* Says itself what is wrong; until it has returned well, nothing is written. */
static int choose_cluster(const struct restoring *restoring,
                          const struct backup_catalogue *catalogue,
                          const struct cluster_backup **cluster) {
    *cluster = backup_place_cluster("restore", &restoring->flags, catalogue);
    return *cluster ? check_bounds(restoring, *cluster) : ERR_NOT_FOUND;
}

/* The exit code. */
static int restore_all(struct restoring *restoring) {
    struct blob_store *store;
    struct backup_catalogue catalogue;
    int code = backup_place_open("restore", &restoring->flags, &store, &catalogue);
    if (code)
        return code;
    const struct cluster_backup *cluster;
    int error = choose_cluster(restoring, &catalogue, &cluster);
    if (!error)
        error = restore_into_directory(restoring, store, cluster);
    backup_catalogue_release(&catalogue);
    store->ops->close(store);
    return error ? EXIT_FAILED : EXIT_OK;
}

static bool is_usage_right(struct restoring *restoring, int operands) {
    const char *wrong = NULL;
    char problem[RESTORE_PROBLEM_BYTES];
    if (operands || !restoring->flags.url || !restoring->directory) {
        wrong = "name the backup with --from and the new directory with --dir";
    } else if (!parse_to(restoring)) {
        wrong = "--to is `latest`, a time such as 2026-11-21T10:00:00Z or Unix milliseconds, or "
                "SHARD:INDEX[,SHARD:INDEX...], each shard once";
    } else if (!is_free(restoring->directory, &restoring->is_directory_new, problem)) {
        wrong = problem;
    }
    if (wrong)
        refusal_tell("restore", restoring->flags.is_json, "%s", wrong);
    return !wrong;
}

static int run(struct restoring *restoring, int argc, char **argv) {
    const struct flag flags[] = {{.name = "from", .text = &restoring->flags.url},
                                 {.name = "endpoint", .text = &restoring->flags.endpoint},
                                 {.name = "region", .text = &restoring->flags.region},
                                 {.name = "cluster", .text = &restoring->flags.cluster},
                                 {.name = "dir", .text = &restoring->directory},
                                 {.name = "to", .text = &restoring->to},
                                 {.name = "workers",
                                  .number = &restoring->worker_count,
                                  .minimum = 1,
                                  .maximum = RESTORE_WORKERS_MAXIMUM},
                                 {.name = "json", .is_set = &restoring->flags.is_json},
                                 {.name = NULL}};
    int operands;
    if (flags_read(flags, "restore", argc, argv, &operands) || !is_usage_right(restoring, operands))
        return EXIT_USAGE;
    restoring->shows_progress = !restoring->flags.is_json && window_redraws(STDOUT_FILENO);
    int code = restore_all(restoring);
    if (code)
        return code;
    if (restoring->flags.is_json)
        restore_print_json(restoring);
    else
        restore_print_text(restoring);
    return EXIT_OK;
}

int restore_run(int argc, char **argv) {
    struct restoring *restoring = memory_allocate_zeroed(1, sizeof *restoring);
    restoring->begun_us = figure_now_us();
    restoring->worker_count = 1;
    int code = run(restoring, argc, argv);
    memory_free(restoring);
    return code;
}
