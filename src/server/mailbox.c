#include "server/mailbox.h"
#include "base/check.h"

void mailbox_init(struct mailbox *mailbox, uv_loop_t *loop, void (*on_wake)(void *context),
                  void *context) {
    *mailbox = (struct mailbox){.first = NULL};
    mailbox->last = &mailbox->first;
    CHECK(uv_mutex_init(&mailbox->lock) == 0);
    wake_init(&mailbox->wake, loop, on_wake, context);
}

void mailbox_post(struct mailbox *mailbox, struct mail *mail) {
    mail->next = NULL;
    uv_mutex_lock(&mailbox->lock);
    bool is_closed = mailbox->is_closed;
    if (!is_closed) {
        *mailbox->last = mail;
        mailbox->last = &mail->next;
        wake_send(&mailbox->wake);
    }
    uv_mutex_unlock(&mailbox->lock);
    if (is_closed)
        mail_free(mail);
}

void mailbox_wake(struct mailbox *mailbox) {
    uv_mutex_lock(&mailbox->lock);
    if (!mailbox->is_closed)
        wake_send(&mailbox->wake);
    uv_mutex_unlock(&mailbox->lock);
}

struct mail *mailbox_take_all(struct mailbox *mailbox) {
    uv_mutex_lock(&mailbox->lock);
    struct mail *all = mailbox->first;
    mailbox->first = NULL;
    mailbox->last = &mailbox->first;
    uv_mutex_unlock(&mailbox->lock);
    return all;
}

void mailbox_close(struct mailbox *mailbox) {
    uv_mutex_lock(&mailbox->lock);
    mailbox->is_closed = true;
    uv_mutex_unlock(&mailbox->lock);
    wake_close(&mailbox->wake, NULL);
}

void mailbox_release(struct mailbox *mailbox) {
    for (struct mail *mail = mailbox_take_all(mailbox), *next; mail != NULL; mail = next) {
        next = mail->next;
        mail_free(mail);
    }
    uv_mutex_destroy(&mailbox->lock);
}
