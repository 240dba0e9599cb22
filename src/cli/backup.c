/* trothdb backup: what is in a place for backups, whether it is sound, and an order to bring it up
 * to date. The backups themselves are made by the nodes (replica/shards/backups.c). */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text/json.h"
#include "cli/backup_place.h"
#include "cli/client/cluster_view.h"
#include "cli/client/survey.h"
#include "cli/command.h"
#include "cli/terminal/figure.h"
#include "cli/terminal/flags.h"
#include "cli/terminal/grid.h"
#include "cli/terminal/refusal.h"
#include "cli/terminal/window.h"
#include "directory/restore.h"

enum {
    BACKUP_OUTPUT_MAXIMUM_BYTES = 64 << 20,
    BACKUP_WAIT_SECONDS_MAXIMUM = 86400,
    BACKUP_ASK_AGAIN_US = 200 * 1000,
};

static void print(struct buffer *out) {
    fwrite(buffer_data(out), 1, out->length, stdout);
    buffer_release(out);
}

/* ---- list ---- */

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

static int list_place(const struct backup_flags *flags, struct blob_store *store,
                      const struct backup_catalogue *catalogue) {
    (void)store;
    struct buffer out;
    buffer_init(&out, BACKUP_OUTPUT_MAXIMUM_BYTES);
    if (flags->is_json)
        list_json(catalogue, &out);
    else
        list_text(catalogue, &out);
    print(&out);
    return 0;
}

/* ---- check ---- */

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

static int check_place(const struct backup_flags *flags, struct blob_store *store,
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
        print(&checking.out);
    } else {
        buffer_release(&checking.out);
    }
    return error || checking.bad_count ? EXIT_FAILED : EXIT_OK;
}

/* ---- of a place ---- */

/* Nothing at all is neither a list nor sound: somebody has mistyped the place, or no node has its
 * `backup-to`. */
static int look_at_place(const char *command, const struct backup_flags *flags,
                         int (*look)(const struct backup_flags *flags, struct blob_store *store,
                                     const struct backup_catalogue *catalogue)) {
    struct blob_store *store;
    struct backup_catalogue catalogue;
    int code = backup_place_open(command, flags, &store, &catalogue);
    if (code)
        return code;
    if (catalogue.cluster_count > 0) {
        code = look(flags, store, &catalogue);
    } else {
        refusal_tell(command, flags->is_json, BACKUP_NONE_THERE);
        code = EXIT_FAILED;
    }
    backup_catalogue_release(&catalogue);
    store->ops->close(store);
    return code;
}

/* ---- now ---- */

/* One line of TROTHDB BACKUP. */
struct shard_state {
    unsigned shard;
    unsigned long long applied, archived, snapshot, hurry;
    int has_failed;
};

struct hurrying {
    unsigned done_count, failed_count;
    unsigned silent_count;  /* nodes that did not answer; what they led is led by others soon */
    unsigned unasked_count; /* a leader that came later, or was not ready to be asked, knows of
                               nothing */
};

static void note_state(const struct shard_state *state, struct hurrying *hurrying) {
    bool is_done =
        state->hurry > 0 && state->archived >= state->hurry && state->snapshot >= state->hurry;
    hurrying->unasked_count += state->hurry == 0;
    hurrying->done_count += is_done;
    hurrying->failed_count += state->has_failed && !is_done;
}

static void note_answer(struct bytes lines, struct hurrying *hurrying) {
    struct shard_state state;
    struct buffer text;
    int used;
    buffer_init(&text, BACKUP_OUTPUT_MAXIMUM_BYTES);
    buffer_append_bytes(&text, lines);
    buffer_append_u8(&text, 0);
    const char *at = (const char *)buffer_data(&text);
    for (; sscanf(at, "%u %llu %llu %llu %llu %d\n%n", &state.shard, &state.applied,
                  &state.archived, &state.snapshot, &state.hurry, &state.has_failed, &used) == 6;
         at += used)
        note_state(&state, hurrying);
    buffer_release(&text);
}

/* Fails with `problem` where a node refuses; one that does not answer now may do so later. */
static int note_answers(const struct survey_answer *answers, size_t count,
                        struct hurrying *hurrying, char *problem) {
    int error = 0;
    *hurrying = (struct hurrying){0};
    for (size_t i = 0; i < count && !error; i++) {
        const struct survey_answer *answer = &answers[i];
        if (answer->error == ERR_REFUSED) {
            memcpy(problem, answer->client.problem, CLIENT_PROBLEM_BYTES);
            error = answer->error;
        } else if (answer->error) {
            hurrying->silent_count++;
        } else {
            note_answer(answer->reply.text, hurrying);
        }
    }
    return error;
}

