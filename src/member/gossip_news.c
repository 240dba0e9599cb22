#include "member/gossip_news.h"
#include "base/check.h"
#include "base/text/hex.h"
#include "base/text/json.h"
/* ---- as bytes: only between threads of one process, so there is no version in it ---- */

void gossip_news_append(struct buffer *out, const struct gossip *gossip,
                        const struct gossip_change *change) {
    const struct gossip_member *member = change->member;
    size_t before = out->length;
    buffer_append_u8(out, (uint8_t)change->kind);
    buffer_append_u8(out, (uint8_t)member->state);
    buffer_append(out, member->who->uuid, GOSSIP_UUID_BYTES);
    buffer_append_length_prefixed(out, bytes_of_text(member->who->name));
    buffer_append_length_prefixed(out, bytes_of_text(member->who->address.host));
    buffer_append_u16(out, member->who->address.port);
    buffer_append_length_prefixed(out, change->key);
    bool is_key = change->kind == GOSSIP_CHANGE_KEY;
    buffer_append_length_prefixed(out,
                                  is_key ? gossip_get(gossip, member, change->key) : BYTES_NONE);
    if (out->is_overflowed)
        buffer_truncate(out, before);
}

static void read_text(struct cursor *in, char *out, size_t size) {
    struct bytes text = cursor_length_prefixed(in, size - 1);
    memset(out, 0, size);
    if (text.length > 0)
        memcpy(out, text.data, text.length);
}

bool gossip_news_next(struct cursor *in, struct gossip_news *news) {
    if (cursor_left(in) == 0)
        return false;
    news->kind = (enum gossip_change_kind)cursor_u8(in);
    news->state = (enum gossip_member_state)cursor_u8(in);
    struct bytes uuid = cursor_bytes(in, GOSSIP_UUID_BYTES);
    read_text(in, news->name, sizeof news->name);
    read_text(in, news->address.host, sizeof news->address.host);
    news->address.port = cursor_u16(in);
    news->key = cursor_length_prefixed(in, GOSSIP_KEY_MAXIMUM);
    news->value = cursor_length_prefixed(in, GOSSIP_VALUE_MAXIMUM);
    CHECK(!in->is_failed);
    memcpy(news->uuid, uuid.data, GOSSIP_UUID_BYTES);
    return true;
}

/* ---- as words ---- */

bool gossip_state_parse(struct bytes text, enum gossip_member_state *state) {
    for (unsigned i = 0; i < GOSSIP_STATE_COUNT; i++) {
        if (!bytes_equal_ignoring_case(text, gossip_state_text((enum gossip_member_state)i)))
            continue;
        *state = (enum gossip_member_state)i;
        return true;
    }
    return false;
}

void gossip_id_text(const uint8_t uuid[GOSSIP_UUID_BYTES], char out[GOSSIP_ID_TEXT_BYTES]) {
    hex_write(uuid, GOSSIP_UUID_BYTES, out);
}

const char *gossip_news_event(const struct gossip_news *news) {
    switch (news->kind) {
    case GOSSIP_CHANGE_JOINED:
        return "joined";
    case GOSSIP_CHANGE_STATE:
        return gossip_state_text(news->state);
    case GOSSIP_CHANGE_KEY:
        return "key";
    case GOSSIP_CHANGE_ADDRESS:
        return "moved";
    case GOSSIP_CHANGE_NAME_CONFLICT:
        return "name-conflict";
    }
    UNREACHABLE();
}

void gossip_news_channel(const struct gossip_news *news, struct buffer *out) {
    bool is_key = news->kind == GOSSIP_CHANGE_KEY;
    buffer_append_text(out, is_key ? GOSSIP_CHANNEL_KEY : GOSSIP_CHANNEL_MEMBERS);
    if (is_key)
        buffer_append_bytes(out, news->key);
}

/* ---- as JSON ---- */

void gossip_news_message(const struct gossip_news *news, struct buffer *out) {
    struct json json = {.out = out};
    char id[GOSSIP_ID_TEXT_BYTES], address[NET_HOST_MAXIMUM + 10];
    gossip_id_text(news->uuid, id);
    net_address_format(&news->address, address);
    json_open(&json, NULL, '{');
    json_text(&json, "event", gossip_news_event(news));
    json_text(&json, "name", news->name);
    json_text(&json, "id", id);
    if (news->kind == GOSSIP_CHANGE_KEY) {
        json_bytes(&json, "key", news->key);
        if (news->value.length > 0)
            json_bytes(&json, "value", news->value);
        else
            json_null(&json, "value");
    } else {
        json_text(&json, "address", address);
    }
    json_close(&json, '}');
}
