#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/containers/queue.h"
#include "base/memory.h"
#include "bound.h"

enum { EVENTS_MAXIMUM = 256, LOG_EVENT = BOUND_CLIENT_MAXIMUM, LISTEN_EVENT, FOLLOWER_EVENT };

struct client {
    int connection; /* -1: free */
    struct buffer input, output;
    struct request_parser parser;
    uint32_t life; /* of this place: what waits for an earlier client is dropped */
};

/* What waits for the commit of everything before `offset`. */
struct waiting {
    uint64_t offset;
    uint32_t client, life, key_bytes; /* of a GET; 0: a SET */
    size_t request_bytes;             /* in `stream`; of a GET: 0 */
};

struct leader {
    int epoll, listener, log_event;
    const int *followers;
    struct client clients[BOUND_CLIENT_MAXIMUM];
    struct bound_data *data;
    struct request_parser applier;
    struct queue waiting;
    struct buffer batch;  /* of this turn */
    struct buffer stream; /* not yet applied */
    struct buffer keys;   /* of the GETs that wait, one behind the other */
    uint64_t end, durable[1 + BOUND_FOLLOWERS];
    struct buffer acknowledgements[BOUND_FOLLOWERS];
    /* The log's thread. */
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t is_wanted;
    struct buffer to_log;
    uint64_t logged;
    struct bound_log log;
};

/* ---- the log's thread: what came during the last sync is the next round ---- */

static void *log_main(void *context) {
    struct leader *leader = context;
    struct buffer round;
    buffer_init(&round, BOUND_BUFFER_MAXIMUM);
    for (;;) {
        pthread_mutex_lock(&leader->mutex);
        while (leader->to_log.length == 0)
            pthread_cond_wait(&leader->is_wanted, &leader->mutex);
        struct buffer taken = leader->to_log;
        leader->to_log = round;
        pthread_mutex_unlock(&leader->mutex);
        bound_log_write(&leader->log, buffer_bytes(&taken));
        round = taken;
        buffer_clear(&round);
        pthread_mutex_lock(&leader->mutex);
        leader->logged = leader->log.offset;
        pthread_mutex_unlock(&leader->mutex);
        if (eventfd_write(leader->log_event, 1) != 0)
            bound_fail("eventfd");
    }
}

/* ---- what came in one turn ---- */

static void take_command(struct leader *leader, uint32_t number, size_t consumed) {
    struct client *client = &leader->clients[number];
    const struct bytes *arguments = client->parser.arguments;
    struct waiting *waiting = queue_push(&leader->waiting);
    *waiting = (struct waiting){.client = number, .life = client->life};
    if (client->parser.argument_count == 3) {
        waiting->request_bytes = consumed;
        buffer_append(&leader->batch, buffer_data(&client->input), consumed);
    } else if (client->parser.argument_count == 2) {
        waiting->key_bytes = (uint32_t)arguments[1].length;
        buffer_append_bytes(&leader->keys, arguments[1]);
    }
    waiting->offset = leader->end + leader->batch.length;
}

static void drop_client(struct client *client) {
    close(client->connection);
    client->connection = -1;
    client->life++;
    buffer_clear(&client->input);
    buffer_clear(&client->output);
    request_parser_release(&client->parser);
}

static void on_client(struct leader *leader, uint32_t number) {
    struct client *client = &leader->clients[number];
    if (client->connection < 0)
        return;
    ssize_t got = read(client->connection, buffer_reserve(&client->input, BOUND_READ_BYTES),
                       BOUND_READ_BYTES);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR))
            drop_client(client);
        return;
    }
    buffer_grew(&client->input, (size_t)got);
    size_t consumed;
    while (request_parse(&client->parser, buffer_bytes(&client->input), &consumed) ==
           REQUEST_READY) {
        take_command(leader, number, consumed);
        buffer_consume(&client->input, consumed);
    }
}

static void watch(struct leader *leader, int descriptor, uint32_t number) {
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = number};
    if (epoll_ctl(leader->epoll, EPOLL_CTL_ADD, descriptor, &event) != 0)
        bound_fail("epoll");
}

