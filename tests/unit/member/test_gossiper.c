/* The gossiper between its mails and its datagrams: two of them on one fake wire. */
#include "wire.h"

#include "base/memory.h"
#include "member/member_changes.h"
#include "member/said_keys.h"

/* Two nodes, of which one has the other as its seed by name, see each other and what they say, in
 * every worker's view. */
static void test_workers_hear_of_the_other_node(void **state) {
    (void)state;
    struct wire *wire = wire_new();
    struct node nodes[2];
    node_start(&nodes[0], wire, 1, "");
    node_start(&nodes[1], wire, 2, "nowhere.example:17009, localhost:17001");
    node_say(&nodes[1], GOSSIP_SAYS_CLIENT, "127.0.0.1:7002");
    node_say(&nodes[1], GOSSIP_SAYS_LEADS, "0:5,3:9");
    wire_run(wire, nodes, 2, 3000);
    for (unsigned worker = 0; worker < WORKERS; worker++) {
        const struct member_view *view = &nodes[0].view[worker];
        assert_int_equal(view->count, 2);
        const struct member_view_entry *other =
            member_view_find(view, (const uint8_t[GOSSIP_UUID_BYTES]){2});
        assert_non_null(other);
        assert_int_equal(other->generation, 7);
        assert_int_equal(other->state, GOSSIP_ALIVE);
        assert_int_equal(other->peer.port, 17002);
        assert_string_equal(other->peer.host, "127.0.0.1");
        assert_string_equal(other->name, "a_name");
        assert_string_equal(other->client, "127.0.0.1:7002");
        assert_string_equal(other->leads, "0:5,3:9");
        assert_string_equal(other->admin, "");
    }
    node_end(&nodes[0]);
    node_end(&nodes[1]);
    memory_free(wire);
}

/* A storm of changes is at most one mail to a worker in 10 ms. */
static void test_views_are_gathered(void **state) {
    (void)state;
    struct wire *wire = wire_new();
    struct node node;
    node_start(&node, wire, 1, "");
    wire_run(wire, &node, 1, 20);
    assert_int_equal(node.mails[0], 1);
    char value[16];
    for (unsigned i = 0; i < 100; i++) {
        snprintf(value, sizeof value, "%u", i);
        node_say(&node, GOSSIP_SAYS_EPOCH, value);
        wire_run(wire, &node, 1, 1);
    }
    wire_run(wire, &node, 1, 20);
    assert_in_range(node.mails[0], 8, 13);
    assert_int_equal(node.mails[0], node.mails[1]);
    assert_string_equal(node.view[0].members[0].epoch, "99");
    node_end(&node);
    memory_free(wire);
}

static void assert_entry_is_true(const struct gossip *gossip, const struct gossip_member *member,
                                 const struct member_view_entry *entry) {
    assert_memory_equal(entry->uuid, member->who->uuid, GOSSIP_UUID_BYTES);
    assert_int_equal(entry->generation, member->who->generation);
    assert_int_equal(entry->peer.port, member->who->address.port);
    assert_int_equal(entry->state, member->state);
    struct bytes said;
#define MEMBER_SAYS(field, key)                                                                    \
    said = gossip_get(gossip, member, BYTES_LITERAL(key));                                         \
    assert_true(bytes_equal(bytes_of_text(entry->field), said));
#include "member/member_says.def"
#undef MEMBER_SAYS
}

/* Every worker knows what gossip knows, in the same order. */
static void assert_views_are_true(const struct node *node) {
    const struct gossip *gossip = gossiper_gossip(node->gossiper);
    for (unsigned worker = 0; worker < WORKERS; worker++) {
        const struct member_view *view = &node->view[worker];
        assert_int_equal(view->count, gossip_member_count(gossip));
        for (size_t i = 0; i < view->count; i++) {
            const struct gossip_member *member = gossip_member_at(gossip, i);
            assert_entry_is_true(gossip, member, &view->members[i]);
            assert_ptr_equal(member_view_find(view, member->who->uuid), &view->members[i]);
        }
    }
}

/* Five nodes say things, two at a time, in turn, and one leaves: workers are told of those that
 * changed, or were heard, and know all. */
static void test_workers_are_told_what_changed(void **state) {
    (void)state;
    enum { NODES = 5, SAYINGS = 60 };
    struct wire *wire = wire_new();
    struct node nodes[NODES];
    for (uint8_t i = 0; i < NODES; i++)
        node_start(&nodes[i], wire, (uint8_t)(i + 1), i > 0 ? "127.0.0.1:17001" : "");
    wire_run(wire, nodes, NODES, 3000);
    assert_views_are_true(&nodes[0]);
    size_t told = nodes[0].told;
    unsigned mails = nodes[0].mails[0];
    for (unsigned i = 0; i < SAYINGS; i++) {
        char value[16];
        snprintf(value, sizeof value, "%u", i);
        node_say(&nodes[i % NODES], i % 2 ? GOSSIP_SAYS_EPOCH : GOSSIP_SAYS_LEADS, value);
        node_say(&nodes[(i + 1) % NODES], GOSSIP_SAYS_SETTLED, value);
        wire_run(wire, nodes, NODES, 40);
        assert_views_are_true(&nodes[0]);
    }
    told = nodes[0].told - told;
    mails = nodes[0].mails[0] - mails;
    assert_true(mails >= SAYINGS);
    if (told > 3 * NODES * mails / 4)
        fail_msg("%u mails told of %zu members", mails, told);
    gossiper_mail(nodes[4].gossiper, mail_new(MAIL_GOSSIP_LEAVE, 0));
    wire_run(wire, nodes, NODES, 100);
    assert_int_equal(
        member_view_find(&nodes[0].view[1], (const uint8_t[GOSSIP_UUID_BYTES]){5})->state,
        GOSSIP_LEFT);
    for (unsigned i = 0; i < NODES; i++) {
        assert_views_are_true(&nodes[i]);
        node_end(&nodes[i]);
    }
    memory_free(wire);
}

