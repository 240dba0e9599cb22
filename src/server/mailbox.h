/* A mailbox: any thread posts, one thread's loop takes, in the order posted. Posting to a closed
 * mailbox drops the mail, because threads of a stopping node end one after the other. */
#pragma once
#include "io/real/wake.h"
#include "member/mail.h"

struct mailbox {
    uv_mutex_t lock;
    struct mail *first, **last;
    bool is_closed;
    struct wake wake;
};

/* `on_wake` is called on the loop after something was posted, or after mailbox_wake. */
void mailbox_init(struct mailbox *mailbox, uv_loop_t *loop, void (*on_wake)(void *context),
                  void *context);
void mailbox_post(struct mailbox *mailbox, struct mail *mail); /* takes the mail. Any thread */
void mailbox_wake(struct mailbox *mailbox);                    /* any thread */
struct mail *
mailbox_take_all(struct mailbox *mailbox);     /* returns an owned chain by `next`, oldest first */
void mailbox_close(struct mailbox *mailbox);   /* on its loop; then the loop has to run */
void mailbox_release(struct mailbox *mailbox); /* frees what was not taken */
