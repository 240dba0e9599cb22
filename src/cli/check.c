/* trothdb check: verifies a stopped node's directory (directory/directory_check.h). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text/hex.h"
#include "base/text/json.h"
#include "cli/command.h"
#include "cli/terminal/figure.h"
#include "cli/terminal/flags.h"
#include "cli/terminal/grid.h"
#include "cli/terminal/progress.h"
#include "cli/terminal/refusal.h"
#include "cli/terminal/window.h"
#include "directory/directory_check.h"
#include "io/real/real_disk.h"

enum {
    CHECK_SOUND = 0,
    CHECK_DAMAGED = 1,
    CHECK_USAGE = 2,
    CHECK_PATH_BYTES = 4096,
    CHECK_OUTPUT_MAXIMUM_BYTES = 64 << 20,
};

struct checking {
    const char *directory;
    bool is_json, shows_progress, is_progress_begun;
    struct disk *node_disk;
    struct disk *workers[DIRECTORY_WORKER_MAXIMUM];
    struct disk_real_problem problem;
    struct progress progress;
    uint64_t begun_us;
};

/* ---- what the check reads ---- */

static int open_worker(void *context, unsigned worker, struct disk **disk) {
    struct checking *checking = context;
    char path[CHECK_PATH_BYTES];
    snprintf(path, sizeof path, "%s/worker-%u", checking->directory, worker);
    int error = disk_real_open_to_read(path, &checking->workers[worker], &checking->problem);
    *disk = checking->workers[worker];
    return error;
}

static void close_disks(struct checking *checking) {
    for (unsigned i = 0; i < DIRECTORY_WORKER_MAXIMUM; i++)
        if (checking->workers[i])
            disk_real_close(checking->workers[i]);
    if (checking->node_disk)
        disk_real_close(checking->node_disk);
}

static void show_progress(void *context, const struct directory_report *report) {
    struct checking *checking = context;
    uint64_t now_us = figure_now_us();
    if (!checking->is_progress_begun) {
        progress_begin(&checking->progress, "bytes", report->bytes_total, true, checking->begun_us);
        checking->is_progress_begun = true;
    }
    progress_update(&checking->progress, report->bytes_done, now_us);
}

/* ---- for people ---- */

static void print_identity(const struct directory_report *report, struct buffer *out) {
    char id[NODE_ID_TEXT_BYTES];
    if (report->has_identity) {
        identity_node_id(report->identity.uuid, id);
        buffer_append_format(out, "node %s, generation %" PRIu64 ", %u worker%s\n", id,
                             report->identity.generation, report->identity.worker_count,
                             report->identity.worker_count == 1 ? "" : "s");
    }
    if (!report->topology) {
        buffer_append_text(out, report->founding || report->finding_total
                                    ? ""
                                    : "a spare: it belongs to no cluster\n");
        return;
    }
    char cluster[HEX_TEXT_BYTES(sizeof report->topology->cluster_id)];
    hex_write(report->topology->cluster_id, sizeof report->topology->cluster_id, cluster);
    buffer_append_format(out, "cluster %s, epoch %" PRIu64 ", %u node%s, %u shard%s\n", cluster,
                         report->topology->epoch, report->topology->node_count,
                         report->topology->node_count == 1 ? "" : "s",
                         report->topology->shard_count - 1,
                         report->topology->shard_count == 2 ? "" : "s");
}

static void print_workers(const struct directory_report *report, struct buffer *out) {
    static const char *const least[] = {"records", "segments", "bytes", NULL};
    struct grid grid;
    grid_init(&grid, "lrrrl");
    grid_row(&grid, "log", "segments", "records", "bytes", "tail");
    for (unsigned i = 0; i < report->worker_count; i++) {
        const struct directory_worker *worker = &report->workers[i];
        char figures[3][FIGURE_BYTES];
        grid_cell(&grid, "worker-%u", i);
        grid_cell(&grid, "%s", figure_thousands(worker->segment_count, figures[0]));
        grid_cell(&grid, "%s", figure_thousands(worker->record_count, figures[1]));
        grid_cell(&grid, "%s", figure_thousands(worker->log_bytes, figures[2]));
        if (worker->is_torn) {
            grid_cell(&grid, "torn: %s at byte %" PRIu64 ", %" PRIu64 " bytes, cut at start",
                      worker->torn_file, worker->torn_offset, worker->torn_bytes);
        } else {
            grid_cell(&grid, "whole");
        }
    }
    buffer_append_u8(out, '\n');
    grid_print_in_window(&grid, out, "   ", least);
}

