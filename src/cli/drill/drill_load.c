#include "cli/drill/drill_load.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"
#include "cli/client/client.h"
#include "cli/drill/drill_check.h"
#include "cli/terminal/figure.h"

enum { KEY_BYTES = 32, NUMBER_BYTES = 24, RETRY_US = 3000, READER_PAUSE_US = 500 };

struct drill_thread {
    struct drill_load *load;
    pthread_t thread;
    unsigned index;
    struct client clients[DRILL_NODE_MAXIMUM]; /* opened when needed */
    bool is_open[DRILL_NODE_MAXIMUM];
    unsigned asked; /* the node that led when last asked */
};

struct drill_writer {
    struct drill_thread thread;
    struct drill_key keys[DRILL_KEYS];
    uint64_t acknowledged_us, acknowledged_begun_us; /* of the last acknowledged write */
    uint64_t gap_us;                                 /* the longest since the mark */
};

struct drill_load {
    struct drill_load_options options;
    struct net_address nodes[DRILL_NODE_MAXIMUM];
    struct drill_writer *writers;
    struct drill_thread *readers;
    pthread_mutex_t mutex; /* guards what follows, and the writers' numbers */
    struct drill_counts counts;
    char wrong[DRILL_PROBLEM_BYTES];
    bool is_stopping;
};

static void lock(struct drill_load *load) { CHECK(pthread_mutex_lock(&load->mutex) == 0); }
static void unlock(struct drill_load *load) { CHECK(pthread_mutex_unlock(&load->mutex) == 0); }

static bool is_stopping(struct drill_load *load) {
    lock(load);
    bool is = load->is_stopping;
    unlock(load);
    return is;
}

/* ---- asking whoever leads ---- */

static void disconnect(struct drill_thread *thread, unsigned node) {
    if (thread->is_open[node]) {
        client_close(&thread->clients[node]);
        thread->is_open[node] = false;
    }
}

static void ask_next(struct drill_thread *thread) {
    thread->asked = (thread->asked + 1) % thread->load->options.node_count;
    usleep(RETRY_US);
}

/* "MOVED 12345 127.0.0.1:7002" */
static void follow(struct drill_thread *thread, const char *problem) {
    const char *moved = strstr(problem, "MOVED ");
    const char *port = moved ? strrchr(moved, ':') : NULL;
    for (unsigned i = 0; port && i < thread->load->options.node_count; i++) {
        if (thread->load->nodes[i].port == strtoul(port + 1, NULL, 10)) {
            thread->asked = i;
            return;
        }
    }
    ask_next(thread);
}

enum answer { ANSWERED, REFUSED /* and not carried out */, UNKNOWN };

/* One question to the node that led last. On ANSWERED the reply is to be released. */
static enum answer ask(struct drill_thread *thread, const struct bytes *words, size_t count,
                       int timeout_ms, struct response *reply) {
    unsigned node = thread->asked;
    struct client *client = &thread->clients[node];
    if (!thread->is_open[node] && client_open(client, &thread->load->nodes[node], timeout_ms)) {
        client_close(client);
        ask_next(thread);
        return REFUSED;
    }
    thread->is_open[node] = true;
    int error = client_call(client, words, count, reply);
    if (!error)
        return ANSWERED;
    if (error == ERR_REFUSED && !strstr(client->problem, "UNKNOWN")) {
        follow(thread, client->problem);
        return REFUSED;
    }
    disconnect(thread, node); /* an answer that comes late must not be taken for the next one */
    ask_next(thread);
    return UNKNOWN;
}

static void key_name(char name[KEY_BYTES], unsigned writer, unsigned key) {
    snprintf(name, KEY_BYTES, "{drill-%u}%u", writer, key);
}

/* ---- what a key may hold ---- */

/* Under the lock, or when nothing else runs. */
static void note_verdict(struct drill_load *load, enum drill_verdict verdict, const char *name,
                         uint64_t found, uint64_t wanted) {
    load->counts.stale += verdict == DRILL_STALE;
    load->counts.lost += verdict == DRILL_LOST;
    load->counts.invented += verdict == DRILL_INVENTED;
    if (verdict != DRILL_RIGHT && !load->wrong[0]) {
        snprintf(load->wrong, sizeof load->wrong,
                 "%s: key %s holds %llu, and %llu was acknowledged", drill_verdict_text(verdict),
                 name, (unsigned long long)found, (unsigned long long)wanted);
    }
}

/* A missing key holds 0. */
static uint64_t number_of(const struct response *reply) {
    char text[NUMBER_BYTES] = "";
    if (reply->kind == RESPONSE_BULK && reply->text.length < sizeof text)
        memcpy(text, reply->text.data, reply->text.length);
    return strtoull(text, NULL, 10);
}

