/* The admin port over real sockets: who asks by HTTP is answered, and who speaks otherwise is cut.
 * */
#include "../unit.h"
#include "admin/admin.h"
#include "admin/http_request.h"
#include "base/memory.h"
#include "io/real/socket.h"
#include "loopback.h"
#include "profile/profile.h"
#include <stdlib.h>

/* A client that sends a text and keeps all that comes back. */
struct visitor {
    uv_tcp_t socket;
    uv_connect_t connect;
    uv_write_t write;
    const char *text;
    char got[65536];
    size_t length;
    bool is_ended;
    const char *wanted;
};

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room) {
    (void)suggested;
    struct visitor *visitor = handle->data;
    *room = uv_buf_init(visitor->got + visitor->length,
                        (unsigned)(sizeof visitor->got - visitor->length - 1));
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *room) {
    (void)room;
    struct visitor *visitor = stream->data;
    if (length > 0)
        visitor->length += (size_t)length;
    else if (length < 0)
        visitor->is_ended = true;
    visitor->got[visitor->length] = '\0';
}

static void on_connected(uv_connect_t *connect, int status) {
    struct visitor *visitor = connect->data;
    uv_buf_t all = uv_buf_init((char *)visitor->text, (unsigned)strlen(visitor->text));
    assert_int_equal(status, 0);
    uv_read_start((uv_stream_t *)&visitor->socket, on_room, on_read);
    uv_write(&visitor->write, (uv_stream_t *)&visitor->socket, &all, 1, NULL);
}

static bool is_answered(void *context) {
    struct visitor *visitor = context;
    return visitor->is_ended || (visitor->wanted && strstr(visitor->got, visitor->wanted));
}

struct office {
    uv_loop_t loop;
    struct node_shared *shared;
    struct profiler *profiler;
    struct admin admin;
    struct net_address address;
    struct visitor visitor, other;
    unsigned questions, wanted_questions; /* to the workers */
};

static int office_open(void **state) {
    struct office *office = memory_allocate_zeroed(1, sizeof *office);
    office->address = loopback_address();
    assert_int_equal(uv_loop_init(&office->loop), 0);
    office->shared = node_shared_new(1);
    office->profiler = profiler_new();
    admin_init(&office->admin, &office->loop,
               &(struct admin_options){.shared = office->shared, .profiler = office->profiler});
    assert_int_equal(admin_listen(&office->admin, loopback_listen(&office->address)), 0);
    *state = office;
    return 0;
}

static int office_close(void **state) {
    struct office *office = *state;
    admin_close(&office->admin);
    uv_run(&office->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&office->loop), 0);
    profiler_free(office->profiler);
    node_shared_free(office->shared);
    memory_free(office);
    return 0;
}

/* Sends `text`. */
static void visit(struct office *office, struct visitor *visitor, const char *text,
                  const char *wanted) {
    struct sockaddr_storage to;
    *visitor = (struct visitor){.text = text, .wanted = wanted};
    assert_true(socket_address(&office->address, &to) > 0);
    uv_tcp_init(&office->loop, &visitor->socket);
    visitor->socket.data = visitor->connect.data = visitor;
    uv_tcp_connect(&visitor->connect, &visitor->socket, (struct sockaddr *)&to, on_connected);
}

static void leave(struct office *office, struct visitor *visitor) {
    uv_close((uv_handle_t *)&visitor->socket, NULL);
    uv_run(&office->loop, UV_RUN_NOWAIT);
}

/* Sends `text`; returns what came until `wanted` was in it, or until the connection ended. */
static const char *ask(struct office *office, const char *text, const char *wanted) {
    visit(office, &office->visitor, text, wanted);
    run_until(&office->loop, is_answered, &office->visitor);
    leave(office, &office->visitor);
    return office->visitor.got;
}

static void expect(const char *answer, const char *part) {
    if (answer == NULL || strstr(answer, part) == NULL)
        fail_msg("'%s' is not in: %s", part, answer ? answer : "nothing");
}

static void test_health_and_metrics_are_told(void **state) {
    expect(ask(*state, "GET /health/live HTTP/1.1\r\n\r\n", "alive\n"), "HTTP/1.1 200 OK\r\n");
    expect(ask(*state, "GET /health/ready HTTP/1.1\r\nConnection: close\r\n\r\n", NULL),
           "HTTP/1.1 503 Service Unavailable\r\n");
    const char *metrics = ask(*state, "GET /metrics HTTP/1.0\r\n\r\n", NULL);
    expect(metrics, "HTTP/1.1 200 OK\r\n");
    expect(metrics, "Content-Type: text/plain; version=0.0.4");
}

