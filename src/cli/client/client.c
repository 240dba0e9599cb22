#include "cli/client/client.h"

#include "io/socket_address.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"
#include "wire/request.h"

enum {
    CLIENT_BUFFER_MAXIMUM = 512 << 20,
    CLIENT_READ_BYTES = 64 << 10,
    CLIENT_WORDS_MAXIMUM = 16,
    CLIENT_TRY_MS = 1000 /* for one of several addresses */
};

uint64_t client_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- names ---- */

/* Whether somebody listens there, and says so soon. */
static bool is_listened_at(const struct addrinfo *at) {
    int problem = 0,
        descriptor = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return false;
    struct pollfd polled = {.fd = descriptor, .events = POLLOUT};
    socklen_t length = sizeof problem;
    bool is_open = connect(descriptor, at->ai_addr, at->ai_addrlen) == 0;
    if (!is_open && errno == EINPROGRESS && poll(&polled, 1, CLIENT_TRY_MS) == 1)
        is_open = getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &problem, &length) == 0 && !problem;
    close(descriptor);
    return is_open;
}

static const struct addrinfo *choose(const struct addrinfo *found) {
    for (const struct addrinfo *at = found; found->ai_next && at; at = at->ai_next)
        if (is_listened_at(at))
            return at;
    return found;
}

static int resolve(struct net_address *address, const struct net_name *name) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found;
    char port[8];
    snprintf(port, sizeof port, "%u", (unsigned)name->port);
    if (getaddrinfo(name->host, port, &hints, &found))
        return ERR_INVALID;
    const struct addrinfo *chosen = choose(found);
    int error = getnameinfo(chosen->ai_addr, chosen->ai_addrlen, address->host,
                            sizeof address->host, NULL, 0, NI_NUMERICHOST);
    address->port = name->port;
    freeaddrinfo(found);
    return error ? ERR_INVALID : 0;
}

/* It may be anything that stood on a command line: it moves no cursor of a terminal. */
static int note_address(char *problem, const char *text, const char *what) {
    struct buffer shown;
    buffer_init(&shown, CLIENT_PROBLEM_BYTES); /* more would be cut in any case */
    utf8_append_shown(&shown, bytes_of_text(text));
    snprintf(problem, CLIENT_PROBLEM_BYTES, "'%.*s'%s", BYTES_PRINT(buffer_bytes(&shown)), what);
    buffer_release(&shown);
    return ERR_INVALID;
}

int client_address(struct net_address *address, const char *text, char *problem) {
    if (!net_address_parse(address, bytes_of_text(text)))
        return 0;
    struct net_name name;
    if (net_name_parse(&name, bytes_of_text(text)))
        return note_address(problem, text, " is not host:port, such as 127.0.0.1:7001");
    return resolve(address, &name) ? note_address(problem, text, ": there is no such host") : 0;
}

int client_fail(struct client *client, const char *what, const char *why) {
    char address[NET_HOST_MAXIMUM + 10];
    net_address_format(&client->address, address);
    snprintf(client->problem, sizeof client->problem, "%s %s: %s", what, address, why);
    client_close(client);
    return ERR_IO;
}

static int fail_to_connect(struct client *client, int problem) {
    return client_fail(client, "cannot connect to",
                       problem == EINPROGRESS ? "no answer in time" : strerror(problem));
}

/* ---- a connection ---- */

bool client_append_login(struct client *client) {
    const char *password = getenv("TROTHDB_PASSWORD");
    if (!password || !*password)
        return false;
    client_append(client, (struct bytes[]){BYTES_LITERAL("AUTH"), bytes_of_text(password)}, 2);
    return true;
}

/* A node that asks for no password is content with any: one environment serves for nodes that were
 * given the password already, those that were not yet, and those of a demo. */
int client_check_login(struct client *client, const struct response *reply) {
    static const char none_wanted[] = "without any password configured";
    if (reply->kind != RESPONSE_ERROR ||
        memmem(reply->text.data, reply->text.length, none_wanted, sizeof none_wanted - 1))
        return 0;
    return client_refused(client, reply->text);
}

static int log_in(struct client *client) {
    struct response reply;
    size_t consumed;
    if (!client_append_login(client))
        return 0;
    int error = client_flush(client);
    if (!error)
        error = client_read(client, &reply, &consumed);
    if (!error) {
        error = client_check_login(client, &reply);
        client_consume(client, &reply, consumed);
    }
    if (error)
        client_close(client);
    return error;
}

/* `kind` is that of the socket. On 0 it is connected, or will be. */
static int start_to_connect(struct client *client, const struct net_address *address, int kind,
                            int timeout_ms) {
    *client = (struct client){.socket = -1, .address = *address};
    buffer_init(&client->input, CLIENT_BUFFER_MAXIMUM);
    buffer_init(&client->output, CLIENT_BUFFER_MAXIMUM);
    struct sockaddr_storage to;
    socklen_t length = socket_address(address, &to);
    if (length == 0)
        return client_fail(client, "cannot connect to", "not an IP address");
    client->socket = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | kind, 0);
    if (client->socket < 0)
        return fail_to_connect(client, errno);
    struct timeval limit = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    setsockopt(client->socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(client->socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(client->socket, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(client->socket, (struct sockaddr *)&to, length) &&
        !(errno == EINPROGRESS && kind == SOCK_NONBLOCK))
        return fail_to_connect(client, errno);
    return 0;
}

int client_open(struct client *client, const struct net_address *address, int timeout_ms) {
    int error = start_to_connect(client, address, 0, timeout_ms);
    return error ? error : log_in(client);
}

int client_begin(struct client *client, const struct net_address *address) {
    return start_to_connect(client, address, SOCK_NONBLOCK, 0);
}

int client_begun(struct client *client) {
    int problem = 0;
    socklen_t length = sizeof problem;
    if (getsockopt(client->socket, SOL_SOCKET, SO_ERROR, &problem, &length))
        problem = errno;
    return problem ? fail_to_connect(client, problem) : 0;
}

void client_hang_up(struct client *client) {
    if (client->socket >= 0)
        close(client->socket);
    client->socket = -1;
}

void client_close(struct client *client) {
    client_hang_up(client);
    buffer_release(&client->input);
    buffer_release(&client->output);
}

void client_append(struct client *client, const struct bytes *arguments, size_t count) {
    request_encode(&client->output, arguments, count);
}

int client_flush(struct client *client) {
    while (client->output.length) {
        ssize_t wrote =
            send(client->socket, buffer_data(&client->output), client->output.length, MSG_NOSIGNAL);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0) {
            return client_fail(client, "cannot write to",
                               errno == EAGAIN ? "no answer in time" : strerror(errno));
        }
        buffer_consume(&client->output, (size_t)wrote);
    }
    return 0;
}

