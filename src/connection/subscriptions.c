#include "connection/subscriptions.h"

#include "base/memory.h"
#include "base/text/glob.h"

enum { SUBSCRIPTION_MESSAGE_BYTES = 8 << 10 };

void subscriptions_release(struct subscriptions *subscriptions) {
    for (size_t i = 0; i < subscriptions->count; i++)
        memory_free((void *)subscriptions->all[i].name.data);
    memory_free(subscriptions->all);
    *subscriptions = (struct subscriptions){0};
}

bool subscriptions_are_any(const struct subscriptions *subscriptions) {
    return subscriptions->count > 0 || subscriptions->is_watching;
}

size_t subscriptions_count(const struct subscriptions *subscriptions, bool is_pattern) {
    size_t count = 0;
    for (size_t i = 0; i < subscriptions->count; i++)
        count += subscriptions->all[i].is_pattern == is_pattern;
    return count;
}

/* ---- changing them ---- */

static size_t position_of(const struct subscriptions *subscriptions, bool is_pattern,
                          struct bytes name) {
    size_t position = 0;
    while (position < subscriptions->count &&
           (subscriptions->all[position].is_pattern != is_pattern ||
            !bytes_equal(subscriptions->all[position].name, name)))
        position++;
    return position;
}

static void add(struct subscriptions *subscriptions, bool is_pattern, struct bytes name) {
    if (subscriptions->count == subscriptions->capacity) {
        subscriptions->capacity = subscriptions->capacity ? 2 * subscriptions->capacity : 4;
        subscriptions->all =
            memory_resize(subscriptions->all, subscriptions->capacity * sizeof *subscriptions->all);
    }
    subscriptions->all[subscriptions->count++] = (struct subscription){
        .is_pattern = is_pattern,
        .name = bytes_of(memory_copy(name.length ? name.data : (const uint8_t *)"", name.length),
                         name.length)};
}

static void drop(struct subscriptions *subscriptions, size_t position) {
    memory_free((void *)subscriptions->all[position].name.data);
    memmove(subscriptions->all + position, subscriptions->all + position + 1,
            (--subscriptions->count - position) * sizeof *subscriptions->all);
}

/* One line of the answer: what was done, to which, and how many there are now. */
static void confirm(const struct subscriptions *subscriptions, const char *what,
                    const struct bytes *name, struct reply *reply) {
    reply_push(reply, 3);
    reply_bulk_text(reply, what);
    if (name != NULL)
        reply_bulk(reply, *name);
    else
        reply_null(reply);
    reply_integer(reply, (int64_t)subscriptions->count);
}

static void subscribe(struct subscriptions *subscriptions, const struct command *command,
                      const struct bytes *arguments, size_t count, struct reply *reply) {
    bool is_pattern = command->name[0] == 'p';
    if (subscriptions->count + count - 1 > SUBSCRIPTION_MAXIMUM) {
        reply_error_format(reply, "ERR a connection can have %d subscriptions at the most",
                           SUBSCRIPTION_MAXIMUM);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        if (arguments[i].length <= SUBSCRIPTION_BYTES_MAXIMUM)
            continue;
        reply_error_format(reply, "ERR a channel's name has %d bytes at the most",
                           SUBSCRIPTION_BYTES_MAXIMUM);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        if (position_of(subscriptions, is_pattern, arguments[i]) == subscriptions->count)
            add(subscriptions, is_pattern, arguments[i]);
        confirm(subscriptions, command->name, &arguments[i], reply);
    }
}

static void unsubscribe_all(struct subscriptions *subscriptions, const struct command *command,
                            bool is_pattern, struct reply *reply) {
    bool is_any = false;
    for (size_t i = subscriptions->count; i > 0; i--) {
        struct subscription dropped = subscriptions->all[i - 1];
        if (dropped.is_pattern != is_pattern)
            continue;
        struct bytes name =
            bytes_of(memory_copy(dropped.name.data, dropped.name.length), dropped.name.length);
        drop(subscriptions, i - 1);
        confirm(subscriptions, command->name, &name, reply);
        memory_free((void *)name.data);
        is_any = true;
    }
    if (!is_any)
        confirm(subscriptions, command->name, NULL, reply);
}

static void unsubscribe(struct subscriptions *subscriptions, const struct command *command,
                        const struct bytes *arguments, size_t count, struct reply *reply) {
    bool is_pattern = command->name[0] == 'p';
    if (count == 1)
        unsubscribe_all(subscriptions, command, is_pattern, reply);
    for (size_t i = 1; i < count; i++) {
        size_t position = position_of(subscriptions, is_pattern, arguments[i]);
        if (position < subscriptions->count)
            drop(subscriptions, position);
        confirm(subscriptions, command->name, &arguments[i], reply);
    }
}

