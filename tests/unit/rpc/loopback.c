#include "loopback.h"
#include "../unit.h"
#include "io/real/socket.h"
#include <arpa/inet.h>
#include <unistd.h>

/* Below the range from which the kernel takes ports for others: one of those could be taken between
 * looking and listening, or by the very client that tries it while nobody listens. */
enum { PORT_FIRST = 10240, PORT_COUNT = 20480, PORTS_OF_PROCESS = 32 };

/* Binds, so that a port of which anything is left is not free. */
static bool is_free(uint16_t port, int type) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int probe = socket(AF_INET, type, 0);
    assert_true(probe >= 0);
    bool is_bound = bind(probe, (struct sockaddr *)&address, sizeof address) == 0;
    close(probe);
    return is_bound;
}

struct net_address loopback_address(void) {
    static unsigned tried = 0;
    unsigned first = (unsigned)getpid() * PORTS_OF_PROCESS; /* others run at the same time */
    struct net_address address = {.host = "127.0.0.1"};
    do {
        assert_true(tried < PORT_COUNT);
        address.port = (uint16_t)(PORT_FIRST + (first + tried++) % PORT_COUNT);
    } while (!is_free(address.port, SOCK_STREAM) || !is_free(address.port, SOCK_DGRAM));
    return address;
}

int loopback_listen(const struct net_address *address) {
    struct buffer problem;
    int socket;
    buffer_init(&problem, 1000);
    if (socket_listen(address, "port", &socket, 1, &problem) != 0)
        fail_msg("%.*s", BYTES_PRINT(buffer_bytes(&problem)));
    buffer_release(&problem);
    return socket;
}

static void on_poll(uv_timer_t *timer) { (void)timer; /* wakes the loop */ }

/* Longer than any machine needs, however busy: it is for what never happens. */
enum { PATIENCE_MS = 60 * 1000 };

void run_until(uv_loop_t *loop, bool (*is_done)(void *context), void *context) {
    uv_timer_t timer;
    uint64_t begin_ns = uv_hrtime();
    uv_timer_init(loop, &timer);
    uv_timer_start(&timer, on_poll, 5, 5);
    while (!is_done(context)) {
        if (uv_hrtime() - begin_ns > PATIENCE_MS * 1000000ull)
            fail_msg("it did not happen within %u ms", PATIENCE_MS);
        uv_run(loop, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(loop, UV_RUN_NOWAIT);
}
