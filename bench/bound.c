/* The processes of the bound: two followers, and a leader (bound_leader.c). */
#include "bound.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

_Noreturn static void run_follower(uint16_t port, const char *directory, unsigned number) {
    char name[32];
    struct bound_log log;
    snprintf(name, sizeof name, "follower-%u.log", number);
    bound_log_open(&log, directory, name);
    int leader = bound_connect(port);
    struct buffer stream;
    struct request_parser parser;
    struct bound_data *data = bound_data_new();
    buffer_init(&stream, BOUND_BUFFER_MAXIMUM);
    request_parser_init(&parser, &bound_limits);
    for (;;) {
        size_t before = stream.length;
        bound_read(leader, &stream);
        bound_log_write(&log,
                        (struct bytes){buffer_data(&stream) + before, stream.length - before});
        bound_write(leader, (struct bytes){(const uint8_t *)&log.offset, sizeof log.offset});
        bound_data_apply(data, &parser, &stream);
    }
}

static void start_follower(uint16_t port, const char *directory, unsigned number) {
    pid_t child = fork();
    if (child < 0)
        bound_fail("cannot fork");
    if (child != 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    run_follower(port, directory, number);
}

int main(int argument_count, char **arguments) {
    int port = argument_count == 3 ? atoi(arguments[1]) : 0;
    if (port < 1 || port > 65534) {
        fprintf(stderr,
                "usage: bench-bound PORT DIRECTORY   (the port above it is used as well)\n");
        return 2;
    }
    int listener = bound_listen((uint16_t)(port + 1)), followers[BOUND_FOLLOWERS], yes = 1;
    for (unsigned i = 0; i < BOUND_FOLLOWERS; i++)
        start_follower((uint16_t)(port + 1), arguments[2], i + 1);
    for (unsigned i = 0; i < BOUND_FOLLOWERS; i++) {
        followers[i] = accept(listener, NULL, NULL);
        setsockopt(followers[i], IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    }
    close(listener);
    bound_leader_run((uint16_t)port, followers, arguments[2]);
}
