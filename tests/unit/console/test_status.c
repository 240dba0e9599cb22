/* What an admin port tells of the members: so many, those that matter first, and nothing of theirs
 * that is no JSON. */
#include "../member/wire.h"
#include "base/memory.h"
#include "console/console_status.h"
#include "member/said_keys.h"
#include "text.h"

/* Valid until the next call. */
static const char *told(const struct node *node, size_t member_maximum, const char *workers) {
    static char text[65536];
    struct buffer out;
    buffer_init(&out, sizeof text - 1);
    console_status_write_some(node->gossiper, bytes_of_text(workers), member_maximum, &out);
    assert_false(out.is_overflowed);
    memcpy(text, buffer_data(&out), out.length);
    text[out.length] = '\0';
    buffer_release(&out);
    return text;
}

/* An agent of no interest, one that is dead, a node: of the four that the first knows, itself among
 * them. */
static void test_of_too_many_members_those_that_matter_are_told(void **state) {
    (void)state;
    enum { NODES = 4 };
    static const char *const names[NODES] = {"asked", "idle", "lost", "peer"};
    struct wire *wire = wire_new();
    struct node nodes[NODES];
    for (uint8_t i = 0; i < NODES; i++)
        node_start_called(&nodes[i], wire, (uint8_t)(i + 1), names[i],
                          i > 0 ? "127.0.0.1:17001" : "");
    node_say(&nodes[1], GOSSIP_SAYS_KIND, GOSSIP_KIND_AGENT);
    node_say(&nodes[2], GOSSIP_SAYS_KIND, GOSSIP_KIND_AGENT);
    wire_run(wire, nodes, NODES, 3000);
    gossiper_mail(nodes[2].gossiper, mail_new(MAIL_GOSSIP_LEAVE, 0));
    wire_run(wire, nodes, NODES, 200);
    static const char *const order[NODES] = {"asked", "peer", "lost", "idle"};
    for (size_t most = 0; most <= NODES + 1; most++) {
        const char *text = told(&nodes[0], most, "");
        size_t count = most < NODES ? most : NODES;
        char left_out[64];
        snprintf(left_out, sizeof left_out, "\"members_left_out\":%zu,", NODES - count);
        expect(text, left_out);
        expect(text, "\"member_counts\":{\"alive\":3,\"suspect\":0,\"dead\":0,\"left\":1,");
        assert_int_equal(count_of(text, "\"id\":"), count);
        for (size_t i = 0; i < NODES; i++)
            assert_int_equal(count_of(text, order[i]), i < count);
    }
    for (size_t i = 0; i < NODES; i++)
        node_end(&nodes[i]);
    memory_free(wire);
}

/* A name is anybody's text, and what somebody says may be long. */
static void test_what_a_member_says_is_text_and_short(void **state) {
    (void)state;
    struct wire *wire = wire_new();
    struct node nodes[2];
    node_start_called(&nodes[0], wire, 1, "one", "");
    node_start_called(&nodes[1], wire, 2, "<b>\"\\\xff", "127.0.0.1:17001");
    char zone[GOSSIP_VALUE_MAXIMUM + 1];
    memset(zone, 'z', sizeof zone - 1);
    zone[sizeof zone - 1] = '\0';
    node_say(&nodes[1], GOSSIP_SAYS_VERSION, zone);
    wire_run(wire, nodes, 2, 3000);
    const char *text = told(&nodes[0], 2, "");
    expect(text, "\"version\":\"zzzz");
    assert_int_equal(count_of(text, "z") - count_of(text, "zone"), CONSOLE_TEXT_MAXIMUM_BYTES);
    assert_int_equal(count_of(text, "\n"), 1); /* its end */
    for (const char *at = text; *at != '\0'; at++)
        assert_true(*at == '\n' || (*at >= ' ' && *at < 0x7f) || (unsigned char)*at >= 0x80);
    assert_int_equal(count_of(text, "\xff"), 0);
    node_end(&nodes[0]);
    node_end(&nodes[1]);
    memory_free(wire);
}

/* An agent has no workers; of a node theirs stands behind the members. */
static void test_the_workers_part_is_put_in_as_it_is(void **state) {
    (void)state;
    struct wire *wire = wire_new();
    struct node node;
    node_start(&node, wire, 1, "");
    wire_run(wire, &node, 1, 20);
    expect(told(&node, 1, ""),
           "\"members_left_out\":0,\"durability\":null,\"cluster\":null,\"replicas\":[]}\n");
    expect(told(&node, 1, "\"cluster\":7"), "\"members_left_out\":0,\"cluster\":7}\n");
    node_end(&node);
    memory_free(wire);
}

RUN_TESTS(cmocka_unit_test(test_of_too_many_members_those_that_matter_are_told),
          cmocka_unit_test(test_what_a_member_says_is_text_and_short),
          cmocka_unit_test(test_the_workers_part_is_put_in_as_it_is))