static void count_measure(void *context) { (*(unsigned *)context)++; }

/* What is measured only for it is measured before each answer, and for nothing else. */
static void test_metrics_are_measured_when_asked_for(void **state) {
    struct office *office = *state;
    unsigned times = 0;
    office->admin.options.measure = count_measure;
    office->admin.options.context = &times;
    ask(office, "GET /health/live HTTP/1.0\r\n\r\n", NULL);
    assert_int_equal(times, 0);
    ask(office, "GET /metrics HTTP/1.0\r\n\r\n", NULL);
    ask(office, "GET /metrics HTTP/1.0\r\n\r\n", NULL);
    assert_int_equal(times, 2);
}

static void test_openmetrics_is_for_who_asks(void **state) {
#define OPEN  "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"
#define PLAIN "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
    const char *metrics =
        ask(*state, "GET /metrics HTTP/1.0\r\nAccept: application/openmetrics-text\r\n\r\n", NULL);
    expect(metrics, OPEN);
    expect(metrics, "# TYPE trothdb_build info\n");
    expect(metrics, "\n# EOF\n");
    expect(ask(*state,
               "GET /metrics HTTP/1.0\r\nAccept: text/plain;q=0.5,"
               "application/openmetrics-text;q=0.4\r\n\r\n",
               NULL),
           PLAIN);
    expect(ask(*state, "GET /metrics HTTP/1.0\r\nAccept: */*\r\n\r\n", NULL), PLAIN);
}

static void test_head_has_no_body(void **state) {
    const char *answer = ask(*state, "HEAD /health/live HTTP/1.0\r\n\r\n", NULL);
    expect(answer, "Content-Length: 6\r\n");
    assert_string_equal(answer + strlen(answer) - 4, "\r\n\r\n");
}

/* Requests that come in one piece are answered one after the other, on one connection. */
static void test_a_connection_is_kept(void **state) {
    const char *answer = ask(*state,
                             "GET /health/live HTTP/1.1\r\n\r\nGET /nothing HTTP/1.1\r\n\r\n"
                             "GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n",
                             NULL);
    const char *second = strstr(answer, "HTTP/1.1 404 Not Found\r\n");
    expect(second, "HTTP/1.1 200 OK\r\n");
    expect(answer, "Connection: keep-alive\r\n");
}

static void test_what_is_not_understood_ends_the_connection(void **state) {
    expect(ask(*state, "hello\r\n\r\n", NULL), "HTTP/1.1 400 Bad Request\r\n");
    expect(ask(*state, "GET / HTTP/3.0\r\n\r\n", NULL), "HTTP/1.1 505 ");
    expect(ask(*state, "DELETE /metrics HTTP/1.0\r\n\r\n", NULL), "HTTP/1.1 405 ");
    expect(ask(*state, "GET /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", NULL),
           "HTTP/1.1 413 ");
    char *endless = memory_allocate(HTTP_HEAD_MAXIMUM_BYTES + 1);
    memset(endless, 'a', HTTP_HEAD_MAXIMUM_BYTES);
    endless[HTTP_HEAD_MAXIMUM_BYTES] = '\0';
    expect(ask(*state, endless, NULL), "HTTP/1.1 431 ");
    memory_free(endless);
}

/* ---- the console ---- */

static void test_the_page_is_told_with_its_rules(void **state) {
    const char *answer = ask(*state, "GET / HTTP/1.0\r\n\r\n", NULL);
    expect(answer, "HTTP/1.1 200 OK\r\n");
    expect(answer, "Content-Type: text/html; charset=utf-8\r\n");
    expect(answer, "Content-Security-Policy: default-src 'none'; script-src 'self';");
    expect(answer, "X-Content-Type-Options: nosniff\r\n");
    expect(answer, "<title>TrothDB</title>");
    expect(ask(*state, "GET /console/main.js HTTP/1.0\r\n\r\n", NULL),
           "Content-Type: text/javascript; charset=utf-8\r\n");
    expect(ask(*state, "GET /console/../main.js HTTP/1.0\r\n\r\n", NULL), "HTTP/1.1 404 ");
    expect(ask(*state, "GET /console/nothing.js HTTP/1.0\r\n\r\n", NULL), "HTTP/1.1 404 ");
}

