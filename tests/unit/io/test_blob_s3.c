/* Blobs in a bucket, where libcurl is refused a piece of memory, whichever, and where a store
 * answers anything at all: a call says that it was done only if it was, and else says in one
 * sentence what is wrong. */
#include "../unit.h"
#include "base/memory.h"
#include "io/real/real_blob.h"
#include "s3_server.h"
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdlib.h>

enum {
    ALLOCATIONS_MAXIMUM = 4000,
    TEXT_MAXIMUM = 1000,
    PATIENCE_SECONDS = 1,
    DRIP_US = 100000, /* for each byte: the shortest answer takes several times the patience */
};

/* ---- memory that runs out ---- */

static struct {
    unsigned countdown; /* 0: never */
    bool is_hit;
} shortage;

static bool is_refused(void) {
    bool is_now = shortage.countdown > 0 && --shortage.countdown == 0;
    shortage.is_hit = shortage.is_hit || is_now;
    return is_now;
}
static void *short_malloc(size_t bytes) { return is_refused() ? NULL : malloc(bytes); }
static void *short_realloc(void *block, size_t bytes) {
    return is_refused() ? NULL : realloc(block, bytes);
}
static void *short_calloc(size_t count, size_t bytes) {
    return is_refused() ? NULL : calloc(count, bytes);
}
static char *short_strdup(const char *text) { return is_refused() ? NULL : strdup(text); }
static void short_free(void *block) { free(block); }

/* Of the library that the store loads: it is the same, and stays. */
static int lend_memory(void **state) {
    (void)state;
    __typeof__(curl_global_init_mem) *init;
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    assert_non_null(library);
    void *symbol = dlsym(library, "curl_global_init_mem");
    memcpy(&init, &symbol, sizeof symbol);
    return (int)init(CURL_GLOBAL_ALL, short_malloc, short_free, short_realloc, short_strdup,
                     short_calloc);
}

/* ---- a store ---- */

struct place {
    struct s3_server server;
    struct blob_store *store;
    struct blob_problem problem;
};

static int set_up(void **state) {
    struct place *place = memory_allocate_zeroed(1, sizeof *place);
    char endpoint[64];
    s3_server_start(&place->server);
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%u", place->server.port);
    setenv("AWS_ACCESS_KEY_ID", "the key", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "the secret", 1);
    setenv("AWS_SESSION_TOKEN", "the token", 1);
    struct blob_options options = {
        .url = "s3://bucket/prefix", .endpoint = endpoint, .patience_seconds = PATIENCE_SECONDS};
    assert_int_equal(blob_s3_open(&options, NULL, &place->store, &place->problem), 0);
    *state = place;
    return 0;
}

static int tear_down(void **state) {
    struct place *place = *state;
    place->store->ops->close(place->store);
    s3_server_stop(&place->server);
    memory_free(place);
    return 0;
}

/* ---- its calls ---- */

enum call { PUT, GET, LIST, REMOVE, CALLS };

static int count_one(void *context, const char *name, uint64_t bytes) {
    assert_string_equal(name, "blob");
    assert_int_equal(bytes, 4);
    ++*(unsigned *)context;
    return 0;
}

/* A blob of `text`; what is listed or got must be that. */
static int make(struct place *place, enum call call, const char *text) {
    const struct blob_ops *ops = place->store->ops;
    struct buffer got;
    unsigned count = 0;
    int code = ERR_INVALID;
    place->problem.text[0] = 0;
    switch (call) {
    case PUT:
        return ops->put(place->store, "blob", bytes_of_text(text), &place->problem);
    case GET:
        buffer_init(&got, TEXT_MAXIMUM);
        code = ops->get(place->store, "blob", &got, &place->problem);
        assert_true(code != 0 || bytes_equal(buffer_bytes(&got), bytes_of_text(text)));
        buffer_release(&got);
        return code;
    case LIST:
        code = ops->list(place->store, "", count_one, &count, &place->problem);
        assert_true(code != 0 || count == 1);
        return code;
    case REMOVE:
        return ops->remove(place->store, "blob", &place->problem);
    case CALLS:
        break;
    }
    return code;
}

static void expect_sentence(const struct place *place, int code) {
    const char *text = place->problem.text;
    if (code == 0)
        return;
    assert_true(strlen(text) > 20);
    for (; *text; text++)
        assert_true((unsigned char)*text >= ' ' && *text != 0x7f);
}