/* ---- writers ---- */

static void note_acknowledged(struct drill_writer *writer, struct drill_key *key, uint64_t number,
                              uint64_t begun_us) {
    struct drill_load *load = writer->thread.load;
    uint64_t now_us = figure_now_us();
    lock(load);
    key->acknowledged = number;
    load->counts.acknowledged++;
    uint64_t gap_us = now_us - writer->acknowledged_us;
    writer->gap_us = gap_us > writer->gap_us ? gap_us : writer->gap_us;
    writer->acknowledged_us = now_us;
    writer->acknowledged_begun_us = begun_us;
    unlock(load);
}

static void note_unknown(struct drill_load *load, struct drill_key *key, uint64_t number) {
    lock(load);
    drill_key_note_unknown(key, number);
    load->counts.unknown++;
    unlock(load);
}

static void write_one(struct drill_writer *writer, unsigned index) {
    struct drill_load *load = writer->thread.load;
    struct drill_key *key = &writer->keys[index];
    char name[KEY_BYTES], text[NUMBER_BYTES];
    struct response reply;
    if (key->unknown_count == DRILL_UNKNOWN_MAXIMUM) {
        usleep(RETRY_US);
        return;
    }
    lock(load);
    uint64_t number = ++key->attempted;
    unlock(load);
    key_name(name, writer->thread.index, index);
    snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    const struct bytes words[] = {BYTES_LITERAL("SET"), bytes_of_text(name), bytes_of_text(text)};
    uint64_t begun_us = figure_now_us();
    switch (ask(&writer->thread, words, 3, DRILL_ANSWER_MS, &reply)) {
    case ANSWERED:
        response_release(&reply);
        note_acknowledged(writer, key, number, begun_us);
        return;
    case UNKNOWN:
        note_unknown(load, key, number);
        return;
    case REFUSED:
        return;
    }
}

static void *write_on(void *context) {
    struct drill_writer *writer = context;
    for (unsigned i = 0; !is_stopping(writer->thread.load); i = (i + 1) % DRILL_KEYS)
        write_one(writer, i);
    return NULL;
}

/* ---- readers ---- */

static void check_read(struct drill_load *load, const struct drill_key *key, const char *name,
                       uint64_t found, uint64_t floor) {
    lock(load);
    load->counts.reads++;
    note_verdict(load, drill_check_read(key, floor, found), name, found, floor);
    unlock(load);
}

static void read_one(struct drill_thread *reader, unsigned writer, unsigned index) {
    struct drill_load *load = reader->load;
    struct drill_key *key = &load->writers[writer].keys[index];
    char name[KEY_BYTES];
    struct response reply;
    key_name(name, writer, index);
    lock(load);
    uint64_t floor = key->acknowledged;
    unlock(load);
    const struct bytes words[] = {BYTES_LITERAL("GET"), bytes_of_text(name)};
    if (ask(reader, words, 2, DRILL_ANSWER_MS, &reply) == ANSWERED) {
        uint64_t found = number_of(&reply);
        response_release(&reply);
        check_read(load, key, name, found, floor);
    }
}

static void *read_on(void *context) {
    struct drill_thread *reader = context;
    struct drill_load *load = reader->load;
    for (unsigned i = reader->index; !is_stopping(load); i++) {
        read_one(reader, i % load->options.writer_count, i / 7 % DRILL_KEYS);
        usleep(READER_PAUSE_US);
    }
    return NULL;
}

/* ---- reading back ---- */

static int read_back_one(struct drill_thread *reader, unsigned writer, unsigned index,
                         uint64_t deadline_us) {
    struct drill_load *load = reader->load;
    struct drill_key *key = &load->writers[writer].keys[index];
    char name[KEY_BYTES];
    struct response reply;
    key_name(name, writer, index);
    const struct bytes words[] = {BYTES_LITERAL("GET"), bytes_of_text(name)};
    while (ask(reader, words, 2, DRILL_SLOW_ANSWER_MS, &reply) != ANSWERED)
        if (figure_now_us() > deadline_us)
            return ERR_IO;
    uint64_t found = number_of(&reply);
    response_release(&reply);
    note_verdict(load, drill_check_final(key, found), name, found, key->acknowledged);
    return 0;
}

static void close_all(struct drill_thread *thread) {
    for (unsigned node = 0; node < DRILL_NODE_MAXIMUM; node++)
        disconnect(thread, node);
}

