/* One connection to each agent: what it thinks and hears is pushed through it (GOSSIP WATCH), and
 * what it is told goes through it. Nothing here waits for one agent. */
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/text/number.h"
#include "cli/chaos/chaos.h"
#include "cli/terminal/figure.h"

enum {
    WATCH_EVENTS = 256,
    WATCH_CONNECT_MS = 2000, /* on loopback the kernel answers for the agent */
    PUSH_FIELDS = 5,
    KEY_FIELDS = 6
};
static const char message_key[] = "chaos-"; /* and the key's number */

/* ---- connecting ---- */

static void greet(struct chaos *chaos, unsigned index) {
    const struct bytes hello[] = {BYTES_LITERAL("HELLO"), BYTES_LITERAL("3")};
    const struct bytes watch[] = {BYTES_LITERAL("GOSSIP"), BYTES_LITERAL("WATCH")};
    const struct bytes members[] = {BYTES_LITERAL("GOSSIP"), BYTES_LITERAL("MEMBERS")};
    chaos_ask(chaos, index, CHAOS_ASKED_ANYTHING, hello, 2);
    chaos_faults_apply_to(chaos, index);
    chaos_ask(chaos, index, CHAOS_ASKED_ANYTHING, watch, 2);
    chaos_ask(chaos, index, CHAOS_ASKED_MEMBERS, members, 2);
}

static void connect_to(struct chaos *chaos, unsigned index) {
    struct chaos_agent *agent = &chaos->agents[index];
    struct net_address address = {.host = "127.0.0.1",
                                  .port = (uint16_t)(chaos->port + (int)index)};
    agent->retry_us = figure_now_us() + CHAOS_RETRY_US;
    if (client_open(&agent->client, &address, WATCH_CONNECT_MS)) {
        client_close(&agent->client);
        return;
    }
    struct epoll_event event = {.data.u32 = index, .events = EPOLLIN};
    CHECK(epoll_ctl(chaos->epoll, EPOLL_CTL_ADD, agent->client.socket, &event) == 0);
    agent->is_connected = true;
    agent->pending_first = agent->pending_count = 0;
    memory_free(agent->rules);
    agent->rules = NULL;
    greet(chaos, index);
}

/* ---- hearing ---- */

/* "a7" is 6; false for anybody else. */
static bool agent_of(const struct chaos *chaos, struct bytes name, unsigned *index) {
    int64_t number;
    if (name.length < 2 || name.data[0] != 'a' ||
        !number_parse_i64(bytes_of(name.data + 1, name.length - 1), &number) || number < 1 ||
        number > chaos->agent_maximum)
        return false;
    *index = (unsigned)number - 1;
    return true;
}

static enum tally_view view_of(struct bytes state) {
    static const struct {
        const char *word;
        enum tally_view view;
    } words[] = {{"alive", TALLY_ALIVE},     {"joining", TALLY_ALIVE}, {"joined", TALLY_ALIVE},
                 {"suspect", TALLY_SUSPECT}, {"dead", TALLY_DEAD},     {"left", TALLY_LEFT}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (bytes_equal(state, bytes_of_text(words[i].word)))
            return words[i].view;
    return TALLY_UNKNOWN;
}

static void hear_key(struct chaos *chaos, unsigned viewer, struct bytes key, struct bytes value) {
    int64_t number;
    size_t prefix = sizeof message_key - 1;
    if (key.length > prefix && memcmp(key.data, message_key, prefix) == 0 &&
        number_parse_i64(value, &number) && number >= 0)
        tally_seen(&chaos->tally, viewer, (uint64_t)number, chaos_now_us(chaos));
}

/* "gossip", what, name, id, address; of a key "gossip", "key", name, id, key, value. */
static void hear_push(struct chaos *chaos, unsigned viewer, const struct response *push) {
    const struct response *fields = push->elements;
    unsigned target;
    if (push->element_count < PUSH_FIELDS || !bytes_equal(fields[0].text, BYTES_LITERAL("gossip")))
        return;
    if (bytes_equal(fields[1].text, BYTES_LITERAL("key"))) {
        if (push->element_count == KEY_FIELDS)
            hear_key(chaos, viewer, fields[4].text, fields[5].text);
        return;
    }
    enum tally_view view = view_of(fields[1].text);
    if (view != TALLY_UNKNOWN && agent_of(chaos, fields[2].text, &target))
        tally_see(&chaos->tally, viewer, target, view, chaos_now_us(chaos));
}

static struct bytes field_of(const struct response *map, const char *name) {
    for (size_t i = 0; i + 1 < map->element_count; i += 2)
        if (bytes_equal(map->elements[i].text, bytes_of_text(name)))
            return map->elements[i + 1].text;
    return BYTES_NONE;
}

/* Of an agent that ran twice the living entry counts, whichever comes first. */
static void hear_members(struct chaos *chaos, unsigned viewer, const struct response *reply) {
    for (unsigned pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < reply->element_count; i++) {
            const struct response *member = &reply->elements[i];
            enum tally_view view = view_of(field_of(member, "state"));
            bool is_living = view == TALLY_ALIVE;
            unsigned target;
            if (is_living == (pass == 1) && agent_of(chaos, field_of(member, "name"), &target))
                tally_see(&chaos->tally, viewer, target, view, chaos_now_us(chaos));
        }
    }
}

