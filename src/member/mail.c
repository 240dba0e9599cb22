#include "member/mail.h"

#include "base/check.h"
#include "base/cursor.h"
#include "base/memory.h"

struct mail *mail_new(enum mail_kind kind, unsigned from) {
    struct mail *mail = memory_allocate_zeroed(1, sizeof *mail);
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

struct mail *mail_copy(const struct mail *mail) {
    struct mail *copy = mail_new(mail->kind, mail->from);
    struct buffer bytes = copy->bytes;
    *copy = *mail;
    copy->next = NULL;
    copy->bytes = bytes;
    copy->key = mail->key ? memory_copy_text(mail->key) : NULL;
    buffer_append_bytes(&copy->bytes, buffer_bytes(&mail->bytes));
    return copy;
}

void mail_put_arguments(struct mail *mail, const struct bytes *arguments, size_t count) {
    buffer_append_varint(&mail->bytes, count);
    for (size_t i = 0; i < count; i++)
        buffer_append_length_prefixed(&mail->bytes, arguments[i]);
}

struct bytes *mail_arguments(const struct mail *mail, size_t *count) {
    struct cursor in = cursor_of(buffer_bytes(&mail->bytes));
    *count = cursor_varint(&in);
    struct bytes *arguments = memory_allocate_zeroed(*count, sizeof *arguments);
    for (size_t i = 0; i < *count; i++)
        arguments[i] = cursor_length_prefixed(&in, SIZE_MAX);
    CHECK(cursor_finish(&in) == 0);
    return arguments;
}

void mail_add_setting(struct mail *mail, const char *name, const char *value) {
    buffer_append_length_prefixed(&mail->bytes, bytes_of_text(name));
    buffer_append_length_prefixed(&mail->bytes, bytes_of_text(value));
}

bool mail_next_setting(struct bytes *pairs, struct bytes *name, struct bytes *value) {
    struct cursor in = cursor_of(*pairs);
    if (cursor_left(&in) == 0)
        return false;
    *name = cursor_length_prefixed(&in, SIZE_MAX);
    *value = cursor_length_prefixed(&in, SIZE_MAX);
    CHECK(!in.is_failed);
    *pairs = cursor_bytes(&in, cursor_left(&in));
    return true;
}
