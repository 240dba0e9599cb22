#include "io/real/wake.h"
#include "base/check.h"
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void wake_on_poll(uv_poll_t *poll, int status, int events) {
    (void)status, (void)events;
    struct wake *wake = poll->data;
    uint64_t count;
    ssize_t got = read(wake->descriptor, &count, sizeof count);
    CHECK(got == sizeof count || errno == EAGAIN || errno == EINTR);
    /* Before `on_wake` looks: what is sent from here on either it sees, or there is another wake.
     */
    atomic_store(&wake->is_sent, false);
    wake->on_wake(wake->context);
}

void wake_init(struct wake *wake, uv_loop_t *loop, void (*on_wake)(void *context), void *context) {
    *wake = (struct wake){.on_wake = on_wake, .context = context};
    wake->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(wake->descriptor >= 0);
    CHECK(uv_poll_init(loop, &wake->poll, wake->descriptor) == 0);
    wake->poll.data = wake;
    CHECK(uv_poll_start(&wake->poll, UV_READABLE, wake_on_poll) == 0);
}

void wake_send(struct wake *wake) {
    if (atomic_exchange(&wake->is_sent, true))
        return;
    uint64_t one = 1;
    ssize_t written;
    do
        written = write(wake->descriptor, &one, sizeof one);
    while (written < 0 && errno == EINTR);
    CHECK(written == sizeof one);
}

static void wake_on_closed(uv_handle_t *handle) {
    struct wake *wake = handle->data;
    close(wake->descriptor);
    if (wake->closed)
        wake->closed(wake->context);
}

void wake_close(struct wake *wake, void (*closed)(void *context)) {
    wake->closed = closed;
    uv_close((uv_handle_t *)&wake->poll, wake_on_closed);
}
