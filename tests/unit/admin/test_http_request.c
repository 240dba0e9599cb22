/* The head of an HTTP request: read, waited for, or refused. */
#include "../unit.h"
#include "admin/http_request.h"
#include "base/memory.h"

static int parse(const char *text, struct http_request *request) {
    return http_request_parse(bytes_of_text(text), request);
}

static void test_a_request_is_read(void **state) {
    (void)state;
    struct http_request request;
    const char *text = "GET /metrics?name=x HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\nGET /next";
    assert_int_equal(parse(text, &request), (int)(strlen(text) - strlen("GET /next")));
    assert_true(bytes_equal(request.method, BYTES_LITERAL("GET")));
    assert_true(bytes_equal(request.path, BYTES_LITERAL("/metrics")));
    assert_true(bytes_equal(request.query, BYTES_LITERAL("name=x")));
    assert_true(request.keeps_alive);
    assert_false(request.has_body);
}

static void test_it_says_whether_the_connection_stays(void **state) {
    (void)state;
    struct http_request request;
    assert_true(parse("GET / HTTP/1.0\r\n\r\n", &request) > 0);
    assert_false(request.keeps_alive);
    assert_true(parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", &request) > 0);
    assert_true(request.keeps_alive);
    assert_true(parse("GET / HTTP/1.1\r\nconnection:close\r\n\r\n", &request) > 0);
    assert_false(request.keeps_alive);
}

static void test_a_body_is_noticed(void **state) {
    (void)state;
    struct http_request request;
    assert_true(parse("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", &request) > 0);
    assert_true(request.has_body);
    assert_true(parse("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", &request) > 0);
    assert_true(request.has_body);
    assert_true(parse("GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", &request) > 0);
    assert_false(request.has_body);
}

/* What Prometheus sends, and what others may. */
static void test_it_says_which_type_is_wanted(void **state) {
    (void)state;
    struct http_request request;
    assert_true(parse("GET / HTTP/1.1\r\naccept: text/plain ; version=0.0.4;q=0.25,*/*\r\n\r\n",
                      &request) > 0);
    assert_int_equal(http_accept_weight(request.accept, "text/plain", "0.0.4"), 250);
    static const struct {
        const char *accept;
        unsigned weight;
    } rows[] = {
        {"", 0},
        {"*/*", 0},
        {"text/plain", 0},
        {"text/html, application/openmetrics-text", 1000},
        {"Application/OpenMetrics-Text; Charset=utf-8", 1000},
        {"application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3", 600},
        {"application/openmetrics-text;version=0.0.1;q=0.5, application/openmetrics-text; "
         "version=1.0.0; q=0.125",
         125},
        {"application/openmetrics-text;version=0.0.1", 0},
        {"application/openmetrics-text;q=0", 0},
        {"application/openmetrics-text;q=0.000", 0},
        {"application/openmetrics-text;q=", 0},
        {"application/openmetrics-text;q=99999999999999999999", 9999},
        {"application/openmetrics-texts", 0},
        {",;,=;,;q=1", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned weight = http_accept_weight(bytes_of_text(rows[i].accept),
                                             "application/openmetrics-text", "1.0.0");
        if (weight != rows[i].weight)
            fail_msg("'%s' weighs %u, not %u", rows[i].accept, weight, rows[i].weight);
    }
}

/* Every prefix of a request is incomplete, and is read without a byte past its end. */
static void test_an_incomplete_request_waits(void **state) {
    (void)state;
    struct http_request request;
    const char *text = "GET /health/live HTTP/1.1\nHost: a\r\n\r\n";
    for (size_t length = 0; length < strlen(text); length++) {
        uint8_t *copy = memory_copy(text, length);
        assert_int_equal(http_request_parse(bytes_of(copy, length), &request), 0);
        memory_free(copy);
    }
    assert_int_equal(parse(text, &request), (int)strlen(text));
}

static void test_what_is_no_request_is_refused(void **state) {
    (void)state;
    struct http_request request;
    static const char *const malformed[] = {
        "GET\r\n\r\n",
        "*2\r\n$6\r\nGOSSIP\r\n$7\r\nMEMBERS\r\n", /* a client of Redis, which waits now */
        "\r\n\r\n",
        "GET /\r\n\r\n",
        "GET  / HTTP/1.1\r\n\r\n",
        "GET http://a/ HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1 x\r\n\r\n",
        "GET / http/1.1\r\n\r\n",
        "G\x01T / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nName : space\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\r\n folded: c\r\n\r\n",
        "*1\r\n$4\r\nPING\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
        if (parse(malformed[i], &request) >= 0)
            fail_msg("accepted: %s", malformed[i]);
    assert_int_equal(parse("GET / HTTP/2.0\r\n\r\n", &request), ERR_VERSION);
}

static void test_heads_are_bounded(void **state) {
    (void)state;
    struct http_request request;
    char *text = memory_allocate(HTTP_HEAD_MAXIMUM_BYTES + 64);
    memset(text, 'a', HTTP_HEAD_MAXIMUM_BYTES + 64);
    memcpy(text, "GET /", 5);
    struct bytes input = bytes_of(text, HTTP_HEAD_MAXIMUM_BYTES - 1);
    assert_int_equal(http_request_parse(input, &request), 0);
    input.length++;
    assert_int_equal(http_request_parse(input, &request), ERR_LIMIT);
    size_t length = (size_t)sprintf(text, "GET / HTTP/1.1\r\n");
    for (unsigned i = 0; i < HTTP_HEADER_MAXIMUM; i++)
        length += (size_t)sprintf(text + length, "a: b\r\n");
    sprintf(text + length, "\r\n");
    assert_int_equal(parse(text, &request), (int)length + 2);
    sprintf(text + length, "a: b\r\n\r\n");
    assert_int_equal(parse(text, &request), ERR_LIMIT);
    memory_free(text);
}

/* A browser that has the file already says which. */
static void test_it_says_what_it_has(void **state) {
    (void)state;
    struct http_request request;
    assert_true(parse("GET / HTTP/1.1\r\nIf-None-Match: \"a\", W/\"b\"\r\n\r\n", &request) > 0);
    assert_true(http_etag_is_listed(request.if_none_match, "\"a\""));
    assert_true(http_etag_is_listed(request.if_none_match, "\"b\""));
    assert_false(http_etag_is_listed(request.if_none_match, "\"c\""));
    assert_true(http_etag_is_listed(BYTES_LITERAL(" * "), "\"c\""));
    assert_false(http_etag_is_listed(BYTES_NONE, "\"c\""));
    assert_false(http_etag_is_listed(BYTES_LITERAL("W/,,"), "\"c\""));
}

RUN_TESTS(cmocka_unit_test(test_it_says_what_it_has), cmocka_unit_test(test_a_request_is_read),
          cmocka_unit_test(test_it_says_whether_the_connection_stays),
          cmocka_unit_test(test_a_body_is_noticed),
          cmocka_unit_test(test_it_says_which_type_is_wanted),
          cmocka_unit_test(test_an_incomplete_request_waits),
          cmocka_unit_test(test_what_is_no_request_is_refused),
          cmocka_unit_test(test_heads_are_bounded))
