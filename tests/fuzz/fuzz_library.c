/* A program that says anything to libtroth-gossip, through its public header: each call is refused
 * with a code or done, and no check inside is reached. The input is events: a kind (1 byte), time
 * that passes in milliseconds (1), a length (1), so many bytes. */
#include "troth-gossip.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SETTING_BYTES = 64 };

static void expect(bool is_so) {
    if (!is_so)
        abort();
}

static void look(const struct troth_gossip *gossip) {
    struct troth_gossip_member member;
    size_t count = troth_gossip_member_count(gossip);
    expect(count >= 1);
    for (size_t i = 0; i < count; i++) {
        struct troth_gossip_bytes key, value;
        size_t position = 0;
        expect(troth_gossip_member_at(gossip, i, &member));
        expect(member.is_self == (i == 0));
        expect(troth_gossip_member_find(gossip, member.uuid, &member));
        while (troth_gossip_walk(gossip, member.uuid, &position, &key, &value))
            expect(value.length > 0);
    }
    expect(!troth_gossip_member_at(gossip, count, &member));
}

static void configure(struct troth_gossip *gossip, struct troth_gossip_bytes text) {
    char name[SETTING_BYTES] = "gossip-", value[SETTING_BYTES] = "", problem[16];
    size_t half = text.length / 2;
    if (half >= SETTING_BYTES - 8)
        return;
    memcpy(name + 7, text.data, half);
    memcpy(value, text.data + half, text.length - half);
    (void)troth_gossip_configure(gossip, name, value, problem, sizeof problem);
}

static struct troth_gossip_address address_of(struct troth_gossip_bytes text) {
    struct troth_gossip_address address = {.host = "10.0.0.2", .port = 7};
    if (text.length % 5 == 1) {
        memcpy(address.host, text.data, text.length < 64 ? text.length : 64);
        address.port = (uint16_t)text.data[0];
    }
    return address;
}

static void step(struct troth_gossip *gossip, uint64_t now_us, uint8_t kind,
                 struct troth_gossip_bytes text) {
    struct troth_gossip_actions actions;
    size_t key_bytes = text.length < 8 ? text.length : text.data[0] % (text.length + 1);
    struct troth_gossip_event event = {.kind = (enum troth_gossip_event_kind)(kind % 16),
                                       .now_us = now_us,
                                       .wall_us = now_us * kind,
                                       .address = address_of(text),
                                       .bytes = text,
                                       .priority = (enum troth_gossip_priority)(text.length % 5),
                                       .key = {text.data, key_bytes},
                                       .value = {text.data + key_bytes, text.length - key_bytes}};
    int code = troth_gossip_step(gossip, &event, &actions);
    expect(code == 0 || actions.datagram_count + actions.change_count + actions.try_count == 0);
    for (size_t i = 0; i < actions.datagram_count; i++)
        expect(actions.datagrams[i].bytes.length <= TROTH_GOSSIP_DATAGRAM_MAXIMUM);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct troth_gossip_options options = {
        .uuid = {1}, .generation = 3, .name = "fuzzed", .seed = 4, .now_us = 1000000};
    struct troth_gossip *gossip;
    uint64_t now_us = options.now_us;
    expect(troth_gossip_address_parse(&options.address, "10.0.0.1:7946") == 0);
    options.is_sealed = size > 0 && data[0] % 2 == 1;
    expect(troth_gossip_new(&options, &gossip) == 0);
    while (size >= 3) {
        size_t length = data[2] < size - 3 ? data[2] : size - 3;
        struct troth_gossip_bytes text = {data + 3, length};
        now_us += (uint64_t)data[1] * 1000;
        if (data[0] == 15)
            configure(gossip, text);
        else
            step(gossip, now_us, data[0], text);
        data += 3 + length;
        size -= 3 + length;
    }
    look(gossip);
    troth_gossip_free(gossip);
    return 0;
}
