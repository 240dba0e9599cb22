/* One question to many nodes at once. All have the same time, from the first to the last: a node
 * that hangs costs the others, and whoever asks, nothing beyond it. Those that are held for dead
 * already have less, so that they hold up nobody.
 *
 *     survey_ask(&(struct survey){words, 2, CLUSTER_ASK_MS, false}, answers, count);
 *
 * asks every answers[i].address; answers[i].error is 0 where a reply has come. */
#pragma once
#include "cli/client/client.h"

enum {
    SURVEY_AT_ONCE = 256, /* connections; more nodes follow as these have answered */
    SURVEY_DOUBTFUL_MS = 500
};

struct survey {
    const struct bytes *words; /* the question, borrowed */
    size_t word_count;
    int timeout_ms; /* for all of them together */
    bool is_resp3;  /* HELLO 3 is said first */
};

struct survey_answer {
    struct net_address address; /* whom to ask: set it, */
    bool is_doubtful;           /* perhaps this, and nothing else */
    int error; /* ERR_IO: no answer; ERR_REFUSED: an error reply; client.problem says it */
    struct response reply; /* if there was no error; its texts borrow from the client's input */
    struct client client;  /* its connection has ended */
    bool is_silent;        /* connected, and the time was over before a reply came */
    /* While it is asked. */
    unsigned replies_before; /* to the login, to HELLO */
    int64_t deadline_ms;
    bool is_connecting, is_over;
};

/* Returns how many did not answer, or refused. Release the answers in any case. */
size_t survey_ask(const struct survey *survey, struct survey_answer *answers, size_t count);
/* May be called again, and for answers that were never asked. */
void survey_release(struct survey_answer *answers, size_t count);
