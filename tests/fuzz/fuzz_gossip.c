/* Datagrams of gossip: a malformed one changes nothing and is answered by nothing; whatever a
 * well-formed one brings about, what is sent in return is well-formed and fits into a datagram. */
#include "base/check.h"
#include "gossip/codec.h"
#include "gossip/packing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

enum { SECOND_US = 1000000 };

static struct gossip *make_gossip(uint8_t number) {
    struct gossip_options options = {.uuid = {number},
                                     .generation = 2,
                                     .address = {.host = "10.0.0.1", .port = 7000},
                                     .timing = {.probe_interval_us = SECOND_US,
                                                .probe_timeout_us = SECOND_US / 5,
                                                .suspicion_factor = 4,
                                                .compress_min_bytes = 1,
                                                .wire_maximum = GOSSIP_WIRE_MAXIMUM},
                                     .seed = number,
                                     .now_us = SECOND_US};
    return gossip_new(&options);
}

/* As a receiver reads it. */
static bool is_read(struct bytes datagram) {
    struct codec_message message;
    struct buffer unpacked;
    struct bytes plain;
    buffer_init(&unpacked, GOSSIP_DATAGRAM_MAXIMUM + PACKING_RAW_MAXIMUM);
    bool is_good = datagram.length <= GOSSIP_DATAGRAM_MAXIMUM &&
                   packing_unpack(datagram, &unpacked, &plain) == 0 &&
                   codec_decode(&message, plain) == 0;
    buffer_release(&unpacked);
    return is_good;
}

static void check_actions(const struct gossip_actions *actions) {
    for (size_t i = 0; i < actions->datagram_count; i++)
        CHECK(is_read(actions->datagrams[i].bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    struct bytes datagram = bytes_of(data, length);
    bool is_well_formed = is_read(datagram);
    if (!is_well_formed && length % 16 != 0)
        return 0; /* now and then one goes through the whole of it */
    struct gossip *gossip = make_gossip('a');
    struct gossip_event event = {.kind = GOSSIP_DATAGRAM,
                                 .now_us = SECOND_US,
                                 .wall_us = UINT64_C(1790000000) * SECOND_US,
                                 .address = {.host = "10.0.0.2", .port = 7000},
                                 .bytes = datagram};
    struct gossip_actions actions;
    for (unsigned again = 0; again < 2; again++) {
        gossip_step(gossip, &event, &actions);
        check_actions(&actions);
        CHECK(is_well_formed || (actions.datagram_count == 0 && actions.change_count == 0));
    }
    event.kind = GOSSIP_TICK;
    for (unsigned tick = 0; tick < 30; tick++) { /* probed, suspected, dead */
        event.now_us = actions.deadline_us;
        gossip_step(gossip, &event, &actions);
        check_actions(&actions);
    }
    CHECK(is_well_formed || gossip_member_count(gossip) == 1);
    gossip_free(gossip);
    return 0;
}