static void print_shards(const struct directory_report *report, struct buffer *out) {
    static const char *const least[] = {"vote", "term", "log", "keys in it", "snapshot", NULL};
    struct grid grid;
    grid_init(&grid, "rlrrlrr");
    grid_row(&grid, "shard", "log", "term", "vote", "entries", "snapshot", "keys in it");
    for (size_t i = 0; i < report->shard_count; i++) {
        const struct directory_shard *shard = &report->shards[i];
        char figures[2][FIGURE_BYTES];
        grid_cell(&grid, "%u", shard->number);
        grid_cell(&grid, "worker-%u", shard->worker);
        grid_cell(&grid, "%" PRIu64, shard->term);
        grid_cell(&grid, "%u", shard->vote);
        if (shard->last_index)
            grid_cell(&grid, "%" PRIu64 " .. %" PRIu64, shard->first_index, shard->last_index);
        else
            grid_cell(&grid, "none");
        grid_cell(&grid, "%s",
                  shard->snapshot_index ? figure_thousands(shard->snapshot_index, figures[0])
                                        : "none");
        grid_cell(&grid, "%s",
                  shard->snapshot_index && shard->number && shard->is_snapshot_sound
                      ? figure_thousands(shard->key_count, figures[1])
                      : "-");
    }
    buffer_append_u8(out, '\n');
    grid_print_in_window(&grid, out, "   ", least);
}

static void print_finding(const struct directory_finding *finding, struct buffer *out) {
    buffer_append_format(out, "\n%s %s", finding->is_unread ? "NOT READ" : "DAMAGED",
                         finding->file);
    if (finding->has_offset)
        buffer_append_format(out, " at byte %" PRIu64, finding->offset);
    if (finding->bytes)
        buffer_append_format(out, ", %" PRIu64 " bytes", finding->bytes);
    if (finding->has_shard)
        buffer_append_format(out, ", shard %u", finding->shard);
    if (finding->last_index)
        buffer_append_format(out, ", index %" PRIu64, finding->first_index);
    if (finding->last_index > finding->first_index)
        buffer_append_format(out, " to %" PRIu64, finding->last_index);
    buffer_append_format(out, "\n    %s\n    What to do: %s.\n", finding->what, finding->advice);
}

static void print_notes(const struct directory_report *report, struct buffer *out) {
    if (report->is_removed) {
        buffer_append_text(out, "\nthis node was removed from its cluster, and what it holds is of "
                                "no use any more; remove its directory, and it starts as a new "
                                "one\n");
    }
    if (report->leftover_count) {
        buffer_append_format(
            out, "\n%u half-written file(s) named *.new: the next start clears them away.\n",
            report->leftover_count);
    }
    if (report->aside_count) {
        buffer_append_format(
            out, "\n%u file(s) named damaged-*, set aside for study: remove them when you like.\n",
            report->aside_count);
    }
    if (report->unknown_count) {
        buffer_append_format(out, "\n%u file(s) that no node makes; the node ignores them.\n",
                             report->unknown_count);
    }
}

static void print_text(const struct checking *checking, const struct directory_report *report,
                       struct buffer *out) {
    char figures[2][FIGURE_BYTES];
    print_identity(report, out);
    print_workers(report, out);
    if (report->shard_count)
        print_shards(report, out);
    for (size_t i = 0; i < report->finding_count; i++)
        print_finding(&report->findings[i], out);
    if (report->finding_total > report->finding_count) {
        buffer_append_format(out, "\n... and %zu more\n",
                             report->finding_total - report->finding_count);
    }
    print_notes(report, out);
    const char *bytes = figure_thousands(report->bytes_done, figures[0]);
    const char *time = figure_duration(figure_now_us() - checking->begun_us, figures[1]);
    size_t unread = report->unread_total, damaged = report->finding_total - unread;
    if (damaged) {
        buffer_append_format(out, "\ndamaged: %zu problem%s in %s, %s bytes read in %s\n", damaged,
                             damaged == 1 ? "" : "s", checking->directory, bytes, time);
    }
    if (unread) {
        buffer_append_format(out, "%snot all of %s could be read; of that nothing is known\n",
                             damaged ? "" : "\n", checking->directory);
    } else if (damaged == 0) {
        buffer_append_format(out, "\nsound: %s, %s bytes read in %s\n", checking->directory, bytes,
                             time);
    }
}

/* ---- for programs ---- */

