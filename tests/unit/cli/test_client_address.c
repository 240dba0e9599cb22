/* The address that a person writes: as it is, or a name, of whose addresses that one counts at
 * which somebody listens. The names are those of this file, whatever the machine's hosts are. And
 * logging in there. */
#include "../unit.h"
#include "base/memory.h"
#include "cli/client/client.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- names: "none" is unknown, "one" is 127.0.0.2, "two" is 127.0.0.2 and then 127.0.0.1 ---- */

static struct addrinfo *answer_new(const char *host, const char *port) {
    struct addrinfo *answer = memory_allocate_zeroed(1, sizeof *answer);
    struct sockaddr_in *address = memory_allocate_zeroed(1, sizeof *address);
    address->sin_family = AF_INET;
    address->sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    assert_int_equal(inet_pton(AF_INET, host, &address->sin_addr), 1);
    *answer = (struct addrinfo){.ai_family = AF_INET,
                                .ai_socktype = SOCK_STREAM,
                                .ai_addr = (struct sockaddr *)address,
                                .ai_addrlen = sizeof *address};
    return answer;
}

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
                struct addrinfo **found) {
    (void)hints;
    if (strcmp(host, "none") == 0)
        return EAI_NONAME;
    *found = answer_new("127.0.0.2", port);
    if (strcmp(host, "two") == 0)
        (*found)->ai_next = answer_new("127.0.0.1", port);
    return 0;
}

void freeaddrinfo(struct addrinfo *found) {
    for (struct addrinfo *next; found; found = next) {
        next = found->ai_next;
        memory_free(found->ai_addr);
        memory_free(found);
    }
}

/* ---- who listens ---- */

static int listen_at(const char *host, uint16_t *port) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(inet_pton(AF_INET, host, &address.sin_addr), 1);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(descriptor, 1), 0);
    assert_int_equal(getsockname(descriptor, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return descriptor;
}

static void expect_host(const char *name, uint16_t port, const char *host) {
    struct net_address address;
    char text[64], problem[CLIENT_PROBLEM_BYTES];
    snprintf(text, sizeof text, "%s:%u", name, port);
    assert_int_equal(client_address(&address, text, problem), 0);
    assert_string_equal(address.host, host);
    assert_int_equal(address.port, port);
}

static void a_name_is_where_somebody_listens(void **state) {
    (void)state;
    uint16_t port;
    int listener = listen_at("127.0.0.1", &port);
    expect_host("two", port, "127.0.0.1");
    expect_host("one", port, "127.0.0.2"); /* it has no other */
    close(listener);
    expect_host("two", port, "127.0.0.2"); /* nobody: the first */
    listener = listen_at("127.0.0.2", &port);
    expect_host("two", port, "127.0.0.2");
    close(listener);
}

static void what_is_no_address_is_told(void **state) {
    (void)state;
    static const char *const wrong[] = {"none:7001", "127.0.0.1", ":7001",
                                        "one:70000", "one:0",     ""};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct net_address address;
        char problem[CLIENT_PROBLEM_BYTES] = "";
        assert_int_equal(client_address(&address, wrong[i], problem), ERR_INVALID);
        assert_non_null(strstr(problem, wrong[i]));
    }
}

/* ---- logging in ---- */

/* A node that answers AUTH with this and nothing else; its process ends by itself. */
static void answer_login(int listener, const char *answer) {
    char asked[256];
    if (fork() != 0)
        return;
    int descriptor = accept(listener, NULL, NULL);
    bool is_asked = read(descriptor, asked, sizeof asked) > 0;
    _exit(is_asked && write(descriptor, answer, strlen(answer)) > 0 ? 0 : 1);
}

/* It is no answer to what is asked next, by those who read what comes by themselves. */
static void the_answer_to_a_login_is_not_left_behind(void **state) {
    (void)state;
    static const char *const answers[] = {
        "+OK\r\n", "-ERR AUTH <password> called without any password configured for the default "
                   "user. Are you sure your configuration is correct?\r\n"};
    assert_int_equal(setenv("TROTHDB_PASSWORD", "secret", 1), 0);
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct net_address address = {.host = "127.0.0.1"};
        struct client client;
        int status, listener = listen_at(address.host, &address.port);
        answer_login(listener, answers[i]);
        assert_int_equal(client_open(&client, &address, CLIENT_TIMEOUT_MS), 0);
        assert_int_equal(client.input.length, 0);
        client_close(&client);
        close(listener);
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
}

RUN_TESTS(cmocka_unit_test(the_answer_to_a_login_is_not_left_behind),
          cmocka_unit_test(a_name_is_where_somebody_listens),
          cmocka_unit_test(what_is_no_address_is_told))
