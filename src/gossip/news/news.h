/* News: what others may not know yet, in lists by priority and by how often it was told. A piece is
 * told about 3 + 1.5 log2(n) times by each node that finds it new (some above the ln(n) that let
 * all hear it: Demers et al. 1987, SWIM 4.1). Whoever tells what is still fresh here knows it,
 * which is as good as having told that one (feedback: Demers et al. 1.4). When and to whom is
 * broadcast.h's to say.
 *
 *                          times told:  0         1         2        news_add(): to the
 *     urgent   deaths, refutations     [ ]                 [ ]       front of the first list.
 *     cluster  comers, leaders                   [ ] [ ]             news_told(): to the end of
 *     state    a node's own state      [ ]                 [ ] [ ]   the next one, but only what
 *     rest     all else                [ ] [ ]   [ ]                 was written (telling.h)
 *
 * When a key changes again, its older news goes. Of a flood, as when thousands join or die at once,
 * each piece is told to few, and what they miss is mended by comparing (compare.h). */
#pragma once
#include "base/containers/list.h"
#include "gossip/instance/instance.h"

/* One piece: a member's record, or an entry of its. It is written out when it is sent, as
 * it is then; it exists only while it waits. */
struct news {
    struct list link;
    struct member *member;
    struct entry *entry;    /* held; NULL: it is the member's record */
    struct news *of_member; /* the next waiting of the same member */
    enum gossip_priority priority;
    unsigned sent_count; /* how often it was told; or heard again while it was fresh */
    uint64_t round;      /* the last telling that it was part of */
};

enum { NEWS_IN_CIRCLE = 4 }; /* members: the second telling (listeners.h) */

/* What comes next for a piece: to be told to the first few, by lot; to the next ones in the circle
 * of UUIDs; now and then to somebody by lot. */
enum news_stage { NEWS_FRESH, NEWS_NEXT, NEWS_SLOW };
enum news_stage news_stage(const struct gossip *gossip, const struct news *news);
/* To so many by lot before the circle. What is said here nobody else tells: half of all its
 * tellings are done at once, so that the crowd that tells it on is larger from the beginning. */
unsigned news_by_lot(const struct gossip *gossip, const struct news *news);
/* Of what waits, what was told least; of that, what matters most. NULL: nothing waits. */
const struct news *news_freshest(const struct gossip *gossip);

/* News of the member: its record (entry NULL), or an entry of its chain. From the beginning, if it
 * was waiting already. */
void news_add(struct gossip *gossip, struct member *member, struct entry *entry,
              enum gossip_priority priority);
bool news_is_waiting(const struct member *member, const struct entry *entry);
/* Somebody has told it, who therefore knows it: while it is fresh that counts as told. */
void news_heard_again(struct gossip *gossip, struct member *member, const struct entry *entry);
void news_remove(struct gossip *gossip, struct member *member, const struct entry *entry);
void news_remove_all(struct gossip *gossip, struct member *member);
/* What was added last is this node's own, or was heard from who says it: it is told in this step,
 * unless the last round is less than flush_us ago. */
void news_hurry(struct gossip *gossip);
/* Another one lives: if it is the first, there are rounds of telling again. */
void news_listener_came(struct gossip *gossip);
/* The next round of telling is at that moment at the latest. */
void news_due(struct gossip *gossip, uint64_t due_us);
/* For telling.c, of pieces that it took out of their lists: told once more; or not after all. */
void news_told(struct gossip *gossip, struct news *news, size_t bytes);
void news_put_back(struct gossip *gossip, struct news *news);