/* ---- no memory ---- */

static unsigned done_count(const struct s3_server *server, enum call call) {
    const unsigned counts[CALLS] = {server->put_count, server->get_count, server->list_count,
                                    server->remove_count};
    return counts[call];
}

static bool fail_allocation(struct place *place, enum call call, unsigned nth) {
    struct s3_server *server = &place->server;
    assert_int_equal(make(place, PUT, "old!"), 0);
    const char *text = call == PUT ? "new!" : "old!";
    unsigned before = done_count(server, call);
    shortage.is_hit = false;
    shortage.countdown = nth;
    int code = make(place, call, text);
    shortage.countdown = 0;
    assert_true(code == 0 || shortage.is_hit);
    expect_sentence(place, code);
    if (code == 0)
        assert_true(done_count(server, call) > before);
    if (code == 0 && call == PUT)
        assert_memory_equal(server->blob, text, 4);
    assert_int_equal(server->wrong_count, 0);
    return shortage.is_hit;
}

static void test_any_one_allocation_fails(void **state) {
    for (enum call call = 0; call < CALLS; call++) {
        unsigned nth = 1;
        while (fail_allocation(*state, call, nth))
            assert_true(nth++ < ALLOCATIONS_MAXIMUM);
        assert_true(nth > 20);
    }
}

/* ---- a store that answers anything ---- */

enum { NOT_ASKED = 1 };

struct nonsense {
    const char *answer;
    const char *words; /* of the sentence */
    int codes[CALLS];
};

#define ANSWER(status, body) "HTTP/1.1 " status "\r\nConnection: close\r\n\r\n" body
#define FAILED                                                                                     \
    { ERR_IO, ERR_IO, ERR_IO, ERR_IO }

static const struct nonsense nonsenses[] = {
    {"", "check the endpoint and the network", FAILED},
    {"\r\n\r\n", "check the endpoint and the network", FAILED},
    {"250 Ok: queued as 12345\r\n", "check the endpoint and the network", FAILED},
    {"HTTP/1.1 200 OK\r\nContent-Le", "check the endpoint and the network", FAILED},
    {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nold!", "check the endpoint", FAILED},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nold!\r\nxyz",
     "check the endpoint and the network", FAILED},
    {ANSWER("301 Moved Permanently\r\nLocation: http://127.0.0.1:1/", ""),
     "says 301 ; check the endpoint and the region", FAILED},
    {ANSWER("307 Temporary Redirect\r\nLocation: /bucket/prefix/blob",
            "<Error><Code>TemporaryRedirect</Code></Error>"),
     "says 307 TemporaryRedirect; check the endpoint and the region", FAILED},
    {ANSWER("500 Internal Server Error", "<html>oops</html>"), "the store says 500", FAILED},
    {ANSWER("503 Slow Down", "<Error><Code>SlowDown</Code><Message>two\nlines\x1b[31m of "
                             "it</Message></Error>"),
     "says 503 SlowDown: two lines [31m of it; check", FAILED},
    {ANSWER("403 Forbidden", "<Error><Code>AccessDenied</Code></Error>"),
     "check AWS_ACCESS_KEY_ID",
     {ERR_REFUSED, ERR_REFUSED, ERR_REFUSED, ERR_REFUSED}},
    {ANSWER("404 Not Found", "<Error><Code>NoSuchBucket</Code></Error>"), "make the bucket",
     FAILED},
    {ANSWER("404 Not Found", "<html>no such page</html>"),
     "the store says 404",
     {ERR_IO, ERR_NOT_FOUND, ERR_IO, 0}},
    {ANSWER("206 Partial Content", "old"),
     "none of an S3 store",
     {ERR_IO, ERR_IO, ERR_IO, NOT_ASKED}},
    {ANSWER("204 No Content", ""), "none of an S3 store", {0, ERR_IO, ERR_IO, 0}},
    {ANSWER("200 OK", "<html>log in first</html>"),
     "none of an S3 store",
     {ERR_IO, NOT_ASKED, NOT_ASKED, NOT_ASKED}},
    {ANSWER("200 OK", "<html>log in first</html>"),
     "the store's listing cannot be read",
     {NOT_ASKED, NOT_ASKED, ERR_MALFORMED, NOT_ASKED}},
};

