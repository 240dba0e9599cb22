#include "cli/client/survey.h"

#include <poll.h>

/* Who is being asked now. */
struct asking {
    const struct survey *survey;
    struct survey_answer *answers, *open[SURVEY_AT_ONCE];
    size_t count, next, open_count; /* answers[next..] are not asked yet */
};

/* ---- one node ---- */

static void end_with(struct survey_answer *answer, int error) {
    answer->error = error;
    answer->is_over = true;
    client_hang_up(&answer->client);
}

static void begin(const struct survey *survey, struct survey_answer *answer) {
    struct client *client = &answer->client;
    int error = client_begin(client, &answer->address);
    answer->is_connecting = true;
    answer->is_over = false;
    if (error) {
        end_with(answer, error);
        return;
    }
    answer->replies_before = client_append_login(client);
    if (survey->is_resp3) {
        client_append(client, (struct bytes[]){BYTES_LITERAL("HELLO"), BYTES_LITERAL("3")}, 2);
        answer->replies_before++;
    }
    client_append(client, survey->words, survey->word_count);
}

/* The login comes first; that a node wants none is no error. */
static int check_before(const struct survey *survey, struct survey_answer *answer,
                        const struct response *reply) {
    bool is_hello = survey->is_resp3 && answer->replies_before == 1;
    answer->replies_before--;
    if (!is_hello)
        return client_check_login(&answer->client, reply);
    return reply->kind == RESPONSE_ERROR ? client_refused(&answer->client, reply->text) : 0;
}

/* 1: more has to come; 0: a reply was taken; an error. */
static int take_reply(const struct survey *survey, struct survey_answer *answer) {
    struct client *client = &answer->client;
    struct response reply;
    size_t consumed;
    int status = response_parse(buffer_bytes(&client->input), &reply, &consumed);
    if (status == 0)
        return 1;
    if (status < 0)
        return client_fail(client, "cannot understand", "not a reply of the Redis protocol");
    int error = 0;
    if (answer->replies_before > 0) {
        error = check_before(survey, answer, &reply);
        client_consume(client, &reply, consumed);
    } else if (reply.kind == RESPONSE_ERROR) {
        error = client_refused(client, reply.text);
        response_release(&reply);
    } else {
        answer->reply = reply;
        end_with(answer, 0);
    }
    return error;
}

static int go_on(const struct survey *survey, struct survey_answer *answer) {
    struct client *client = &answer->client;
    int error = answer->is_connecting ? client_begun(client) : 0;
    answer->is_connecting = error != 0;
    error = error ? error : client_send_some(client);
    error = error ? error : client_receive_some(client);
    while (!error && !answer->is_over)
        error = take_reply(survey, answer);
    return error == 1 ? 0 : error;
}

/* ---- all of them ---- */

static void begin_more(struct asking *asking) {
    while (asking->next < asking->count && asking->open_count < SURVEY_AT_ONCE) {
        struct survey_answer *answer = &asking->answers[asking->next++];
        begin(asking->survey, answer);
        if (!answer->is_over)
            asking->open[asking->open_count++] = answer;
    }
}

/* Until something can be done, or the time of one of them is over. */
static void wait_for_some(const struct asking *asking, int64_t now_ms,
                          struct pollfd polled[SURVEY_AT_ONCE]) {
    int64_t wait_ms = asking->survey->timeout_ms;
    for (size_t i = 0; i < asking->open_count; i++) {
        const struct survey_answer *answer = asking->open[i];
        int64_t left_ms = answer->deadline_ms - now_ms;
        bool has_output = answer->is_connecting || answer->client.output.length > 0;
        polled[i] = (struct pollfd){.fd = answer->client.socket,
                                    .events = has_output ? POLLIN | POLLOUT : POLLIN};
        if (left_ms < wait_ms)
            wait_ms = left_ms;
    }
    /* Where it fails none is ready. */
    (void)poll(polled, asking->open_count, wait_ms > 0 ? (int)wait_ms : 0);
}

static void give_up(struct survey_answer *answer) {
    const char *what = answer->is_connecting ? "cannot connect to" : "cannot read from";
    answer->is_silent = !answer->is_connecting;
    end_with(answer, client_fail(&answer->client, what, "no answer in time"));
}

/* What had come when the time was over still counts: `now_ms` was before the last look. */
static void go_on_with_all(struct asking *asking, int64_t now_ms,
                           const struct pollfd polled[SURVEY_AT_ONCE]) {
    size_t kept = 0;
    for (size_t i = 0; i < asking->open_count; i++) {
        struct survey_answer *answer = asking->open[i];
        int error = polled[i].revents ? go_on(asking->survey, answer) : 0;
        if (error)
            end_with(answer, error);
        else if (!answer->is_over && now_ms >= answer->deadline_ms)
            give_up(answer);
        if (!answer->is_over)
            asking->open[kept++] = answer;
    }
    asking->open_count = kept;
}

static void prepare(const struct survey *survey, struct survey_answer *answer, int64_t now_ms) {
    int timeout_ms = survey->timeout_ms;
    if (answer->is_doubtful && timeout_ms > SURVEY_DOUBTFUL_MS)
        timeout_ms = SURVEY_DOUBTFUL_MS;
    *answer = (struct survey_answer){.address = answer->address,
                                     .is_doubtful = answer->is_doubtful,
                                     .deadline_ms = now_ms + timeout_ms};
}

size_t survey_ask(const struct survey *survey, struct survey_answer *answers, size_t count) {
    struct pollfd polled[SURVEY_AT_ONCE];
    struct asking asking = {.survey = survey, .answers = answers, .count = count};
    int64_t now_ms = (int64_t)client_now_ms();
    size_t failed = 0;
    for (size_t i = 0; i < count; i++)
        prepare(survey, &answers[i], now_ms);
    for (begin_more(&asking); asking.open_count > 0; begin_more(&asking)) {
        now_ms = (int64_t)client_now_ms();
        wait_for_some(&asking, now_ms, polled);
        go_on_with_all(&asking, now_ms, polled);
    }
    for (size_t i = 0; i < count; i++)
        failed += answers[i].error != 0;
    return failed;
}

void survey_release(struct survey_answer *answers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        response_release(&answers[i].reply);
        buffer_release(&answers[i].client.input);
        buffer_release(&answers[i].client.output);
        answers[i] = (struct survey_answer){.address = answers[i].address};
    }
}