static int read_back(struct drill_load *load, char *problem) {
    struct drill_thread reader = {.load = load};
    uint64_t deadline_us = figure_now_us() + (uint64_t)DRILL_READ_BACK_MS * 1000;
    int error = 0;
    for (unsigned writer = 0; writer < load->options.writer_count && !error; writer++)
        for (unsigned index = 0; index < DRILL_KEYS && !error; index++)
            error = read_back_one(&reader, writer, index, deadline_us);
    if (error) {
        snprintf(problem, DRILL_PROBLEM_BYTES, "not every key could be read back within %d s",
                 DRILL_READ_BACK_MS / 1000);
    }
    close_all(&reader);
    return error;
}

/* ---- life ---- */

struct drill_load *drill_load_new(const struct drill_load_options *options) {
    CHECK(options->node_count <= DRILL_NODE_MAXIMUM);
    CHECK(options->writer_count <= DRILL_WRITER_MAXIMUM && options->writer_count > 0);
    CHECK(options->reader_count <= DRILL_READER_MAXIMUM);
    struct drill_load *load = memory_allocate_zeroed(1, sizeof *load);
    load->options = *options;
    memcpy(load->nodes, options->nodes, options->node_count * sizeof *options->nodes);
    CHECK(pthread_mutex_init(&load->mutex, NULL) == 0);
    load->writers = memory_allocate_zeroed(options->writer_count, sizeof *load->writers);
    load->readers = memory_allocate_zeroed(options->reader_count + 1, sizeof *load->readers);
    for (unsigned i = 0; i < options->writer_count; i++) {
        load->writers[i].thread.load = load;
        load->writers[i].thread.index = i;
        for (unsigned key = 0; key < DRILL_KEYS; key++)
            drill_key_init(&load->writers[i].keys[key]);
    }
    for (unsigned i = 0; i < options->reader_count; i++) {
        load->readers[i].load = load;
        load->readers[i].index = i;
    }
    return load;
}

void drill_load_start(struct drill_load *load) {
    uint64_t now_us = figure_now_us();
    for (unsigned i = 0; i < load->options.writer_count; i++) {
        struct drill_writer *writer = &load->writers[i];
        writer->acknowledged_us = now_us;
        CHECK(pthread_create(&writer->thread.thread, NULL, write_on, writer) == 0);
    }
    for (unsigned i = 0; i < load->options.reader_count; i++)
        CHECK(pthread_create(&load->readers[i].thread, NULL, read_on, &load->readers[i]) == 0);
}

int drill_load_finish(struct drill_load *load, char *problem) {
    lock(load);
    load->is_stopping = true;
    unlock(load);
    for (unsigned i = 0; i < load->options.writer_count; i++) {
        CHECK(pthread_join(load->writers[i].thread.thread, NULL) == 0);
        close_all(&load->writers[i].thread);
    }
    for (unsigned i = 0; i < load->options.reader_count; i++) {
        CHECK(pthread_join(load->readers[i].thread, NULL) == 0);
        close_all(&load->readers[i]);
    }
    return read_back(load, problem);
}

void drill_load_free(struct drill_load *load) {
    if (!load)
        return;
    for (unsigned i = 0; i < load->options.writer_count; i++)
        for (unsigned key = 0; key < DRILL_KEYS; key++)
            drill_key_release(&load->writers[i].keys[key]);
    memory_free(load->writers);
    memory_free(load->readers);
    pthread_mutex_destroy(&load->mutex);
    memory_free(load);
}

/* ---- looking in ---- */

void drill_load_counts(struct drill_load *load, struct drill_counts *counts) {
    lock(load);
    *counts = load->counts;
    unlock(load);
}

void drill_load_mark(struct drill_load *load) {
    lock(load);
    for (unsigned i = 0; i < load->options.writer_count; i++)
        load->writers[i].gap_us = 0;
    unlock(load);
}

uint64_t drill_load_gap_us(struct drill_load *load) {
    uint64_t longest_us = 0, now_us = figure_now_us();
    lock(load);
    for (unsigned i = 0; i < load->options.writer_count; i++) {
        const struct drill_writer *writer = &load->writers[i];
        uint64_t lasting_us =
            now_us > writer->acknowledged_us ? now_us - writer->acknowledged_us : 0;
        uint64_t gap_us = writer->gap_us > lasting_us ? writer->gap_us : lasting_us;
        longest_us = gap_us > longest_us ? gap_us : longest_us;
    }
    unlock(load);
    return longest_us;
}

bool drill_load_goes_on(struct drill_load *load, uint64_t since_us) {
    bool goes_on = true;
    lock(load);
    for (unsigned i = 0; i < load->options.writer_count; i++)
        goes_on = goes_on && load->writers[i].acknowledged_begun_us > since_us;
    unlock(load);
    return goes_on;
}

const char *drill_load_wrong(struct drill_load *load) { return load->wrong; }