static void hear_reply(struct chaos *chaos, unsigned viewer, const struct response *reply) {
    struct chaos_agent *agent = &chaos->agents[viewer];
    if (agent->pending_count == 0)
        return;
    enum chaos_asked asked = (enum chaos_asked)agent->pending[agent->pending_first];
    agent->pending_first = (agent->pending_first + 1) % CHAOS_PENDING_MAXIMUM;
    agent->pending_count--;
    if (reply->kind == RESPONSE_ERROR) {
        chaos_fail(chaos, "a%u refuses what it was asked: %.*s", viewer + 1,
                   (int)(reply->text.length < 500 ? reply->text.length : 500),
                   (const char *)reply->text.data);
        return;
    }
    switch (asked) {
    case CHAOS_ASKED_ANYTHING:
        return;
    case CHAOS_ASKED_MEMBERS:
        if (!agent->is_watched)
            tally_start(&chaos->tally, viewer, chaos_now_us(chaos));
        agent->is_watched = true;
        hear_members(chaos, viewer, reply);
        return;
    case CHAOS_ASKED_INFO:
        chaos_load_take_info(chaos, viewer, reply->text);
        return;
    }
    UNREACHABLE();
}

static void hear(struct chaos *chaos, unsigned index) {
    struct chaos_agent *agent = &chaos->agents[index];
    int is_lost = client_receive_some(&agent->client);
    while (agent->is_connected) {
        struct response response;
        size_t consumed;
        int status = response_parse(buffer_bytes(&agent->client.input), &response, &consumed);
        if (status != 1) {
            is_lost |= status < 0;
            break;
        }
        if (response.kind == RESPONSE_PUSH)
            hear_push(chaos, index, &response);
        else
            hear_reply(chaos, index, &response);
        client_consume(&agent->client, &response, consumed);
    }
    if (agent->client.input.length == 0)
        buffer_clear(&agent->client.input);
    if (is_lost)
        chaos_lose(chaos, index);
}

/* ---- all of them ---- */

void chaos_watch_open(struct chaos *chaos) {
    chaos->epoll = epoll_create1(EPOLL_CLOEXEC);
    CHECK(chaos->epoll >= 0);
}

void chaos_watch_close(struct chaos *chaos) {
    for (unsigned i = 0; i < chaos->agent_maximum; i++) {
        chaos_hang_up(chaos, i);
        memory_free(chaos->agents[i].rules);
    }
    close(chaos->epoll);
}

static void connect_all(struct chaos *chaos) {
    uint64_t now_us = figure_now_us();
    for (unsigned i = 0; i < chaos->agent_count; i++) {
        const struct chaos_agent *agent = &chaos->agents[i];
        if (agent->pid && !agent->is_connected && !agent->is_ending && !agent->is_paused &&
            now_us >= agent->retry_us)
            connect_to(chaos, i);
    }
}

int chaos_watch(struct chaos *chaos, int timeout_ms) {
    struct epoll_event events[WATCH_EVENTS];
    connect_all(chaos);
    int count = epoll_wait(chaos->epoll, events, WATCH_EVENTS, timeout_ms);
    for (int i = 0; i < count; i++) {
        unsigned index = events[i].data.u32;
        struct chaos_agent *agent = &chaos->agents[index];
        if (agent->is_connected && (events[i].events & EPOLLOUT)) {
            if (client_send_some(&agent->client)) {
                chaos_lose(chaos, index);
                continue;
            }
            chaos_wish_to_write(chaos, index);
        }
        if (agent->is_connected && (events[i].events & ~(uint32_t)EPOLLOUT))
            hear(chaos, index);
    }
    return chaos->problem[0] ? ERR_REFUSED : 0;
}
