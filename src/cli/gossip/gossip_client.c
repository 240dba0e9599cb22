#include "cli/gossip/gossip_client.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"
#include "cli/terminal/refusal.h"

enum {
    GOSSIP_LINE_BYTES = 16 << 10,
    GOSSIP_PUSH_WORDS = 5, /* at least */
    WATCH_SILENCE_MS = 5000
};

/* ---- asking ---- */

int gossip_client_fail(const struct gossip_client *asking, int exit_code, const char *problem) {
    if (!asking->is_json) {
        fprintf(stderr, "trothdb %s: %s\n", asking->command, problem);
        return exit_code;
    }
    refusal_print_json(problem);
    return exit_code;
}

int gossip_client_open(struct gossip_client *asking, const char *at) {
    struct net_address address;
    struct response hello;
    char problem[CLIENT_PROBLEM_BYTES];
    if (client_address(&address, at, problem)) {
        refusal_tell(asking->command, asking->is_json, "%s", problem);
        return EXIT_USAGE;
    }
    if (client_open(&asking->client, &address, CLIENT_TIMEOUT_MS) ||
        client_call_text(&asking->client, "HELLO 3", &hello)) {
        snprintf(problem, sizeof problem, "%s", asking->client.problem);
        client_close(&asking->client);
        return gossip_client_fail(asking, EXIT_FAILED, problem);
    }
    response_release(&hello);
    return EXIT_OK;
}

void gossip_client_close(struct gossip_client *asking) { client_close(&asking->client); }

int gossip_client_call(struct gossip_client *asking, const struct bytes *words, size_t count,
                       struct response *reply) {
    if (client_call(&asking->client, words, count, reply))
        return gossip_client_fail(asking, EXIT_FAILED, asking->client.problem);
    return EXIT_OK;
}

/* ---- reading answers ---- */

const struct response *response_field(const struct response *map, const char *name) {
    for (size_t i = 0; i + 1 < map->element_count; i += 2)
        if (bytes_equal(map->elements[i].text, bytes_of_text(name)))
            return &map->elements[i + 1];
    return NULL;
}

struct bytes response_field_text(const struct response *map, const char *name) {
    const struct response *field = response_field(map, name);
    return field ? field->text : BYTES_NONE;
}

int64_t response_field_number(const struct response *map, const char *name) {
    const struct response *field = response_field(map, name);
    return field ? field->integer : 0;
}

static void json_elements(const struct response *reply, struct json *json) {
    for (size_t i = 0; i < reply->element_count; i++)
        response_json(&reply->elements[i], NULL, json);
}

static void json_pairs(const struct response *reply, struct json *json) {
    char name[GOSSIP_LINE_BYTES];
    for (size_t i = 0; i + 1 < reply->element_count; i += 2) {
        snprintf(name, sizeof name, "%.*s", BYTES_PRINT(reply->elements[i].text));
        response_json(&reply->elements[i + 1], name, json);
    }
}

void response_json(const struct response *reply, const char *name, struct json *json) {
    switch (reply->kind) {
    case RESPONSE_NULL:
        json_null(json, name);
        return;
    case RESPONSE_INTEGER:
        json_integer(json, name, reply->integer);
        return;
    case RESPONSE_BOOLEAN:
        json_boolean(json, name, reply->integer != 0);
        return;
    case RESPONSE_MAP:
        json_open(json, name, '{');
        json_pairs(reply, json);
        json_close(json, '}');
        return;
    case RESPONSE_ARRAY:
    case RESPONSE_SET:
    case RESPONSE_PUSH:
        json_open(json, name, '[');
        json_elements(reply, json);
        json_close(json, ']');
        return;
    case RESPONSE_SIMPLE:
    case RESPONSE_ERROR:
    case RESPONSE_BULK:
    case RESPONSE_DOUBLE:
    case RESPONSE_VERBATIM:
    case RESPONSE_BIG_NUMBER:
        json_bytes(json, name, reply->text);
        return;
    }
}

/* ---- watching ---- */

static void append_time(struct buffer *out) {
    struct timespec now;
    struct tm parts;
    char text[32];
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &parts);
    strftime(text, sizeof text, "%H:%M:%S", &parts);
    buffer_append_format(out, "%s.%03ld", text, now.tv_nsec / 1000000);
}

static void append_word(struct buffer *out, const char *before, const struct response *word) {
    buffer_append_text(out, before);
    utf8_append_shown(out, word->text);
}

/* "gossip", event, name, id, then an address, or a key and its value. What members say may be any
 * bytes, and stays within the line. */
static void append_line(const struct response *push, struct buffer *out) {
    const struct response *word = push->elements;
    append_time(out);
    buffer_append_format(out, "  %-8.*s", BYTES_PRINT(word[1].text));
    append_word(out, " ", &word[2]);
    buffer_append_format(out, " (%.8s)", (const char *)word[3].text.data);
    if (push->element_count == GOSSIP_PUSH_WORDS) {
        append_word(out, " at ", &word[4]);
    } else if (word[5].kind == RESPONSE_NULL) {
        append_word(out, " says no more ", &word[4]);
    } else {
        append_word(out, " says ", &word[4]);
        append_word(out, " = ", &word[5]);
    }
    buffer_append_u8(out, '\n');
}

