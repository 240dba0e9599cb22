#include "session/commands/info_metrics.h"

#include "base/check.h"
#include "base/memory.h"
#include "worker/worker.h"

static void each_of(const struct worker *worker, enum metric_id id,
                    void (*visit)(void *context, const struct metric_sum *sum), void *context) {
    metrics_visit(worker->shared->metrics, worker->shared->worker_count, id, visit, context);
}

/* ---- errors ---- */

static void append_error(void *context, const struct metric_sum *sum) {
    buffer_append_format(context, "errorstat_%s:count=%llu\r\n", sum->label_value,
                         (unsigned long long)sum->value);
}

void info_errorstats(const struct worker *worker, struct buffer *out) {
    each_of(worker, METRIC_error_replies_total, append_error, out);
}

/* ---- commands ---- */

/* Of one command. The other workers go on counting meanwhile, so a part may for a moment be more
 * than the whole. */
struct command_figures {
    uint64_t rejections, errors, calls, duration_us;
};

struct all_figures {
    struct command_figures of[WORKER_COMMAND_MAXIMUM]; /* by the position of a command's row */
};

static struct command_figures *figures_of(struct all_figures *all, const char *name) {
    size_t position = 0;
    const struct command *command;
    while ((command = command_at(position)) && strcmp(command->name, name) != 0)
        position++;
    CHECK(command != NULL);
    return &all->of[position];
}

static void note_rejections(void *all, const struct metric_sum *sum) {
    figures_of(all, sum->label_value)->rejections = sum->value;
}

static void note_errors(void *all, const struct metric_sum *sum) {
    figures_of(all, sum->label_value)->errors = sum->value;
}

static void note_calls(void *all, const struct metric_sum *sum) {
    figures_of(all, sum->label_value)->calls = sum->value;
}

static void note_duration(void *all, const struct metric_sum *sum) {
    figures_of(all, sum->label_value)->duration_us = sum->sum;
}

static uint64_t less(uint64_t whole, uint64_t part) { return whole > part ? whole - part : 0; }

/* What was rejected was no call; what failed was one. */
static void append_command(const char *name, const struct command_figures *figures,
                           struct buffer *out) {
    uint64_t calls = less(figures->calls, figures->rejections);
    buffer_append_format(
        out,
        "cmdstat_%s:calls=%llu,usec=%llu,usec_per_call=%.2f,rejected_calls=%llu,failed_calls=%llu"
        "\r\n",
        name, (unsigned long long)calls, (unsigned long long)figures->duration_us,
        calls ? (double)figures->duration_us / (double)calls : 0.0,
        (unsigned long long)figures->rejections,
        (unsigned long long)less(figures->errors, figures->rejections));
}

void info_commandstats(const struct worker *worker, struct buffer *out) {
    struct all_figures *all = memory_allocate_zeroed(1, sizeof *all);
    each_of(worker, METRIC_command_rejections_total, note_rejections, all);
    each_of(worker, METRIC_command_errors_total, note_errors, all);
    each_of(worker, METRIC_commands_total, note_calls, all);
    each_of(worker, METRIC_command_latency_seconds, note_duration, all);
    const struct command *command;
    for (size_t i = 0; (command = command_at(i)); i++)
        if (all->of[i].calls)
            append_command(command->name, &all->of[i], out);
    memory_free(all);
}
