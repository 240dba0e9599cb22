/* Wakes a loop from any thread, through an eventfd that the loop polls. What is sent before the
 * loop has looked is one wake.
 *
 * In place of uv_async: there the loop, once awake, spins and yields until the sender is back from
 * its write. With fewer cores than threads the sender is often not back for a whole time slice. */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

struct wake {
    uv_poll_t poll;
    int descriptor;
    atomic_bool is_sent; /* the loop has not looked since */
    void (*on_wake)(void *context);
    void (*closed)(void *context);
    void *context;
};

/* `on_wake` is called on the loop. The struct stays where it is until it is closed. */
void wake_init(struct wake *wake, uv_loop_t *loop, void (*on_wake)(void *context), void *context);
void wake_send(struct wake *wake); /* any thread, until wake_close */
/* On the loop's thread. `closed` (may be NULL) is called from the loop; then the struct may go. */
void wake_close(struct wake *wake, void (*closed)(void *context));