/* How many members the next mail tells of. */
static size_t take_changes(struct member_changes *changes, const struct gossip *gossip) {
    struct buffer taken;
    buffer_init(&taken, MEMBER_VIEW_BYTES_MAXIMUM);
    assert_false(member_changes_take(changes, gossip, 0, &taken));
    size_t count = buffer_data(&taken)[1];
    buffer_release(&taken);
    return count;
}

/* Of three members that change in one step, one of them twice, each is told once. */
static void test_changes_of_one_step_are_all_told(void **state) {
    (void)state;
    enum { NODES = 4 };
    struct wire *wire = wire_new();
    struct node nodes[NODES];
    for (uint8_t i = 0; i < NODES; i++)
        node_start(&nodes[i], wire, (uint8_t)(i + 1), i > 0 ? "127.0.0.1:17001" : "");
    wire_run(wire, nodes, NODES, 1000);
    const struct gossip *gossip = gossiper_gossip(nodes[0].gossiper);
    struct member_changes changes;
    member_changes_init(&changes);
    assert_int_equal(take_changes(&changes, gossip), NODES);
    struct gossip_change changed[] = {{.member = gossip_member_at(gossip, 3)},
                                      {.member = gossip_member_at(gossip, 1)},
                                      {.member = gossip_member_at(gossip, 0)},
                                      {.member = gossip_member_at(gossip, 1)}};
    member_changes_note(&changes, &(struct gossip_actions){.changes = changed, .change_count = 4});
    assert_int_equal(take_changes(&changes, gossip), 3);
    assert_int_equal(take_changes(&changes, gossip), 0);
    member_changes_release(&changes);
    for (unsigned i = 0; i < NODES; i++)
        node_end(&nodes[i]);
    memory_free(wire);
}

/* A member that left is forgotten after a day, by the workers as well, though nothing else happens.
 */
static void test_the_forgotten_leave_the_views(void **state) {
    (void)state;
    struct wire *wire = wire_new();
    struct node nodes[2];
    node_start(&nodes[0], wire, 1, "");
    node_start(&nodes[1], wire, 2, "127.0.0.1:17001");
    wire_run(wire, nodes, 2, 1000);
    gossiper_mail(nodes[1].gossiper, mail_new(MAIL_GOSSIP_LEAVE, 0));
    wire_run(wire, nodes, 2, 100);
    wire->now_us += UINT64_C(86400) * 1000000 + 60000000; /* a grave is kept for a day */
    wire_run(wire, nodes, 1, 40);
    assert_int_equal(nodes[0].view[0].count, 1);
    assert_views_are_true(&nodes[0]);
    node_end(&nodes[0]);
    node_end(&nodes[1]);
    memory_free(wire);
}

static unsigned datagrams_to(const struct wire *wire, const char *host) {
    unsigned count = 0;
    for (size_t i = 0; i < wire->count; i++)
        count += strcmp(wire->queue[i].to.host, host) == 0;
    return count;
}

/* From a socket of IPv4 no way leads to an address of IPv6: as a seed it is refused, and among
 * those of `join` left out; the others are sought. */
static void test_seeds_without_a_way_are_left_out(void **state) {
    (void)state;
    struct wire *wire = wire_new();
    struct node node;
    struct buffer problem;
    node_start(&node, wire, 1, "[::1]:17002,127.0.0.2:17002");
    buffer_init(&problem, 1000);
    assert_int_equal(
        gossiper_seed_text(node.gossiper, BYTES_LITERAL("[2001:db8::5]:17002"), &problem),
        ERR_INVALID);
    assert_true(bytes_equal(
        buffer_bytes(&problem),
        BYTES_LITERAL("[2001:db8::5]:17002 is an address of IPv6, and this member's is of IPv4")));
    assert_int_equal(gossiper_seed_text(node.gossiper, BYTES_LITERAL("127.0.0.3:17002"), &problem),
                     0);
    for (unsigned i = 0; i < 20; i++) {
        if (gossiper_deadline_us(node.gossiper) <= wire->now_us)
            gossiper_tick(node.gossiper);
        wire->now_us += 100000;
    }
    assert_int_equal(datagrams_to(wire, "::1") + datagrams_to(wire, "2001:db8::5"), 0);
    assert_true(datagrams_to(wire, "127.0.0.2") > 1 && datagrams_to(wire, "127.0.0.3") > 1);
    buffer_release(&problem);
    node_end(&node);
    memory_free(wire);
}

