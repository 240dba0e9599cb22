#include "node/mail.h"

#include "base/memory.h"

struct mail *mail_new(enum mail_kind kind, unsigned from) {
    struct mail *mail = memory_allocate_zeroed(1, sizeof(*mail));
    mail->kind = kind;
    mail->from = from;
    buffer_init(&mail->bytes, SIZE_MAX);
    return mail;
}

void mail_free(struct mail *mail) {
    if (mail) {
        buffer_release(&mail->bytes);
        memory_free(mail->key);
        memory_free(mail);
    }
}
