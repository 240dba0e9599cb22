/* Mail from several threads to one: nothing is lost, and each sender's keeps its order. */
#include "../unit.h"
#include "server/mailbox.h"

enum { SENDERS = 3, MAILS_EACH = 5000 };

struct post_office {
    struct mailbox mailbox;
    uint64_t next[SENDERS]; /* expected of each */
    unsigned taken;
};

struct sender {
    struct post_office *office;
    unsigned number;
    uv_thread_t thread;
};

static void send_all(void *argument) {
    struct sender *sender = argument;
    for (uint64_t i = 0; i < MAILS_EACH; i++) {
        struct mail *mail = mail_new(MAIL_COMMAND, sender->number);
        mail->ticket = i;
        mailbox_post(&sender->office->mailbox, mail);
    }
}

static void take_all(void *context) {
    struct post_office *office = context;
    for (struct mail *mail = mailbox_take_all(&office->mailbox), *next; mail; mail = next) {
        next = mail->next;
        assert_int_equal(mail->ticket, office->next[mail->from]++);
        mail_free(mail);
        office->taken++;
    }
    if (office->taken == SENDERS * MAILS_EACH)
        mailbox_close(&office->mailbox);
}

/* Three threads post at once: nothing is lost, and the mail of each comes in its order. */
static void test_mail_of_a_thread_keeps_its_order(void **state) {
    (void)state;
    uv_loop_t loop;
    struct post_office office = {.taken = 0};
    struct sender senders[SENDERS];
    assert_int_equal(uv_loop_init(&loop), 0);
    mailbox_init(&office.mailbox, &loop, take_all, &office);
    for (unsigned i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){.office = &office, .number = i};
        assert_int_equal(uv_thread_create(&senders[i].thread, send_all, &senders[i]), 0);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(office.taken, SENDERS * MAILS_EACH);
    for (unsigned i = 0; i < SENDERS; i++)
        uv_thread_join(&senders[i].thread);
    mailbox_post(&office.mailbox, mail_new(MAIL_COMMAND, 0)); /* to one who has gone: dropped */
    assert_null(mailbox_take_all(&office.mailbox));
    mailbox_release(&office.mailbox);
    assert_int_equal(uv_loop_close(&loop), 0);
}

RUN_TESTS(cmocka_unit_test(test_mail_of_a_thread_keeps_its_order))
