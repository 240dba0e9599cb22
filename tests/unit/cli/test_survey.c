/* Many nodes are asked at once, and one that hangs, drips or talks nonsense costs the others
 * nothing. The nodes are processes that end with the test. */
#include "../unit.h"
#include "base/memory.h"
#include "cli/client/survey.h"
#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct bytes PING[] = {{(const uint8_t *)"PING", 4}};

static int64_t clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- nodes ---- */

struct node {
    struct net_address address;
    int listener;
    pid_t process; /* 0: nobody takes a connection here, though the system does */
};

static struct node node_listen(void) {
    struct node node = {.address = {.host = "127.0.0.1"}};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof at;
    node.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(node.listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(node.listener, 1024), 0);
    assert_int_equal(getsockname(node.listener, (struct sockaddr *)&at, &length), 0);
    node.address.port = ntohs(at.sin_port);
    return node;
}

/* Reads until it was asked: what comes before PING is said in the same breath. */
static bool is_asked(int connection) {
    char text[512];
    size_t length = 0;
    while (length < sizeof text) {
        ssize_t got = read(connection, text + length, sizeof text - length);
        if (got <= 0)
            return false;
        length += (size_t)got;
        if (memmem(text, length, "PING\r\n", 6))
            return true;
    }
    return false;
}

/* Says this to everybody who asks; with `drip` a byte more, again and again, for ever. */
static struct node node_answer(const char *answer, bool drips) {
    struct node node = node_listen();
    node.process = fork();
    if (node.process != 0)
        return node;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        int connection = accept(node.listener, NULL, NULL);
        bool goes_on = is_asked(connection) && write(connection, answer, strlen(answer)) > 0;
        while (goes_on && drips)
            goes_on = usleep(20000) == 0 && write(connection, "x", 1) == 1;
        close(connection);
    }
}

static void node_end(struct node *node) {
    close(node->listener);
    if (node->process) {
        kill(node->process, SIGKILL);
        assert_int_equal(waitpid(node->process, NULL, 0), node->process);
    }
}

/* ---- asking ---- */

static size_t ask(struct survey_answer *answers, size_t count, int timeout_ms) {
    const struct survey survey = {.words = PING, .word_count = 1, .timeout_ms = timeout_ms};
    return survey_ask(&survey, answers, count);
}

static void expect_pong(const struct survey_answer *answer) {
    assert_int_equal(answer->error, 0);
    assert_true(bytes_equal(answer->reply.text, BYTES_LITERAL("PONG")));
}

static void expect_problem(const struct survey_answer *answer, int error, const char *problem) {
    assert_int_equal(answer->error, error);
    assert_non_null(strstr(answer->client.problem, problem));
}

static void who_hangs_costs_the_others_nothing(void **state) {
    (void)state;
    enum { HANGING = 20, LIVING = HANGING, CLOSED, COUNT, TIMEOUT_MS = 400 };
    struct survey_answer answers[COUNT] = {0};
    struct node hanging = node_listen(), living = node_answer("+PONG\r\n", false),
                closed = node_listen();
    node_end(&closed);
    for (size_t i = 0; i < HANGING; i++)
        answers[i].address = hanging.address;
    answers[LIVING].address = living.address;
    answers[CLOSED].address = closed.address;
    int64_t begun_ms = clock_ms();
    assert_int_equal(ask(answers, COUNT, TIMEOUT_MS), HANGING + 1);
    int64_t took_ms = clock_ms() - begun_ms;
    assert_in_range(took_ms, TIMEOUT_MS, HANGING * TIMEOUT_MS / 2);
    for (size_t i = 0; i < HANGING; i++) {
        expect_problem(&answers[i], ERR_IO, "cannot read from 127.0.0.1:");
        expect_problem(&answers[i], ERR_IO, "no answer in time");
        assert_true(answers[i].is_silent);
    }
    expect_pong(&answers[LIVING]);
    expect_problem(&answers[CLOSED], ERR_IO, "Connection refused");
    assert_false(answers[CLOSED].is_silent);
    survey_release(answers, COUNT);
    survey_release(answers, COUNT);
    node_end(&hanging);
    node_end(&living);
}

/* Each byte is an answer to somebody who waits for the next one. */
static void who_drips_is_not_waited_for(void **state) {
    (void)state;
    struct node node = node_answer("$1000000\r\n", true);
    struct survey_answer answer = {.address = node.address};
    assert_int_equal(ask(&answer, 1, 300), 1);
    expect_problem(&answer, ERR_IO, "no answer in time");
    survey_release(&answer, 1);
    node_end(&node);
}

