/* One question, every worker of this node. */
#pragma once
#include "base/buffer.h"
#include "session/client/session_command.h"

struct ask_words {  /* of the command that asks; all borrowed */
    uint64_t asker; /* the id of its session */
    const struct bytes *arguments;
    size_t argument_count;
};
struct ask_answer {
    uint64_t number;    /* of clients, of shards; added up */
    struct buffer text; /* put one behind the other */
};
struct ask_question {
    void (*answer)(struct worker *worker, const struct ask_words *words,
                   struct ask_answer *answer); /* one worker's part */
    void (*reply)(const struct worker *worker, const struct ask_answer *all,
                  struct reply *reply); /* of all parts */
};
/* Asks every worker of this node, this one at once and the others by MAIL_ASK. The question is
 * static. True: the reply is written already. */
bool ask_workers(struct session_command *call, const struct ask_question *question);
void ask_mail(struct worker *worker, struct mail *mail); /* takes it */
void ask_free_all(struct worker *worker);
void ask_reply_number(const struct worker *worker, const struct ask_answer *all,
                      struct reply *reply);
void ask_reply_text(const struct worker *worker, const struct ask_answer *all, struct reply *reply);