static void on_listener(struct leader *leader) {
    int yes = 1, connection = accept4(leader->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    uint32_t number = 0;
    while (number < BOUND_CLIENT_MAXIMUM && leader->clients[number].connection >= 0)
        number++;
    if (connection < 0 || number == BOUND_CLIENT_MAXIMUM)
        bound_fail("too many clients");
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    leader->clients[number].connection = connection;
    request_parser_init(&leader->clients[number].parser, &bound_limits);
    watch(leader, connection, number);
}

static void on_follower(struct leader *leader, uint32_t number) {
    struct buffer *in = &leader->acknowledgements[number];
    bound_read(leader->followers[number], in);
    for (; in->length >= sizeof(uint64_t); buffer_consume(in, sizeof(uint64_t)))
        memcpy(&leader->durable[1 + number], buffer_data(in), sizeof(uint64_t));
}

static void on_log(struct leader *leader) {
    eventfd_t count;
    if (eventfd_read(leader->log_event, &count) != 0)
        return;
    pthread_mutex_lock(&leader->mutex);
    leader->durable[0] = leader->logged;
    pthread_mutex_unlock(&leader->mutex);
}

/* ---- the end of a turn ---- */

static void append_batch(struct leader *leader) {
    struct bytes batch = buffer_bytes(&leader->batch);
    if (batch.length == 0)
        return;
    pthread_mutex_lock(&leader->mutex);
    buffer_append_bytes(&leader->to_log, batch);
    pthread_mutex_unlock(&leader->mutex);
    pthread_cond_signal(&leader->is_wanted);
    for (unsigned i = 0; i < BOUND_FOLLOWERS; i++)
        bound_write(leader->followers[i], batch);
    buffer_append_bytes(&leader->stream, batch);
    leader->end += batch.length;
    buffer_clear(&leader->batch);
}

static uint64_t committed(const struct leader *leader) {
    const uint64_t *d = leader->durable;
    uint64_t low = d[0] < d[1] ? d[0] : d[1], high = d[0] < d[1] ? d[1] : d[0];
    return d[2] < low ? low : d[2] > high ? high : d[2];
}

static void answer_get(struct leader *leader, struct client *client, uint32_t key_bytes) {
    struct bytes key = {buffer_data(&leader->keys), key_bytes};
    const struct bound_data *at = bound_data_at(leader->data, key);
    if (client && at->key_bytes) {
        buffer_append_format(&client->output, "$%u\r\n", at->value_bytes);
        buffer_append(&client->output, at->value, at->value_bytes);
        buffer_append_text(&client->output, "\r\n");
    } else if (client) {
        buffer_append_text(&client->output, "$-1\r\n");
    }
    buffer_consume(&leader->keys, key_bytes);
}

static void answer_set(struct leader *leader, struct client *client, size_t request_bytes) {
    size_t consumed;
    if (request_parse(&leader->applier, buffer_bytes(&leader->stream), &consumed) !=
            REQUEST_READY ||
        consumed != request_bytes)
        bound_fail("the stream");
    bound_data_set(leader->data, leader->applier.arguments[1], leader->applier.arguments[2]);
    buffer_consume(&leader->stream, consumed);
    if (client)
        buffer_append_text(&client->output, "+OK\r\n");
}

static void answer(struct leader *leader) {
    uint64_t commit = committed(leader);
    struct waiting *waiting;
    while ((waiting = queue_front(&leader->waiting)) && waiting->offset <= commit) {
        struct client *client = &leader->clients[waiting->client];
        if (client->life != waiting->life)
            client = NULL;
        if (waiting->key_bytes)
            answer_get(leader, client, waiting->key_bytes);
        else if (waiting->request_bytes)
            answer_set(leader, client, waiting->request_bytes);
        else if (client)
            buffer_append_text(&client->output, "-ERR this knows SET and GET only\r\n");
        queue_pop(&leader->waiting);
    }
    for (uint32_t i = 0; i < BOUND_CLIENT_MAXIMUM; i++) {
        struct client *client = &leader->clients[i];
        if (client->output.length == 0)
            continue;
        bound_write(client->connection, buffer_bytes(&client->output));
        buffer_clear(&client->output);
    }
}

static void on_event(struct leader *leader, uint32_t number) {
    if (number < BOUND_CLIENT_MAXIMUM)
        on_client(leader, number);
    else if (number == LISTEN_EVENT)
        on_listener(leader);
    else if (number == LOG_EVENT)
        on_log(leader);
    else
        on_follower(leader, number - FOLLOWER_EVENT);
}

/* ---- life ---- */

static struct leader *new_leader(const int followers[BOUND_FOLLOWERS]) {
    struct leader *leader = memory_allocate_zeroed(1, sizeof *leader);
    leader->followers = followers;
    leader->epoll = epoll_create1(EPOLL_CLOEXEC);
    leader->log_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    leader->data = bound_data_new();
    request_parser_init(&leader->applier, &bound_limits);
    queue_init(&leader->waiting, sizeof(struct waiting));
    struct buffer *buffers[] = {&leader->batch,
                                &leader->stream,
                                &leader->keys,
                                &leader->to_log,
                                &leader->acknowledgements[0],
                                &leader->acknowledgements[1]};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        buffer_init(buffers[i], BOUND_BUFFER_MAXIMUM);
    for (uint32_t i = 0; i < BOUND_CLIENT_MAXIMUM; i++) {
        leader->clients[i].connection = -1;
        buffer_init(&leader->clients[i].input, BOUND_BUFFER_MAXIMUM);
        buffer_init(&leader->clients[i].output, BOUND_BUFFER_MAXIMUM);
    }
    pthread_mutex_init(&leader->mutex, NULL);
    pthread_cond_init(&leader->is_wanted, NULL);
    return leader;
}

void bound_leader_run(uint16_t port, const int followers[BOUND_FOLLOWERS], const char *directory) {
    struct leader *leader = new_leader(followers);
    bound_log_open(&leader->log, directory, "leader.log");
    leader->listener = bound_listen(port);
    pthread_t thread;
    if (pthread_create(&thread, NULL, log_main, leader) != 0)
        bound_fail("cannot start a thread");
    watch(leader, leader->listener, LISTEN_EVENT);
    watch(leader, leader->log_event, LOG_EVENT);
    for (uint32_t i = 0; i < BOUND_FOLLOWERS; i++)
        watch(leader, followers[i], FOLLOWER_EVENT + i);
    for (;;) {
        struct epoll_event events[EVENTS_MAXIMUM];
        int count = epoll_wait(leader->epoll, events, EVENTS_MAXIMUM, -1);
        for (int i = 0; i < count; i++)
            on_event(leader, events[i].data.u32);
        append_batch(leader);
        answer(leader);
    }
}