static void append_json(const struct response *push, struct buffer *out) {
    static const char *const names[] = {"event", "name", "id"};
    struct json json = {.out = out};
    json_open(&json, NULL, '{');
    for (size_t i = 0; i < 3; i++)
        response_json(&push->elements[i + 1], names[i], &json);
    bool is_key = push->element_count > GOSSIP_PUSH_WORDS;
    response_json(&push->elements[4], is_key ? "key" : "address", &json);
    if (is_key)
        response_json(&push->elements[5], "value", &json);
    json_close(&json, '}');
    buffer_append_u8(out, '\n');
}

static void append_push(const struct gossip_client *asking, const struct response *push,
                        struct buffer *out) {
    bool is_told = push->kind == RESPONSE_PUSH && push->element_count >= GOSSIP_PUSH_WORDS &&
                   bytes_equal(push->elements[0].text, BYTES_LITERAL("gossip")) &&
                   push->elements[3].text.length >= 8;
    if (!is_told)
        return;
    if (asking->is_json)
        append_json(push, out);
    else
        append_line(push, out);
}

static void print_lines(struct buffer *lines) {
    fwrite(buffer_data(lines), 1, lines->length, stdout);
    fflush(stdout);
    buffer_clear(lines);
}

/* What is heard before the answer is printed behind it. */
struct watch {
    struct gossip_client *asking;
    struct buffer lines;
};

static void watch_hear(void *context, const struct response *push) {
    struct watch *watch = context;
    append_push(watch->asking, push, &watch->lines);
}

static int watch_take_reply(struct watch *watch, gossip_client_print *print) {
    struct response reply;
    size_t consumed;
    int error = client_await(&watch->asking->client, &reply, &consumed, watch_hear, watch);
    if (error)
        return error;
    if (print != NULL)
        print(watch->asking, &reply);
    client_consume(&watch->asking->client, &reply, consumed);
    return 0;
}

static int watch_begin(struct watch *watch, const struct bytes *words, size_t count,
                       gossip_client_print *print) {
    const struct bytes wish[] = {BYTES_LITERAL("GOSSIP"), BYTES_LITERAL("WATCH")};
    struct client *client = &watch->asking->client;
    buffer_clear(&client->input); /* the reply to HELLO, which stands there still */
    client_append(client, wish, 2);
    if (count > 0)
        client_append(client, words, count);
    int error = client_flush(client);
    if (!error)
        error = watch_take_reply(watch, NULL);
    if (!error && count > 0)
        error = watch_take_reply(watch, print);
    return error;
}

/* Where nothing comes, who is asked may be gone or stand still: it is asked to say something. */
static int ask_for_a_sign(struct client *client) {
    client_append(client, (const struct bytes[]){BYTES_LITERAL("PING")}, 1);
    return client_flush(client);
}

/* Waits for what comes next. The end of whoever reads what is printed, of `head` when it has its
 * line, counts as well: else it would be noticed with the next change, which may take days. (Where
 * SIGPIPE is ignored it is.) */
static int await_news(struct client *client) {
    struct pollfd polled[] = {{.fd = client->socket, .events = POLLIN}, {.fd = STDOUT_FILENO}};
    for (bool is_asked = false; client->input.length == 0;) {
        int ready = poll(polled, 2, WATCH_SILENCE_MS);
        if (ready == 0 && is_asked)
            return client_fail(client, "cannot read from", "no answer in time");
        if (ready == 0 && ask_for_a_sign(client))
            return ERR_IO;
        is_asked |= ready == 0;
        if (ready > 0 && polled[1].revents & (POLLERR | POLLHUP))
            raise(SIGPIPE);
        if (ready > 0)
            return 0;
    }
    return 0;
}

static int read_news(struct client *client, struct response *push, size_t *consumed) {
    int error = await_news(client);
    return error ? error : client_read(client, push, consumed);
}

/* Until the connection ends, or nobody reads any more. */
static void watch_go_on(struct watch *watch) {
    struct client *client = &watch->asking->client;
    const struct timeval for_ever = {0};
    struct response push;
    size_t consumed;
    setsockopt(client->socket, SOL_SOCKET, SO_RCVTIMEO, &for_ever, sizeof for_ever);
    print_lines(&watch->lines);
    while (!ferror(stdout) && !read_news(client, &push, &consumed)) {
        append_push(watch->asking, &push, &watch->lines);
        client_consume(client, &push, consumed);
        print_lines(&watch->lines);
    }
}

int gossip_client_watch(struct gossip_client *asking, const struct bytes *words, size_t count,
                        gossip_client_print *print) {
    struct watch watch = {.asking = asking};
    buffer_init(&watch.lines, GOSSIP_OUTPUT_BYTES);
    if (!watch_begin(&watch, words, count, print))
        watch_go_on(&watch);
    buffer_release(&watch.lines);
    if (ferror(stdout))
        return EXIT_FAILED; /* main() says so */
    return gossip_client_fail(asking, EXIT_FAILED, asking->client.problem);
}