/* Who has a file as it is gets no body, but its length and its tag. */
static void test_what_a_browser_has_is_not_sent_again(void **state) {
    char tag[64], request[256], length[64];
    const char *answer = ask(*state, "GET /console/icon.svg HTTP/1.0\r\n\r\n", NULL);
    assert_int_equal(sscanf(strstr(answer, "ETag: "), "ETag: %63s", tag), 1);
    assert_int_equal(sscanf(strstr(answer, "Content-Length: "), "Content-Length: %63s", length), 1);
    assert_int_equal(strlen(strstr(answer, "\r\n\r\n") + 4), strtoul(length, NULL, 10));
    snprintf(request, sizeof request, "GET /console/icon.svg HTTP/1.0\r\nIf-None-Match: %s\r\n\r\n",
             tag);
    answer = ask(*state, request, NULL);
    expect(answer, "HTTP/1.1 304 Not Modified\r\n");
    expect(answer, length);
    expect(answer, tag);
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    answer =
        ask(*state, "GET /console/icon.svg HTTP/1.0\r\nIf-None-Match: \"another\"\r\n\r\n", NULL);
    expect(answer, "HTTP/1.1 200 OK\r\n");
}

static void write_status(void *context, struct bytes workers, struct buffer *out) {
    (void)context;
    buffer_append_format(out, "{%.*s}", BYTES_PRINT(workers));
}

static void ask_workers(void *context) { ((struct office *)context)->questions++; }

static bool is_asked(void *context) {
    struct office *office = context;
    return office->questions >= office->wanted_questions;
}

/* What was sent to loopback is there within a few turns. */
static void let_come(struct office *office) {
    for (int i = 0; i < 100; i++)
        uv_run(&office->loop, UV_RUN_NOWAIT);
}

static void open_status(struct office *office, void (*workers)(void *context)) {
    office->admin.status.source = (struct admin_status_source){
        .ask_workers = workers, .write = write_status, .context = office};
    office->wanted_questions = 1;
}

static void test_without_workers_a_status_is_told_at_once(void **state) {
    struct office *office = *state;
    expect(ask(office, "GET /status HTTP/1.0\r\n\r\n", NULL), "HTTP/1.1 404 ");
    open_status(office, NULL);
    const char *answer = ask(office, "GET /status HTTP/1.0\r\n\r\n", NULL);
    expect(answer, "Content-Type: application/json\r\n");
    expect(answer, "\r\n\r\n{}");
    expect(ask(office, "HEAD /status HTTP/1.0\r\n\r\n", NULL), "HTTP/1.1 405 ");
}

/* Two ask, the workers are asked once, and both are answered; the connection goes on. */
static void test_one_question_is_out_for_all_who_ask(void **state) {
    struct office *office = *state;
    open_status(office, ask_workers);
    visit(office, &office->visitor, "GET /status HTTP/1.1\r\n\r\nGET /health/live HTTP/1.1\r\n\r\n",
          "alive");
    visit(office, &office->other, "GET /status HTTP/1.0\r\n\r\n", "{\"a\":1}");
    run_until(&office->loop, is_asked, office);
    let_come(office); /* the other one, too */
    assert_int_equal(office->questions, 1);
    assert_string_equal(office->visitor.got, "");
    admin_hear_status(&office->admin, BYTES_LITERAL("\"a\":1"));
    run_until(&office->loop, is_answered, &office->visitor);
    run_until(&office->loop, is_answered, &office->other);
    expect(office->visitor.got, "{\"a\":1}");
    leave(office, &office->visitor);
    leave(office, &office->other);
}

/* Who asks again as soon as it has its answer makes the workers busy a few times a second, no more.
 */
static void test_workers_are_not_asked_in_a_loop(void **state) {
    struct office *office = *state;
    open_status(office, ask_workers);
    uint64_t begin_ms = 0;
    for (unsigned i = 1; i <= 3; i++) {
        visit(office, &office->visitor, "GET /status HTTP/1.0\r\n\r\n", NULL);
        office->wanted_questions = i;
        run_until(&office->loop, is_asked, office);
        assert_int_equal(office->questions, i);
        begin_ms = i == 1 ? uv_now(&office->loop) : begin_ms;
        admin_hear_status(&office->admin, BYTES_NONE);
        run_until(&office->loop, is_answered, &office->visitor);
        expect(office->visitor.got, "\r\n\r\n{}");
        leave(office, &office->visitor);
    }
    uint64_t took_ms = uv_now(&office->loop) - begin_ms;
    assert_true(took_ms >= 2 * ADMIN_STATUS_PAUSE_MS - 10); /* two clocks of milliseconds */
}

static bool is_pause_over(void *context) {
    const struct office *office = context;
    return uv_now(&office->loop) > office->admin.status.asked_ms + ADMIN_STATUS_PAUSE_MS;
}

/* Workers that do not answer are asked once, however long others wait; who waits is told so, and
 * who went away is missed by nobody. */