static void json_findings(const struct directory_report *report, struct json *json) {
    json_open(json, "findings", '[');
    for (size_t i = 0; i < report->finding_count; i++) {
        const struct directory_finding *finding = &report->findings[i];
        json_open(json, NULL, '{');
        json_text(json, "file", finding->file);
        if (finding->has_offset) {
            json_number(json, "offset", finding->offset);
            json_number(json, "bytes", finding->bytes);
        }
        if (finding->has_shard)
            json_number(json, "shard", finding->shard);
        if (finding->last_index) {
            json_number(json, "first_index", finding->first_index);
            json_number(json, "last_index", finding->last_index);
        }
        json_boolean(json, "is_unread", finding->is_unread);
        json_text(json, "what", finding->what);
        json_text(json, "advice", finding->advice);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void json_workers(const struct directory_report *report, struct json *json) {
    json_open(json, "logs", '[');
    for (unsigned i = 0; i < report->worker_count; i++) {
        const struct directory_worker *worker = &report->workers[i];
        json_open(json, NULL, '{');
        json_number(json, "worker", i);
        json_number(json, "segments", worker->segment_count);
        json_number(json, "records", worker->record_count);
        json_number(json, "bytes", worker->log_bytes);
        json_boolean(json, "is_torn", worker->is_torn);
        if (worker->is_torn) {
            json_text(json, "torn_file", worker->torn_file);
            json_number(json, "torn_offset", worker->torn_offset);
            json_number(json, "torn_bytes", worker->torn_bytes);
        }
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void json_shards(const struct directory_report *report, struct json *json) {
    json_open(json, "shards", '[');
    for (size_t i = 0; i < report->shard_count; i++) {
        const struct directory_shard *shard = &report->shards[i];
        json_open(json, NULL, '{');
        json_number(json, "number", shard->number);
        json_number(json, "worker", shard->worker);
        json_number(json, "term", shard->term);
        json_number(json, "vote", shard->vote);
        json_number(json, "first_index", shard->first_index);
        json_number(json, "last_index", shard->last_index);
        json_number(json, "snapshot_index", shard->snapshot_index);
        json_number(json, "snapshot_bytes", shard->snapshot_bytes);
        json_number(json, "keys_in_snapshot", shard->key_count);
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void print_json(const struct checking *checking, const struct directory_report *report,
                       struct buffer *out) {
    struct json json = {.out = out};
    json_open(&json, NULL, '{');
    json_text(&json, "directory", checking->directory);
    json_boolean(&json, "is_sound", report->finding_total == 0);
    json_boolean(&json, "is_removed", report->is_removed);
    json_number(&json, "finding_count", report->finding_total);
    json_number(&json, "generation", report->identity.generation);
    json_number(&json, "bytes", report->bytes_done);
    json_workers(report, &json);
    json_shards(report, &json);
    json_findings(report, &json);
    json_close(&json, '}');
    buffer_append_u8(out, '\n');
}

/* ---- the command ---- */

static void print_report(const struct checking *checking, const struct directory_report *report) {
    struct buffer out;
    buffer_init(&out, CHECK_OUTPUT_MAXIMUM_BYTES);
    if (checking->is_json)
        print_json(checking, report, &out);
    else
        print_text(checking, report, &out);
    fwrite(buffer_data(&out), 1, out.length, stdout);
    buffer_release(&out);
}

static int complain(const struct checking *checking, int error) {
    char text[CHECK_PATH_BYTES + 128];
    if (error == ERR_NOT_FOUND && checking->node_disk) {
        snprintf(text, sizeof text,
                 "no node ever ran in %s; name the directory that the node has as its --dir",
                 checking->directory);
    } else {
        snprintf(text, sizeof text, "%s",
                 checking->problem.text[0] ? checking->problem.text : error_text(error));
    }
    refusal_tell("check", checking->is_json, "%s", text);
    return CHECK_USAGE;
}

static int check_directory(struct checking *checking) {
    int error =
        disk_real_open_to_read(checking->directory, &checking->node_disk, &checking->problem);
    if (error)
        return complain(checking, error);
    struct directory_check_options options = {
        .node_disk = checking->node_disk,
        .open_worker = open_worker,
        .progress = checking->shows_progress ? show_progress : NULL,
        .context = checking,
    };
    struct directory_report *report = memory_allocate_zeroed(1, sizeof *report);
    error = directory_check(&options, report);
    if (checking->is_progress_begun)
        progress_clear(&checking->progress);
    if (!error)
        print_report(checking, report);
    int code = error                                          ? complain(checking, error)
               : report->finding_total > report->unread_total ? CHECK_DAMAGED
               : report->unread_total                         ? CHECK_USAGE
                                                              : CHECK_SOUND;
    directory_report_release(report);
    memory_free(report);
    return code;
}

int check_run(int argc, char **argv) {
    struct checking checking = {.begun_us = figure_now_us()};
    const struct flag flags[] = {{.name = "json", .is_set = &checking.is_json}, {.name = NULL}};
    int operands;
    if (flags_read(flags, "check", argc, argv, &operands))
        return CHECK_USAGE;
    if (operands != 1 || strlen(argv[0]) > CHECK_PATH_BYTES - 32) {
        refusal_tell("check", checking.is_json,
                     "name one directory; `trothdb help check` tells all");
        return CHECK_USAGE;
    }
    checking.directory = argv[0];
    checking.shows_progress = !checking.is_json && window_redraws(STDOUT_FILENO);
    int code = check_directory(&checking);
    close_disks(&checking);
    return code;
}