static void watch(struct subscriptions *subscriptions, struct reply *reply) {
    if (reply->protocol < 3) {
        reply_error(reply, "ERR GOSSIP WATCH pushes, which takes RESP3: say HELLO 3 first, or "
                           "PSUBSCRIBE __gossip__:*");
        return;
    }
    subscriptions->is_watching = true;
    reply_ok(reply);
}

bool subscriptions_command(struct subscriptions *subscriptions, const struct command *command,
                           const struct bytes *arguments, size_t count, struct reply *reply) {
    const char *name = command->name;
    if (strcmp(name, "subscribe") == 0 || strcmp(name, "psubscribe") == 0)
        subscribe(subscriptions, command, arguments, count, reply);
    else if (strcmp(name, "unsubscribe") == 0 || strcmp(name, "punsubscribe") == 0)
        unsubscribe(subscriptions, command, arguments, count, reply);
    else if (strcmp(name, "gossip|watch") == 0)
        watch(subscriptions, reply);
    else if (strcmp(name, "gossip|unwatch") == 0) {
        subscriptions->is_watching = false;
        reply_ok(reply);
    } else
        return false;
    return true;
}

/* ---- while subscribed in RESP2 ---- */

bool subscriptions_take(const struct subscriptions *subscriptions, const struct command *command,
                        const struct bytes *arguments, size_t count, struct reply *reply) {
    static const char *const allowed[] = {"subscribe", "psubscribe", "unsubscribe", "punsubscribe",
                                          "ping",      "quit",       "reset"};
    if (subscriptions->count == 0 || reply->protocol > 2)
        return false;
    if (strcmp(command->name, "ping") == 0 && count <= 2) {
        reply_array(reply, 2);
        reply_bulk_text(reply, "pong");
        reply_bulk(reply, count == 2 ? arguments[1] : BYTES_LITERAL(""));
        return true;
    }
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (strcmp(command->name, allowed[i]) == 0)
            return false;
    reply_error_format(reply,
                       "ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / "
                       "QUIT / RESET are allowed in this context",
                       command->name);
    return true;
}

/* ---- telling ---- */

static void tell_watcher(const struct gossip_news *news, struct reply *reply) {
    bool is_key = news->kind == GOSSIP_CHANGE_KEY;
    char id[GOSSIP_ID_TEXT_BYTES], address[NET_HOST_MAXIMUM + 10];
    gossip_id_text(news->uuid, id);
    net_address_format(&news->address, address);
    reply_push(reply, is_key ? 6 : 5);
    reply_bulk_text(reply, "gossip");
    reply_bulk_text(reply, gossip_news_event(news));
    reply_bulk_text(reply, news->name);
    reply_bulk_text(reply, id);
    if (!is_key) {
        reply_bulk_text(reply, address);
        return;
    }
    reply_bulk(reply, news->key);
    if (news->value.length > 0)
        reply_bulk(reply, news->value);
    else
        reply_null(reply);
}

static void publish(const struct subscription *to, struct bytes channel, struct bytes message,
                    struct reply *reply) {
    reply_push(reply, to->is_pattern ? 4 : 3);
    reply_bulk_text(reply, to->is_pattern ? "pmessage" : "message");
    if (to->is_pattern)
        reply_bulk(reply, to->name);
    reply_bulk(reply, channel);
    reply_bulk(reply, message);
}

void subscriptions_tell(const struct subscriptions *subscriptions, const struct gossip_news *news,
                        struct reply *reply) {
    struct buffer channel, message;
    if (subscriptions->is_watching && reply->protocol >= 3)
        tell_watcher(news, reply);
    if (subscriptions->count == 0)
        return;
    buffer_init(&channel, SUBSCRIPTION_MESSAGE_BYTES);
    buffer_init(&message, SUBSCRIPTION_MESSAGE_BYTES);
    gossip_news_channel(news, &channel);
    gossip_news_message(news, &message);
    for (size_t i = 0; i < subscriptions->count; i++) {
        const struct subscription *to = &subscriptions->all[i];
        bool is_meant = to->is_pattern ? glob_match(to->name, buffer_bytes(&channel), false)
                                       : bytes_equal(to->name, buffer_bytes(&channel));
        if (is_meant)
            publish(to, buffer_bytes(&channel), buffer_bytes(&message), reply);
    }
    buffer_release(&channel);
    buffer_release(&message);
}
