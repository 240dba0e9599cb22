/* LATENCY: how long commands took, from the same counts as the metrics, since the start of the
 * node. The events that Redis watches on its one thread are not watched: of those there is nothing.
 */
#include <strings.h>

#include "base/check.h"
#include "session/commands/commands.h"
#include "worker/statistics.h"
#include "worker/worker.h"

/* ---- HISTOGRAM ---- */

enum {
    /* What was not answered within the metric's last bound, ten seconds, was within these thousand:
     * the time limits of writes and reads are shorter. */
    LATENCY_LONGEST_US = 1000 * 1000 * 1000
};

struct histograms {
    const struct session_command *call;
    struct buffer text; /* what was written of them */
    size_t count;
};

/* A container stands for its subcommands. */
static bool is_meant_by(struct bytes word, const char *name) {
    size_t length = strlen(name);
    bool is_whole_word = word.length && word.length <= length &&
                         (name[word.length] == '\0' || name[word.length] == '|');
    return is_whole_word && strncasecmp((const char *)word.data, name, word.length) == 0;
}

static bool is_asked_for(const struct session_command *call, const char *name) {
    bool is_named = call->argument_count == 2;
    for (size_t i = 2; i < call->argument_count && !is_named; i++)
        is_named = is_meant_by(call->arguments[i], name);
    return is_named;
}

static uint64_t call_count(const struct metric_sum *sum, unsigned *used_buckets) {
    uint64_t calls = 0;
    *used_buckets = 0;
    for (unsigned i = 0; i <= sum->bound_count; i++) {
        calls += sum->buckets[i];
        *used_buckets += sum->buckets[i] > 0;
    }
    return calls;
}

/* As Redis: of the buckets in which something is, the upper bound, and how many calls took no
 * longer than that. */
static void append_histogram(struct reply *reply, const struct metric_sum *sum, uint64_t calls,
                             unsigned used_buckets) {
    uint64_t so_far = 0;
    reply_bulk_text(reply, sum->label_value);
    reply_map(reply, 2);
    reply_bulk_text(reply, "calls");
    reply_integer(reply, (int64_t)calls);
    reply_bulk_text(reply, "histogram_usec");
    reply_map(reply, used_buckets);
    for (unsigned i = 0; i <= sum->bound_count; i++) {
        so_far += sum->buckets[i];
        if (sum->buckets[i]) {
            reply_integer(reply, i < sum->bound_count ? (int64_t)sum->uppers[i]
                                                      : (int64_t)LATENCY_LONGEST_US);
            reply_integer(reply, (int64_t)so_far);
        }
    }
}

static void note_histogram(void *context, const struct metric_sum *sum) {
    struct histograms *histograms = context;
    unsigned used_buckets;
    uint64_t calls = call_count(sum, &used_buckets);
    if (calls && is_asked_for(histograms->call, sum->label_value)) {
        struct reply reply = {.out = &histograms->text,
                              .protocol = histograms->call->reply->protocol};
        append_histogram(&reply, sum, calls, used_buckets);
        histograms->count++;
    }
}

static void latency_histogram(struct session_command *call) {
    const struct node_shared *shared = call->worker->shared;
    struct histograms histograms = {.call = call};
    buffer_init(&histograms.text, SIZE_MAX);
    metrics_visit(shared->metrics, shared->worker_count, METRIC_command_latency_seconds,
                  note_histogram, &histograms);
    reply_map(call->reply, histograms.count);
    buffer_append_bytes(call->reply->out, buffer_bytes(&histograms.text));
    buffer_release(&histograms.text);
}

/* ---- the command ---- */

static void latency_help(struct session_command *call) {
    static const char *const lines[] = {
        "LATENCY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "HISTOGRAM [<command> ...]",
        "    How many calls of the commands took how long, from their arrival to their reply: for",
        "    each upper bound in microseconds, how many took no longer.",
        "HISTORY <event>",
        "    The spikes of an event: none, events are not watched here.",
        "LATEST",
        "    The newest spike of each event: none.",
        "RESET [<event> ...]",
        "    Forgets spikes, and says of how many events: 0.",
    };
    reply_help(call->reply, lines, sizeof lines / sizeof lines[0]);
}

bool latency_command(struct session_command *call) {
    const char *name = call->command->name;
    if (strcmp(name, "latency|histogram") == 0) {
        latency_histogram(call);
    } else if (strcmp(name, "latency|latest") == 0 || strcmp(name, "latency|history") == 0) {
        reply_array(call->reply, 0);
    } else if (strcmp(name, "latency|reset") == 0) {
        reply_integer(call->reply, 0);
    } else {
        CHECK(strcmp(name, "latency|help") == 0);
        latency_help(call);
    }
    return true;
}
