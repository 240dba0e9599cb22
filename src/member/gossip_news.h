/* What the gossiper learned, on its way to those who watch: changes as bytes of a MAIL_GOSSIP_NEWS,
 * and as what a subscriber of the Redis protocol is sent. */
#pragma once
#include "base/buffer.h"
#include "base/cursor.h"
#include "gossip/gossip.h"
#include "io/net.h"

enum { GOSSIP_NEWS_BYTES_MAXIMUM = 4 << 20 }; /* of one mail; changes past it are not told */

struct gossip_news {
    enum gossip_change_kind kind;
    enum gossip_member_state state;
    uint8_t uuid[GOSSIP_UUID_BYTES];
    char name[64];
    struct net_address address;
    struct bytes key, value; /* of a GOSSIP_CHANGE_KEY; no value: the key is removed. Borrowed */
};

/* Appends one change. `change` is of the step that was just made. */
void gossip_news_append(struct buffer *out, const struct gossip *gossip,
                        const struct gossip_change *change);
/* The next of a mail; false at the end. Borrows from the mail. */
bool gossip_news_next(struct cursor *in, struct gossip_news *news);

/* "joined", "moved", "key", or the member's new state. Static storage. */
const char *gossip_news_event(const struct gossip_news *news);
/* The channel that this is published on: GOSSIP_CHANNEL_MEMBERS, or GOSSIP_CHANNEL_KEY and the key.
 */
#define GOSSIP_CHANNEL_MEMBERS "__gossip__:members"
#define GOSSIP_CHANNEL_KEY     "__gossip__:key:"
void gossip_news_channel(const struct gossip_news *news, struct buffer *out);
/* The message there, as JSON: {"event":"dead","name":"n","id":"32 hex
 * digits","address":"host:port"}, of a key with "key" and "value" (null: removed). Bytes that are
 * no UTF-8 are told as U+FFFD; GOSSIP GET has them. */
void gossip_news_message(const struct gossip_news *news, struct buffer *out);

/* gossip_state_text(), back: false if there is no such state. */
bool gossip_state_parse(struct bytes text, enum gossip_member_state *state);
/* 32 hex digits and a NUL. */
enum { GOSSIP_ID_TEXT_BYTES = 2 * GOSSIP_UUID_BYTES + 1 };
void gossip_id_text(const uint8_t uuid[GOSSIP_UUID_BYTES], char out[GOSSIP_ID_TEXT_BYTES]);
