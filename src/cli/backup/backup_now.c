#include "cli/backup/backup_now.h"

#include <stdio.h>
#include <unistd.h>

#include "base/exit_code.h"
#include "base/memory.h"
#include "cli/client/status.h"
#include "cli/client/survey.h"
#include "cli/terminal/figure.h"
#include "cli/terminal/refusal.h"
#include "cli/terminal/window.h"

enum { ASK_AGAIN_US = 200 * 1000 };

/* One line of TROTHDB BACKUP. */
struct shard_state {
    unsigned shard;
    unsigned long long applied, archived, snapshot, hurry;
    int has_failed;
};

struct hurrying {
    const struct status *cluster;
    bool is_json;
    unsigned done_count, failed_count;
    unsigned silent_count;  /* nodes that did not answer; what they led is led by others soon */
    unsigned unasked_count; /* a leader that came later, or was not ready to be asked, knows of
                               nothing */
    char problem[CLIENT_PROBLEM_BYTES];
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
    char *text = bytes_copy_text(lines);
    const char *at = text;
    int used;
    for (; sscanf(at, "%u %llu %llu %llu %llu %d\n%n", &state.shard, &state.applied,
                  &state.archived, &state.snapshot, &state.hurry, &state.has_failed, &used) == 6;
         at += used)
        note_state(&state, hurrying);
    memory_free(text);
}

/* Fails with the problem where a node refuses; one that does not answer now may do so later. */
static int note_answers(const struct survey_answer *answers, struct hurrying *hurrying) {
    hurrying->done_count = hurrying->failed_count = 0;
    hurrying->silent_count = hurrying->unasked_count = 0;
    for (size_t i = 0; i < hurrying->cluster->node_count; i++) {
        const struct survey_answer *answer = &answers[i];
        if (answer->error == ERR_REFUSED) {
            memcpy(hurrying->problem, answer->client.problem, CLIENT_PROBLEM_BYTES);
            return answer->error;
        }
        hurrying->silent_count += answer->error != 0;
        if (!answer->error)
            note_answer(answer->reply.text, hurrying);
    }
    return 0;
}

/* How far they are; with a third word, NOW, they hurry. */
static int ask_all(struct hurrying *hurrying, size_t word_count) {
    const struct bytes words[] = {BYTES_LITERAL("TROTHDB"), BYTES_LITERAL("BACKUP"),
                                  BYTES_LITERAL("NOW")};
    struct survey_answer *answers =
        status_survey(hurrying->cluster, words, word_count, CLUSTER_ASK_MS);
    int error = note_answers(answers, hurrying);
    survey_release(answers, hurrying->cluster->node_count);
    memory_free(answers);
    return error;
}

/* Until all are backed up, or the time is over. */
static int hurry_all(struct hurrying *hurrying, uint64_t wait_us) {
    struct progress progress;
    size_t shard_count = hurrying->cluster->shard_count;
    uint64_t begun_us = figure_now_us();
    bool shows_progress = !hurrying->is_json && window_redraws(STDOUT_FILENO);
    int error = ask_all(hurrying, 3);
    if (shows_progress)
        progress_begin(&progress, "shards", shard_count, true, begun_us);
    while (!error && hurrying->done_count < shard_count && figure_now_us() - begun_us < wait_us) {
        usleep(ASK_AGAIN_US);
        bool is_known = hurrying->unasked_count == 0 && hurrying->silent_count == 0;
        error = ask_all(hurrying, is_known ? 2 : 3);
        if (shows_progress && !error)
            progress_update(&progress, hurrying->done_count, figure_now_us());
    }
    if (shows_progress)
        progress_clear(&progress);
    return error;
}

static int conclude(const struct hurrying *hurrying, int error) {
    size_t shard_count = hurrying->cluster->shard_count;
    if (error)
        refusal_tell("backup now", hurrying->is_json, "%s", hurrying->problem);
    else if (hurrying->done_count < shard_count)
        refusal_tell("backup now", hurrying->is_json,
                     "%u of %zu shards are backed up, the attempts of %u failed, and %u nodes do "
                     "not answer; the nodes' logs say why, and they go on trying",
                     hurrying->done_count, shard_count, hurrying->failed_count,
                     hurrying->silent_count);
    else
        printf(hurrying->is_json ? "{\"shards\":%zu}\n"
                                 : "%zu shards are backed up as they are now\n",
               shard_count);
    return error || hurrying->done_count < shard_count ? EXIT_FAILED : EXIT_OK;
}

int backup_now(const struct backup_flags *flags, const char *text, int64_t wait_seconds) {
    struct net_address address;
    struct status cluster;
    char problem[CLIENT_PROBLEM_BYTES];
    int code = client_address(&address, text, problem) ? EXIT_USAGE : EXIT_FAILED;
    if (code == EXIT_USAGE || status_fetch(&cluster, &address, CLUSTER_ASK_MS, problem)) {
        refusal_tell("backup now", flags->is_json, "%s", problem);
        return code;
    }
    struct hurrying hurrying = {.cluster = &cluster, .is_json = flags->is_json};
    if (cluster.cluster[0] == '\0')
        refusal_tell("backup now", flags->is_json, "the node belongs to no cluster yet");
    else
        code = conclude(&hurrying, hurry_all(&hurrying, (uint64_t)wait_seconds * 1000000));
    status_release(&cluster);
    return code;
}