static void the_doubtful_have_less_time(void **state) {
    (void)state;
    struct node node = node_listen();
    struct survey_answer answer = {.address = node.address, .is_doubtful = true};
    int64_t begun_ms = clock_ms();
    assert_int_equal(ask(&answer, 1, 60000), 1);
    assert_in_range(clock_ms() - begun_ms, SURVEY_DOUBTFUL_MS, 30000);
    assert_true(answer.is_silent);
    survey_release(&answer, 1);
    node_end(&node);
}

static void more_are_asked_than_fit_at_once(void **state) {
    (void)state;
    enum { COUNT = 2 * SURVEY_AT_ONCE + 1 };
    struct node node = node_answer("+PONG\r\n", false);
    struct survey_answer *answers = memory_allocate_zeroed(COUNT, sizeof *answers);
    for (size_t i = 0; i < COUNT; i++)
        answers[i].address = node.address;
    assert_int_equal(ask(answers, COUNT, 60000), 0);
    for (size_t i = 0; i < COUNT; i++)
        expect_pong(&answers[i]);
    survey_release(answers, COUNT);
    memory_free(answers);
    node_end(&node);
}

/* A long answer, which comes in pieces, and others that are none. */
static void what_comes_is_told_apart(void **state) {
    (void)state;
    static const struct {
        const char *answer;
        int error;
        const char *problem;
    } cases[] = {
        {"-ERR so it is\r\n", ERR_REFUSED, "answers: ERR so it is"},
        {"-ERR \x1b[2J\x07\xff\r\n", ERR_REFUSED, "answers: ERR \\x1b[2J\\x07\\xff"},
        {"-NOAUTH Authentication required.\r\n", ERR_REFUSED, "as TROTHDB_PASSWORD"},
        {"HTTP/1.1 400 Bad Request\r\n", ERR_IO, "not a reply of the Redis protocol"},
        {"+PO", ERR_IO, "the connection was closed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct node node = node_answer(cases[i].answer, false);
        struct survey_answer answer = {.address = node.address};
        assert_int_equal(ask(&answer, 1, 60000), 1);
        expect_problem(&answer, cases[i].error, cases[i].problem);
        assert_false(answer.is_silent);
        survey_release(&answer, 1);
        node_end(&node);
    }
}

/* ---- what is said first ---- */

static void expect_after(const char *answers, int error, const char *problem) {
    struct node node = node_answer(answers, false);
    struct survey_answer answer = {.address = node.address};
    const struct survey survey = {
        .words = PING, .word_count = 1, .timeout_ms = 60000, .is_resp3 = true};
    assert_int_equal(survey_ask(&survey, &answer, 1), error != 0);
    if (error)
        expect_problem(&answer, error, problem);
    else
        expect_pong(&answer);
    survey_release(&answer, 1);
    node_end(&node);
}

static void it_logs_in_and_greets_before_it_asks(void **state) {
    (void)state;
    assert_int_equal(setenv("TROTHDB_PASSWORD", "secret", 1), 0);
    expect_after("+OK\r\n%0\r\n+PONG\r\n", 0, NULL);
    expect_after("-ERR AUTH <password> called without any password configured for the default "
                 "user. Are you sure your configuration is correct?\r\n%0\r\n+PONG\r\n",
                 0, NULL);
    expect_after("-WRONGPASS invalid username-password pair or user is disabled.\r\n"
                 "-NOAUTH HELLO must be called\r\n-NOAUTH Authentication required.\r\n",
                 ERR_REFUSED, "takes another password");
    expect_after("+OK\r\n-NOPROTO unsupported protocol version\r\n+PONG\r\n", ERR_REFUSED,
                 "NOPROTO");
    assert_int_equal(unsetenv("TROTHDB_PASSWORD"), 0);
    expect_after("%0\r\n+PONG\r\n", 0, NULL);
}

RUN_TESTS(cmocka_unit_test(who_hangs_costs_the_others_nothing),
          cmocka_unit_test(who_drips_is_not_waited_for),
          cmocka_unit_test(the_doubtful_have_less_time),
          cmocka_unit_test(more_are_asked_than_fit_at_once),
          cmocka_unit_test(what_comes_is_told_apart),
          cmocka_unit_test(it_logs_in_and_greets_before_it_asks))