/* A seed that comes by mail, a setting that changes live, a goodbye. */
static void test_mail_is_taken(void **state) {
    (void)state;
    struct wire *wire = wire_new();
    struct node nodes[2];
    node_start(&nodes[0], wire, 1, "");
    node_start(&nodes[1], wire, 2, "");
    wire_run(wire, nodes, 2, 1000);
    assert_int_equal(nodes[0].view[0].count, 1);
    struct mail *seed = mail_new(MAIL_GOSSIP_SEED, 0);
    seed->address = nodes[1].address;
    gossiper_mail(nodes[0].gossiper, seed);
    wire_run(wire, nodes, 2, 1000);
    assert_int_equal(nodes[0].view[0].count, 2);

    struct mail *setting = mail_new(MAIL_SETTINGS, 0);
    mail_add_setting(setting, "gossip-probe-interval-ms", "20");
    gossiper_mail(nodes[0].gossiper, setting);
    struct metric_cell *pings =
        metrics_cell(nodes[0].metrics, METRIC_gossip_messages_sent_total, "PING");
    uint64_t before = metric_value(pings);
    wire_run(wire, nodes, 2, 1000);
    /* 50 a second by lot, and 25 of the one it watches */
    assert_in_range(metric_value(pings) - before, 55, 80);

    gossiper_mail(nodes[1].gossiper, mail_new(MAIL_GOSSIP_LEAVE, 0));
    wire_run(wire, nodes, 2, 100);
    assert_int_equal(nodes[0].view[0].members[1].state, GOSSIP_LEFT);
    node_end(&nodes[0]);
    node_end(&nodes[1]);
    memory_free(wire);
}

/* However much users say of a node, it can say by itself which shards it leads, and all else. */
static void test_users_leave_room_for_the_node(void **state) {
    (void)state;
    static const char *const own[] = {
#define MEMBER_SAYS(field, key) key,
#include "member/member_says.def"
#undef MEMBER_SAYS
        GOSSIP_KEY_ZONE};
    struct wire *wire = wire_new();
    struct node node;
    struct buffer problem;
    unsigned said = 0;
    node_start(&node, wire, 1, "");
    const struct gossip *gossip = gossiper_gossip(node.gossiper);
    buffer_init(&problem, 1000);
    for (unsigned i = 0; i < 2 * GOSSIP_KEYS_PER_MEMBER_MAXIMUM; i++) {
        char key[16];
        snprintf(key, sizeof key, "key-%u", i);
        if (gossip_key_check(gossip, bytes_of_text(key), BYTES_LITERAL("1"), &problem) != 0)
            continue;
        node_say(&node, key, "1");
        said++;
    }
    assert_int_equal(said, GOSSIP_USER_KEYS_MAXIMUM);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        node_say(&node, own[i], "mine");
        struct bytes value = gossip_get(gossip, gossip_member_at(gossip, 0), bytes_of_text(own[i]));
        assert_true(bytes_equal(value, BYTES_LITERAL("mine")));
    }
    buffer_release(&problem);
    node_end(&node);
    memory_free(wire);
}

/* A view cut anywhere is malformed and changes nothing. */
static void test_cut_view_is_malformed(void **state) {
    (void)state;
    struct gossip_options options = {.address = {.host = "::1", .port = 1},
                                     .timing = {.probe_interval_us = 1000}};
    struct gossip *gossip = gossip_new(&options);
    struct buffer encoded;
    buffer_init(&encoded, MEMBER_VIEW_BYTES_MAXIMUM);
    struct member_changes changes;
    member_changes_init(&changes);
    assert_false(member_changes_take(&changes, gossip, 0, &encoded));
    struct member_view view = {0};
    for (size_t length = 0; length < encoded.length; length++) {
        assert_int_equal(member_view_hear(&view, bytes_of(buffer_data(&encoded), length)),
                         ERR_MALFORMED);
        assert_int_equal(view.count, 0);
    }
    assert_int_equal(member_view_hear(&view, buffer_bytes(&encoded)), 0);
    assert_string_equal(view.members[0].peer.host, "::1");
    member_changes_release(&changes);
    member_view_release(&view);
    buffer_release(&encoded);
    gossip_free(gossip);
}

RUN_TESTS(cmocka_unit_test(test_workers_hear_of_the_other_node),
          cmocka_unit_test(test_views_are_gathered),
          cmocka_unit_test(test_workers_are_told_what_changed),
          cmocka_unit_test(test_changes_of_one_step_are_all_told),
          cmocka_unit_test(test_the_forgotten_leave_the_views),
          cmocka_unit_test(test_seeds_without_a_way_are_left_out),
          cmocka_unit_test(test_mail_is_taken),
          cmocka_unit_test(test_users_leave_room_for_the_node),
          cmocka_unit_test(test_cut_view_is_malformed))
