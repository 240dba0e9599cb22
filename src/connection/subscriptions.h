/* What one connection of the Redis protocol wants to be told of gossip: channels, patterns (glob,
 * as Redis matches them), or everything (GOSSIP WATCH). There is no PUBLISH: the channels are the
 * node's own (gossip_news.h), and any other stays silent. */
#pragma once
#include "command/command.h"
#include "member/gossip_news.h"

enum {
    SUBSCRIPTION_MAXIMUM = 1024,     /* of one connection, channels and patterns together */
    SUBSCRIPTION_BYTES_MAXIMUM = 256 /* of a channel's or pattern's name */
};

struct subscription {
    bool is_pattern;
    struct bytes name; /* owned */
};

struct subscriptions {
    struct subscription *all;
    size_t count, capacity;
    bool is_watching; /* everything, as RESP3 pushes; in RESP2, after HELLO 2, nothing: an array
                         between replies would pass for one */
};

/* All zeroes is none. */
void subscriptions_release(struct subscriptions *subscriptions); /* none again */
bool subscriptions_are_any(const struct subscriptions *subscriptions);
size_t subscriptions_count(const struct subscriptions *subscriptions, bool is_pattern);

/* SUBSCRIBE, PSUBSCRIBE, UNSUBSCRIBE, PUNSUBSCRIBE, GOSSIP WATCH and GOSSIP UNWATCH: true, and the
 * reply is written, if `command` is one of them. */
bool subscriptions_command(struct subscriptions *subscriptions, const struct command *command,
                           const struct bytes *arguments, size_t count, struct reply *reply);
/* In RESP2 a connection that has subscribed can only change that, PING, QUIT and RESET: true, and
 * the error or the answer to PING is written, if `command` is not to be run now. */
bool subscriptions_take(const struct subscriptions *subscriptions, const struct command *command,
                        const struct bytes *arguments, size_t count, struct reply *reply);
/* Appends to `reply` what this connection is to be told of a piece of news: nothing, or messages.
 */
void subscriptions_tell(const struct subscriptions *subscriptions, const struct gossip_news *news,
                        struct reply *reply);
