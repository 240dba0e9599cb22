#include "server/threads.h"

#include <unistd.h>

#include "base/check.h"
#include "base/exit_code.h"
#include "process/log_sink.h"

void server_post(struct server *server, struct log *log, unsigned receiver, struct mail *mail) {
    log_sink_settings(log, mail); /* whoever tells of a setting has it changed as well */
    if (mail->kind == MAIL_SETTINGS)
        atomic_store(&server->log_level, (int)log->level);
    if (receiver == MAIL_TO_GOSSIPER) {
        mailbox_post(server->gossip_mailbox, mail);
        return;
    }
    CHECK(receiver < server->worker_count);
    mailbox_post(server->worker_mailboxes[receiver], mail);
}

_Noreturn void server_fatal(const struct log *log, const char *what) {
    log_line(log, LOG_ERROR, "the node ends at once", LOG_T("cause", what));
    _exit(EXIT_FAILED);
}
