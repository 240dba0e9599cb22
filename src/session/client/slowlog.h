/* The slow log of one worker: the commands whose replies took longest to come, newest last. What
 * counts is the time from reading a command to its reply, which is what the client waits for: it
 * includes the log's disk, the followers, and the commands before it on the same worker. */
#pragma once
#include "base/buffer.h"
#include "base/containers/queue.h"
#include "base/cursor.h"
#include "wire/reply.h"

struct session;
struct worker;

/* Redis's own limits of what is kept of a command. */
enum {
    SLOWLOG_ARGUMENT_MAXIMUM = 32,
    SLOWLOG_ARGUMENT_BYTES_MAXIMUM = 128,
    SLOWLOG_EXCERPT_BYTES_MAXIMUM = SLOWLOG_ARGUMENT_MAXIMUM * 192,
    /* Excerpts of one client's commands in flight; past it a command is logged without its words.
     */
    SLOWLOG_EXCERPTS_BYTES_MAXIMUM = 4 << 20,
};

struct slowlog {
    struct queue entries; /* struct slowlog_entry */
    uint64_t next_id;
};

struct slowlog_event {
    uint64_t wall_ms, duration_us;
    const char *client_address, *client_name;
    struct bytes excerpt; /* of the command; BYTES_NONE: of one without words */
    const char *trace;    /* the id under which it was traced afterwards; "": it was not */
};

/* Appends what is kept of a command, the password of CONFIG SET requirepass aside; returns how many
 * bytes that is, 0 if there is no room. */
size_t slowlog_excerpt(struct buffer *out, const struct bytes *arguments, size_t count);

void slowlog_init(struct slowlog *slowlog);
void slowlog_release(struct slowlog *slowlog);
/* Copies the event, and forgets the oldest past `maximum`. */
void slowlog_add(struct slowlog *slowlog, const struct slowlog_event *event, size_t maximum);
void slowlog_trim(struct slowlog *slowlog, size_t maximum);
static inline size_t slowlog_count(const struct slowlog *slowlog) {
    return queue_count(&slowlog->entries);
}

/* The newest `limit` entries, for slowlog_reply(). Ids are made unique among `worker_count`
 * workers. */
void slowlog_encode(const struct slowlog *slowlog, size_t limit, unsigned worker,
                    unsigned worker_count, struct buffer *out);
/* What several workers encoded, one behind the other, as SLOWLOG GET: newest first, `limit` in all.
 */
void slowlog_reply(struct bytes encoded, struct reply *reply);

bool slowlog_is_on(const struct worker *worker);
bool slowlog_takes(const struct worker *worker, uint64_t duration_us);
/* Keeps the command if it took long enough. */
void slowlog_note(struct session *session, uint64_t duration_us, struct bytes excerpt,
                  const char *trace);
