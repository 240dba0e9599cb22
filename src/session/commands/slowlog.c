/* SLOWLOG: every worker keeps its own slow log (client/slowlog.h); the reply is that of the whole
 * node. */

#include "session/client/slowlog.h"
#include "base/check.h"
#include "base/text/number.h"
#include "session/calls/ask.h"
#include "session/commands/commands.h"
#include "worker/worker.h"

enum { SLOWLOG_GET_COUNT = 10 };

static size_t maximum_of(const struct worker *worker) {
    return (size_t)worker->config.slowlog_max_len;
}

/* ---- one worker's part, and the whole ---- */

/* How many entries were asked for; false: what was said is no such number. */
static bool read_count(const struct bytes *arguments, size_t count, int64_t *wanted) {
    *wanted = SLOWLOG_GET_COUNT;
    return count == 2 || (number_parse_i64(arguments[2], wanted) && *wanted >= -1);
}

static void answer_reset(struct worker *worker, const struct ask_words *words,
                         struct ask_answer *answer) {
    (void)words;
    (void)answer;
    slowlog_trim(&worker->sessions->slowlog, 0);
}

static void reply_reset(const struct worker *worker, const struct ask_answer *all,
                        struct reply *reply) {
    (void)worker;
    (void)all;
    reply_ok(reply);
}

static void answer_length(struct worker *worker, const struct ask_words *words,
                          struct ask_answer *answer) {
    (void)words;
    answer->number = slowlog_count(&worker->sessions->slowlog);
}

static void reply_length(const struct worker *worker, const struct ask_answer *all,
                         struct reply *reply) {
    size_t maximum = maximum_of(worker);
    reply_integer(reply, (int64_t)(all->number < maximum ? all->number : maximum));
}

static void answer_get(struct worker *worker, const struct ask_words *words,
                       struct ask_answer *answer) {
    int64_t wanted;
    CHECK(read_count(words->arguments, words->argument_count, &wanted)); /* as when it was asked */
    size_t maximum = maximum_of(worker);
    size_t limit = wanted < 0 || (uint64_t)wanted > maximum ? maximum : (size_t)wanted;
    slowlog_encode(&worker->sessions->slowlog, limit, worker->index, worker->count, &answer->text);
}

static void reply_get(const struct worker *worker, const struct ask_answer *all,
                      struct reply *reply) {
    (void)worker;
    slowlog_reply(buffer_bytes(&all->text), reply);
}

static const struct ask_question RESET = {.answer = answer_reset, .reply = reply_reset};
static const struct ask_question LENGTH = {.answer = answer_length, .reply = reply_length};
static const struct ask_question GET = {.answer = answer_get, .reply = reply_get};

/* ---- the command ---- */

static void slowlog_help(struct session_command *call) {
    static const char *const lines[] = {
        "SLOWLOG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "GET [<count>]",
        "    The newest commands that took long (10 unless said, -1: all): id, UNIX time, time in",
        "    microseconds from reading it to its reply, its words, behind them the id of its trace",
        "    in the replicas' log lines if it has one, the client's address and name.",
        "LEN",
        "    How many are kept.",
        "RESET",
        "    Forgets them all.",
    };
    reply_help(call->reply, lines, sizeof lines / sizeof lines[0]);
}

static bool slowlog_get(struct session_command *call) {
    int64_t wanted;
    if (call->argument_count > 3) {
        reply_error_format(call->reply,
                           "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try "
                           "SLOWLOG HELP.",
                           BYTES_PRINT(call->arguments[1]));
        return true;
    }
    if (!read_count(call->arguments, call->argument_count, &wanted)) {
        reply_error(call->reply, "ERR count should be greater than or equal to -1");
        return true;
    }
    return ask_workers(call, &GET);
}

bool slowlog_command(struct session_command *call) {
    const char *name = call->command->name;
    if (strcmp(name, "slowlog|get") == 0)
        return slowlog_get(call);
    if (strcmp(name, "slowlog|len") == 0)
        return ask_workers(call, &LENGTH);
    if (strcmp(name, "slowlog|reset") == 0)
        return ask_workers(call, &RESET);
    CHECK(strcmp(name, "slowlog|help") == 0);
    slowlog_help(call);
    return true;
}