static void expect_nonsense(struct place *place, const struct nonsense *nonsense) {
    s3_server_answer(&place->server, bytes_of_text(nonsense->answer));
    for (enum call call = 0; call < CALLS; call++) {
        if (nonsense->codes[call] == NOT_ASKED)
            continue;
        int code = make(place, call, "old!");
        if (code != nonsense->codes[call])
            fail_msg("call %d: %d (%s) to: %.60s", (int)call, code, place->problem.text,
                     nonsense->answer);
        expect_sentence(place, code);
        if (code != 0 && strstr(place->problem.text, nonsense->words) == NULL)
            fail_msg("call %d says: %s", (int)call, place->problem.text);
    }
    s3_server_answer(&place->server, BYTES_NONE);
}

/* And what comes next is done as ever. */
static void test_a_store_that_talks_nonsense(void **state) {
    struct place *place = *state;
    for (size_t i = 0; i < sizeof nonsenses / sizeof *nonsenses; i++) {
        expect_nonsense(place, &nonsenses[i]);
        assert_int_equal(make(place, PUT, "old!"), 0);
        assert_int_equal(make(place, GET, "old!"), 0);
        assert_int_equal(make(place, LIST, "old!"), 0);
    }
    assert_int_equal(place->server.wrong_count, 0);
}

/* More than any blob of ours, or any head of an answer: it is not held in memory. */
static void test_an_answer_without_an_end(void **state) {
    struct place *place = *state;
    enum { LONG_BYTES = 1 << 20 };
    static const char head[] = ANSWER("200 OK", ""), begun[] = "HTTP/1.1 200 OK\r\nX-Long: ";
    char *answer = memory_allocate(LONG_BYTES);
    memset(answer, 'x', LONG_BYTES);
    memcpy(answer, head, sizeof head - 1);
    s3_server_answer(&place->server, bytes_of(answer, LONG_BYTES));
    assert_int_equal(make(place, GET, "old!"), ERR_LIMIT);
    assert_non_null(strstr(place->problem.text, "longer than any blob of ours"));
    memcpy(answer, begun, sizeof begun - 1);
    s3_server_answer(&place->server, bytes_of(answer, LONG_BYTES));
    for (enum call call = PUT; call <= LIST; call++) {
        int code = make(place, call, "old!");
        assert_int_not_equal(code, 0);
        expect_sentence(place, code);
    }
    s3_server_answer(&place->server, BYTES_NONE);
    memory_free(answer);
}

/* ---- a store that is slow, or hasty ---- */

/* A byte now and then is not enough to be waited for, whatever is asked. */
static void test_a_store_that_drips(void **state) {
    struct place *place = *state;
    char text[TEXT_MAXIMUM] = "";
    memset(text, 'x', sizeof text - 1);
    assert_int_equal(make(place, PUT, text), 0);
    for (enum call call = 0; call < CALLS; call++) {
        s3_server_drip(&place->server, DRIP_US);
        assert_int_equal(make(place, call, text), ERR_IO);
        assert_non_null(strstr(place->problem.text, "check the endpoint and the network"));
        expect_sentence(place, ERR_IO);
        s3_server_drip(&place->server, 0);
        assert_int_equal(make(place, PUT, text), 0);
        assert_int_equal(make(place, GET, text), 0);
    }
}

/* A long body waits until it is asked for. A store that says at once that all is well never asks,
 * and has nothing. */
static void test_a_body_that_nobody_asked_for(void **state) {
    struct place *place = *state;
    enum { LONG_BYTES = 2 << 20 };
    uint8_t *body = memory_allocate_zeroed(1, LONG_BYTES);
    s3_server_be_hasty(&place->server, true);
    int code =
        place->store->ops->put(place->store, "blob", bytes_of(body, LONG_BYTES), &place->problem);
    assert_int_equal(code, ERR_IO);
    assert_non_null(strstr(place->problem.text, "not all of it was sent"));
    s3_server_be_hasty(&place->server, false);
    assert_int_equal(place->server.put_count, 0);
    assert_int_equal(make(place, PUT, "old!"), 0);
    memory_free(body);
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(test_any_one_allocation_fails), IN_A_PLACE(test_a_store_that_talks_nonsense),
        IN_A_PLACE(test_an_answer_without_an_end), IN_A_PLACE(test_a_store_that_drips),
        IN_A_PLACE(test_a_body_that_nobody_asked_for)};
    return cmocka_run_group_tests(tests, lend_memory, NULL);
}
