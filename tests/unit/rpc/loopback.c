#include "loopback.h"
#include "../unit.h"
#include <arpa/inet.h>
#include <unistd.h>

struct net_address loopback_address(void) {
    struct net_address address = {.host = "127.0.0.1"};
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof any;
    int made = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(made >= 0);
    assert_int_equal(bind(made, (struct sockaddr *)&any, length), 0);
    assert_int_equal(getsockname(made, (struct sockaddr *)&any, &length), 0);
    close(made);
    address.port = ntohs(any.sin_port);
    return address;
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
