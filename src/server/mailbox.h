/* A mailbox: any thread posts, one thread's loop takes, in the order posted. Posting to a closed
 * mailbox drops the mail, because threads of a stopping node end one after the other. */
#pragma once
#include "node/mail.h"
#include <uv.h>

struct mailbox {
    uv_mutex_t lock;
    struct mail *first, **last;
    bool is_closed;
    uv_async_t wake;
};

/* `on_wake` is called on the loop after something was posted, or after mailbox_wake. */
void mailbox_init(struct mailbox *mailbox, uv_loop_t *loop, uv_async_cb on_wake, void *data);
void mailbox_post(struct mailbox *mailbox, struct mail *mail); /* takes the mail. Any thread */
void mailbox_wake(struct mailbox *mailbox);                    /* any thread */
struct mail *
mailbox_take_all(struct mailbox *mailbox);     /* returns an owned chain by `next`, oldest first */
void mailbox_close(struct mailbox *mailbox);   /* on its loop; then the loop has to run */
void mailbox_release(struct mailbox *mailbox); /* frees what was not taken */
