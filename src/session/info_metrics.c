#include "session/info_metrics.h"

#include "worker/statistics.h"
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

/* By the position of a command's row. */
struct command_figures {
    uint64_t calls[WORKER_COMMAND_MAXIMUM], durations_us[WORKER_COMMAND_MAXIMUM];
};

static size_t position_of(const char *name) {
    size_t position = 0;
    const struct command *command;
    while ((command = command_at(position)) && strcmp(command->name, name) != 0)
        position++;
    return position;
}

static void note_calls(void *context, const struct metric_sum *sum) {
    ((struct command_figures *)context)->calls[position_of(sum->label_value)] = sum->value;
}

static void note_duration(void *context, const struct metric_sum *sum) {
    ((struct command_figures *)context)->durations_us[position_of(sum->label_value)] = sum->sum;
}

static void append_command(const char *name, uint64_t calls, uint64_t duration_us,
                           struct buffer *out) {
    buffer_append_format(out, "cmdstat_%s:calls=%llu,usec=%llu,usec_per_call=%.2f\r\n", name,
                         (unsigned long long)calls, (unsigned long long)duration_us,
                         (double)duration_us / (double)calls);
}

void info_commandstats(const struct worker *worker, struct buffer *out) {
    struct command_figures figures = {{0}, {0}};
    each_of(worker, METRIC_commands_total, note_calls, &figures);
    each_of(worker, METRIC_command_latency_seconds, note_duration, &figures);
    const struct command *command;
    for (size_t i = 0; (command = command_at(i)); i++)
        if (figures.calls[i])
            append_command(command->name, figures.calls[i], figures.durations_us[i], out);
}
