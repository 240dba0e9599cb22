/* What is kept of a client's connection, and the order of its replies: a command takes its place
 * when it comes (clients.c), and replies leave from the front. */
#pragma once
#include "base/buffer.h"
#include "base/list.h"
#include "base/queue.h"
#include "command/command.h"
#include "member/login.h"
#include "member/subscriptions.h"
#include "session/target.h"
#include "wire/request.h"
#include "worker/worker.h"

enum {
    REPLY_INLINE_BYTES = 44,
    SESSION_NAME_MAXIMUM = LOGIN_NAME_MAXIMUM,
    SESSION_PEER_MAXIMUM = 80,
    SESSION_INPUT_ROOM_BYTES = 16 << 10
};

/* One command's place in the order of a session's replies. */
struct reply_slot {
    bool is_ready, is_silent;
    bool is_read;                  /* of a shard */
    const struct command *command; /* NULL: answered at once */
    uint64_t begun_us;
    uint8_t inline_bytes_used;
    uint16_t slot;  /* of the command's keys, for MOVED */
    uint32_t shard; /* 0: none */
    uint8_t inline_bytes[REPLY_INLINE_BYTES];
    uint16_t excerpt_bytes; /* of session->excerpts; 0: none */
    uint64_t excerpt_at;    /* counted over all that were ever there */
    uint8_t *heap;          /* owned; the reply, when it does not fit inline */
    size_t heap_bytes;
};

enum session_reply_mode {
    SESSION_REPLY_ON,
    SESSION_REPLY_OFF,
    SESSION_REPLY_SKIP /* the next one */
};

enum session_durability { DURABILITY_OF_NODE, DURABILITY_OF_SYNC, DURABILITY_OF_ASYNC };

struct session {
    struct target target;
    struct list link;         /* worker->sessions->all */
    struct list output_link;  /* worker->sessions->with_output: to be written, or closed */
    struct list blocked_link; /* worker->sessions->blocked: input waits for room */
    struct worker *worker;
    void *handle;
    uint64_t id;
    char peer_name[SESSION_PEER_MAXIMUM], own_name[SESSION_PEER_MAXIMUM];
    char name[SESSION_NAME_MAXIMUM], library_name[SESSION_NAME_MAXIMUM],
        library_version[SESSION_NAME_MAXIMUM];
    const struct command *last_command;
    uint64_t created_ms, last_input_us;
    uint64_t input_total_bytes, output_total_bytes, command_count;

    struct buffer input, output;
    struct request_parser parser;
    unsigned fetched_count; /* of the requests that come next: read_ahead.c has seen to them */
    struct queue slots;     /* struct reply_slot; the front's ticket is first_ticket */
    uint64_t first_ticket;
    /* For the slow log: the command that is being run (NULL: its place was taken), and what is kept
     * of those in `slots`, one behind the other. */
    const struct bytes *arguments;
    size_t argument_count;
    struct buffer excerpts;
    uint64_t excerpts_consumed;
    struct list traces; /* of traced commands whose reply is awaited (trace.c) */
    size_t unready_count;
    size_t unready_read_count; /* of those: reads of shards; no later write may overtake them */

    int protocol;
    enum session_reply_mode reply_mode;
    bool is_authenticated, is_readonly, is_no_evict;
    struct subscriptions subscriptions;
    bool is_listening; /* has subscriptions, and is counted in worker->sessions->listening_count */
    enum session_durability durability;
    enum session_durability command_durability;      /* of the command that is being run */
    uint64_t written[WORKER_SHARD_MAXIMUM / 64 + 1]; /* by shard: did it write there? For WAIT */
    bool is_closing; /* no more input is taken; closed when the last reply is out */
    bool is_gone;    /* the connection is closed; freed when nothing is in flight */
    bool is_paused;
    bool is_overrun;     /* its replies passed client-output-limit: it is told nothing more */
    bool is_close_asked; /* of the owner of the connection */
    size_t held_bytes;   /* of replies in `slots`; with `output` at most client-output-limit */
};

struct session *session_new(struct worker *worker, void *handle, const char *peer_name,
                            const char *own_name); /* returns owned */
void session_set_authenticated(struct session *session, bool is_authenticated);
void session_deliver(struct session *session, uint64_t ticket, enum shard_outcome outcome,
                     struct bytes reply);
void session_reply_now(struct session *session,
                       struct bytes reply); /* the next reply in order, whole */
/* What nobody asked for, behind the replies of the commands that came before. */
void session_push(struct session *session, struct bytes message);
uint64_t session_expect(struct session *session, uint32_t shard,
                        slot_number slot);            /* a ticket for a reply to come */
void session_expect_no_more(struct session *session); /* takes the last session_expect() back */
void session_expect_read(struct session *session);    /* what is expected last is a read's answer */
void session_close_after_reply(struct session *session);
void session_free(struct session *session);
void session_mark_output(struct session *session);
/* How a session's next command must go so that nothing of the connection overtakes anything: flags
 * for calls_send(), and false if the command must wait (a write behind a read that waits for a
 * quorum or a deletion). */
bool session_order(const struct session *session, const struct command *command, unsigned *flags);