int client_read(struct client *client, struct response *response, size_t *consumed) {
    for (;;) {
        int status = response_parse(buffer_bytes(&client->input), response, consumed);
        if (status == 1)
            return 0;
        if (status < 0)
            return client_fail(client, "cannot understand", "not a reply of the Redis protocol");
        uint8_t *room = buffer_reserve(&client->input, CLIENT_READ_BYTES);
        if (!room)
            return client_fail(client, "cannot read from", "a reply that is too long");
        ssize_t got = recv(client->socket, room, CLIENT_READ_BYTES, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            const char *why = got == 0 ? "the connection was closed" : strerror(errno);
            return client_fail(client, "cannot read from",
                               got < 0 && errno == EAGAIN ? "no answer in time" : why);
        }
        buffer_grew(&client->input, (size_t)got);
    }
}

int client_send_some(struct client *client) {
    while (client->output.length) {
        ssize_t wrote = send(client->socket, buffer_data(&client->output), client->output.length,
                             MSG_NOSIGNAL | MSG_DONTWAIT);
        if (wrote < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (wrote <= 0)
            return client_fail(client, "cannot write to", strerror(errno));
        buffer_consume(&client->output, (size_t)wrote);
    }
    return 0;
}

int client_receive_some(struct client *client) {
    uint8_t *room = buffer_reserve(&client->input, CLIENT_READ_BYTES);
    if (!room)
        return client_fail(client, "cannot read from", "a reply that is too long");
    ssize_t got = recv(client->socket, room, CLIENT_READ_BYTES, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (got <= 0) {
        return client_fail(client, "cannot read from",
                           got == 0 ? "the connection was closed" : strerror(errno));
    }
    buffer_grew(&client->input, (size_t)got);
    return 0;
}

void client_consume(struct client *client, struct response *response, size_t consumed) {
    response_release(response);
    buffer_consume(&client->input, consumed);
}

static bool begins_with(struct bytes text, const char *word) {
    size_t length = strlen(word);
    return text.length >= length && memcmp(text.data, word, length) == 0;
}

/* It may be anybody who answers: what is said moves no cursor of a terminal. */
static void note_answer(struct client *client, const char *address, struct bytes answer) {
    struct buffer shown;
    buffer_init(&shown, CLIENT_PROBLEM_BYTES); /* more would be cut in any case */
    utf8_append_shown(&shown, answer);
    snprintf(client->problem, sizeof client->problem, "%s answers: %.*s", address,
             BYTES_PRINT(buffer_bytes(&shown)));
    buffer_release(&shown);
}

/* What a person can do about a password stands here, and not in the server's words. */
int client_refused(struct client *client, struct bytes error) {
    char address[NET_HOST_MAXIMUM + 10];
    net_address_format(&client->address, address);
    if (begins_with(error, "NOAUTH ")) {
        snprintf(client->problem, sizeof client->problem,
                 "%s asks for a password: put it into the environment as TROTHDB_PASSWORD",
                 address);
    } else if (begins_with(error, "WRONGPASS ")) {
        snprintf(client->problem, sizeof client->problem,
                 "%s takes another password than the environment's TROTHDB_PASSWORD", address);
    } else {
        note_answer(client, address, error);
    }
    return ERR_REFUSED;
}

static int take_refusal(struct client *client, struct response *response) {
    if (response->kind != RESPONSE_ERROR)
        return 0;
    int error = client_refused(client, response->text);
    response_release(response);
    return error;
}

int client_await(struct client *client, struct response *response, size_t *consumed,
                 void (*heard)(void *context, const struct response *push), void *context) {
    int error = client_read(client, response, consumed);
    while (!error && response->kind == RESPONSE_PUSH) {
        heard(context, response);
        client_consume(client, response, *consumed);
        error = client_read(client, response, consumed);
    }
    return error ? error : take_refusal(client, response);
}

/* The reply stands at the front of the input until the next call: then all input is old. */
int client_call(struct client *client, const struct bytes *arguments, size_t count,
                struct response *response) {
    if (client->socket < 0)
        return ERR_IO;
    buffer_clear(&client->input);
    client_append(client, arguments, count);
    size_t consumed;
    int error = client_flush(client);
    if (!error)
        error = client_read(client, response, &consumed);
    return error ? error : take_refusal(client, response);
}

int client_call_text(struct client *client, const char *command, struct response *response) {
    struct bytes words[CLIENT_WORDS_MAXIMUM];
    size_t count = 0;
    while (*command && count < CLIENT_WORDS_MAXIMUM) {
        size_t length = strcspn(command, " ");
        words[count++] = bytes_of(command, length);
        command += length + (command[length] == ' ');
    }
    return client_call(client, words, count, response);
}