static void test_workers_that_do_not_answer_are_waited_for_no_longer(void **state) {
    struct office *office = *state;
    open_status(office, ask_workers);
    visit(office, &office->other, "GET /status HTTP/1.0\r\n\r\n", NULL);
    run_until(&office->loop, is_asked, office);
    leave(office, &office->other);
    run_until(&office->loop, is_pause_over, office);
    visit(office, &office->visitor, "GET /status HTTP/1.0\r\n\r\n", NULL);
    let_come(office);
    assert_string_equal(office->visitor.got, "");
    assert_in_range(uv_timer_get_due_in(&office->admin.status.timer), 1, ADMIN_STATUS_MS);
    uv_timer_set_repeat(&office->admin.status.timer, 1); /* it is over in a moment */
    assert_int_equal(uv_timer_again(&office->admin.status.timer), 0);
    run_until(&office->loop, is_answered, &office->visitor);
    expect(office->visitor.got, "HTTP/1.1 503 ");
    leave(office, &office->visitor);
    assert_int_equal(office->questions, 1);
    admin_hear_status(&office->admin, BYTES_LITERAL("late"));
}

static bool is_profile_being_written(void *context) {
    return ((const struct office *)context)->admin.profile.is_being_written;
}

#define ONE_SECOND "GET /debug/profile?seconds=1 HTTP/1.0\r\n\r\n"

/* A profile takes its time to be written: the loop goes on meanwhile. */
static void test_others_are_answered_while_a_profile_is_written(void **state) {
    struct office *office = *state;
    visit(office, &office->other, ONE_SECOND, NULL);
    run_until(&office->loop, is_profile_being_written, office);
    assert_false(office->other.is_ended);
    run_until(&office->loop, is_answered, &office->other);
    expect(office->other.got, "HTTP/1.1 200 OK\r\n");
    assert_false(office->admin.profile.is_being_written);
    leave(office, &office->other);
}

static bool is_profiled(void *context) {
    return ((const struct office *)context)->admin.profile.profile != NULL;
}

/* Who went away before its time was over leaves no profile behind: the next one need not wait. */
static void test_a_profile_ends_with_who_asked_for_it(void **state) {
    struct office *office = *state;
    visit(office, &office->other, "GET /debug/profile?seconds=300 HTTP/1.0\r\n\r\n", NULL);
    run_until(&office->loop, is_profiled, office);
    leave(office, &office->other);
    let_come(office);
    assert_false(is_profiled(office));
}

/* Who went away while it was written is missed by nobody, and the next one gets its own. */
static void test_a_profile_is_written_for_nobody(void **state) {
    struct office *office = *state;
    visit(office, &office->other, ONE_SECOND, NULL);
    run_until(&office->loop, is_profile_being_written, office);
    leave(office, &office->other);
    while (office->admin.profile.is_being_written)
        uv_run(&office->loop, UV_RUN_ONCE);
    expect(ask(office, ONE_SECOND, NULL), "HTTP/1.1 200 OK\r\n");
}

/* The port is closed while one is written: that goes on, and then all is over. */
static void test_the_port_closes_while_a_profile_is_written(void **state) {
    struct office *office = *state;
    visit(office, &office->other, ONE_SECOND, NULL);
    run_until(&office->loop, is_profile_being_written, office);
    leave(office, &office->other);
}

#define OFFICE_TEST(function) cmocka_unit_test_setup_teardown(function, office_open, office_close)
RUN_TESTS(OFFICE_TEST(test_health_and_metrics_are_told),
          OFFICE_TEST(test_metrics_are_measured_when_asked_for),
          OFFICE_TEST(test_openmetrics_is_for_who_asks), OFFICE_TEST(test_head_has_no_body),
          OFFICE_TEST(test_a_connection_is_kept),
          OFFICE_TEST(test_what_is_not_understood_ends_the_connection),
          OFFICE_TEST(test_the_page_is_told_with_its_rules),
          OFFICE_TEST(test_what_a_browser_has_is_not_sent_again),
          OFFICE_TEST(test_without_workers_a_status_is_told_at_once),
          OFFICE_TEST(test_one_question_is_out_for_all_who_ask),
          OFFICE_TEST(test_workers_are_not_asked_in_a_loop),
          OFFICE_TEST(test_workers_that_do_not_answer_are_waited_for_no_longer),
          OFFICE_TEST(test_others_are_answered_while_a_profile_is_written),
          OFFICE_TEST(test_a_profile_ends_with_who_asked_for_it),
          OFFICE_TEST(test_a_profile_is_written_for_nobody),
          OFFICE_TEST(test_the_port_closes_while_a_profile_is_written))
