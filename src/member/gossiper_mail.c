#include "base/check.h"
#include "base/memory.h"
#include "member/gossip_commands.h"
#include "member/gossiper_internal.h"
#include "member/stream_mail.h"
#include "tuning/tuning.h"

static void gossiper_take_settings(struct gossiper *gossiper, struct bytes pairs) {
    struct buffer problem;
    struct bytes name, value;
    bool is_zone = false;
    buffer_init(&problem, LOG_LINE_MAXIMUM);
    while (mail_next_setting(&pairs, &name, &value)) {
        is_zone |= bytes_equal(name, BYTES_LITERAL("zone"));
        int code = config_set(&gossiper->config, name, value, CONFIG_SOURCE_LIVE, &problem);
        CHECK(code == 0); /* worker 0 has tried it */
    }
    buffer_release(&problem);
    struct gossip_timing timing = tuning_timing(&gossiper->config);
    gossip_set_timing(gossiper->gossip, &timing);
    if (is_zone)
        gossiper_say_zone(gossiper);
    gossiper->gossip_deadline_us = 0; /* the next tick learns the new one */
}

/* A client's command, from a worker; it goes back as the reply of a shard does. */
static void gossiper_answer(struct gossiper *gossiper, const struct mail *mail) {
    size_t count;
    struct bytes *arguments = mail_arguments(mail, &count);
    struct mail *back = mail_new(MAIL_REPLY, MAIL_TO_GOSSIPER);
    back->target = mail->target;
    back->ticket = mail->ticket;
    struct reply reply = {.out = &back->bytes, .protocol = mail->protocol};
    const struct command *command = command_find(arguments[0], arguments[1]);
    CHECK(command != NULL); /* the session has found it */
    gossip_command_run(&(struct gossip_call){gossiper, command, arguments, count, &reply});
    memory_free(arguments);
    gossiper->post(gossiper->context, mail->from, back);
}

static void gossiper_take(struct gossiper *gossiper, const struct mail *mail) {
    CHECK(mail->kind != MAIL_GOSSIP_SET || mail->key != NULL);
    switch (mail->kind) {
    case MAIL_GOSSIP_SET:
        gossiper_say(gossiper, bytes_of_text(mail->key), buffer_bytes(&mail->bytes));
        return;
    case MAIL_GOSSIP_SEED:
        gossiper_seed(gossiper, &mail->address);
        return;
    case MAIL_GOSSIP_LEAVE:
        gossiper_step(gossiper, (struct gossip_event){.kind = GOSSIP_LEAVE});
        return;
    case MAIL_GOSSIP_CALL:
        gossiper_answer(gossiper, mail);
        return;
    case MAIL_GOSSIP_WATCH:
        CHECK(mail->from < gossiper_receiver_count(gossiper));
        gossiper->is_watching[mail->from] = mail->flags != 0;
        return;
    case MAIL_GOSSIP_CONTACT:
        gossiper_contact(gossiper, buffer_bytes(&mail->bytes));
        return;
    case MAIL_GOSSIP_STREAM:
        gossiper_step(gossiper, stream_mail_event(mail));
        return;
    case MAIL_SETTINGS:
        gossiper_take_settings(gossiper, buffer_bytes(&mail->bytes));
        return;
    case MAIL_COMMAND:
    case MAIL_REPLY:
    case MAIL_PEER:
    case MAIL_TOPOLOGY:
    case MAIL_LEADER:
    case MAIL_MEMBERS:
    case MAIL_TRACE:
    case MAIL_GOSSIP_NEWS:
    case MAIL_ASK:
    case MAIL_SETTINGS_CALL:
    case MAIL_SETTINGS_FILE:
    case MAIL_STATUS:
        return; /* between workers, or for the owner of the gossiper */
    }
}

void gossiper_mail(struct gossiper *gossiper, struct mail *mail) {
    gossiper_take(gossiper, mail);
    mail_free(mail);
}