/* BACKUP, or BACKUP NOW, which has them hurry. */
static int ask_all(const struct cluster_view *view, bool is_now, struct hurrying *hurrying,
                   char *problem) {
    const struct bytes words[] = {BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("BACKUP"),
                                  BYTES_LITERAL("NOW")};
    size_t count = view->asked.node_count;
    struct survey_answer *answers =
        status_survey(&view->asked, words, is_now ? 3 : 2, CLUSTER_ASK_MS);
    int error = note_answers(answers, count, hurrying, problem);
    survey_release(answers, count);
    memory_free(answers);
    return error;
}

static int tell_unfinished(const struct hurrying *hurrying, size_t shard_count, bool is_json) {
    refusal_tell("backup now", is_json,
                 "%u of %zu shards are backed up, the attempts of %u failed, and %u nodes do not "
                 "answer; the nodes' logs say why, and they go on trying",
                 hurrying->done_count, shard_count, hurrying->failed_count, hurrying->silent_count);
    return EXIT_FAILED;
}

static int tell_finished(size_t shard_count, bool is_json) {
    if (is_json)
        printf("{\"shards\":%zu}\n", shard_count);
    else
        printf("%zu shards are backed up as they are now\n", shard_count);
    return EXIT_OK;
}

/* Until all are, or the time is over. */
static int hurry_all(const struct cluster_view *view, uint64_t wait_us, bool shows_progress,
                     struct hurrying *hurrying, char *problem) {
    struct progress progress;
    uint64_t begun_us = figure_now_us();
    size_t shard_count = view->asked.shard_count;
    int error = ask_all(view, true, hurrying, problem);
    if (shows_progress)
        progress_begin(&progress, "shards", shard_count, true, begun_us);
    while (!error && hurrying->done_count < shard_count && figure_now_us() - begun_us < wait_us) {
        usleep(BACKUP_ASK_AGAIN_US);
        bool is_known = hurrying->unasked_count == 0 && hurrying->silent_count == 0;
        error = ask_all(view, !is_known, hurrying, problem);
        if (shows_progress && !error)
            progress_update(&progress, hurrying->done_count, figure_now_us());
    }
    if (shows_progress)
        progress_clear(&progress);
    return error;
}

static int wait_for_all(const struct cluster_view *view, uint64_t wait_us, bool is_json) {
    struct hurrying hurrying;
    char problem[CLIENT_PROBLEM_BYTES];
    bool shows_progress = !is_json && window_redraws(STDOUT_FILENO);
    size_t shard_count = view->asked.shard_count;
    if (hurry_all(view, wait_us, shows_progress, &hurrying, problem)) {
        refusal_tell("backup now", is_json, "%s", problem);
        return EXIT_FAILED;
    }
    return hurrying.done_count < shard_count ? tell_unfinished(&hurrying, shard_count, is_json)
                                             : tell_finished(shard_count, is_json);
}

static int now(const struct backup_flags *flags, const char *text, int64_t wait_seconds) {
    struct net_address address;
    struct cluster_view view;
    char problem[CLIENT_PROBLEM_BYTES];
    int code = client_address(&address, text, problem) ? EXIT_USAGE : EXIT_FAILED;
    if (code == EXIT_USAGE || cluster_view_fetch(&view, &address, problem)) {
        refusal_tell("backup now", flags->is_json, "%s", problem);
        return code;
    }
    if (view.asked.cluster[0] == '\0')
        refusal_tell("backup now", flags->is_json, "the node belongs to no cluster yet");
    else
        code = wait_for_all(&view, (uint64_t)wait_seconds * 1000000, flags->is_json);
    cluster_view_release(&view);
    return code;
}

/* ---- the command ---- */

int backup_run(int argc, char **argv) {
    struct backup_flags flags = {0};
    int64_t wait_seconds = 60;
    const struct flag table[] = {{.name = "to", .text = &flags.url},
                                 {.name = "endpoint", .text = &flags.endpoint},
                                 {.name = "region", .text = &flags.region},
                                 {.name = "wait",
                                  .number = &wait_seconds,
                                  .minimum = 1,
                                  .maximum = BACKUP_WAIT_SECONDS_MAXIMUM},
                                 {.name = "json", .is_set = &flags.is_json},
                                 {.name = NULL}};
    int operands;
    if (flags_read(table, "backup", argc, argv, &operands))
        return EXIT_USAGE;
    if (operands == 2 && strcmp(argv[0], "now") == 0)
        return now(&flags, argv[1], wait_seconds);
    if (operands == 1 && flags.url && strcmp(argv[0], "list") == 0)
        return look_at_place("backup list", &flags, list_place);
    if (operands == 1 && flags.url && strcmp(argv[0], "check") == 0)
        return look_at_place("backup check", &flags, check_place);
    refusal_tell("backup", flags.is_json,
                 "say `now HOST:PORT`, `list --to URL` or `check --to URL`; `trothdb help backup` "
                 "tells all");
    return EXIT_USAGE;
}
